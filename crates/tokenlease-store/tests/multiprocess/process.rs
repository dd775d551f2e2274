//! Child processes: how a test starts them, sends them commands and reads their answers.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::child::{MARK, STORE};

/// Longer than any answer takes on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
pub(crate) struct Starter {
    options: BTreeMap<String, String>,
    environment: Vec<(&'static str, OsString)>,
    removed: Vec<&'static str>,
    user: Option<(u32, Rc<TempDir>)>,
    script: Option<&'static str>,
    namespace: Option<String>,
}

impl Starter {
    /// Sets an option of the child, which it reads from its environment.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.options.insert(format!("TOKENLEASE_TEST_{name}"), value.into());
        self
    }

    pub(crate) fn is_winkas(&self) -> bool {
        self.options["TOKENLEASE_TEST_PROVIDER"] == "winkas"
    }

    /// Removes an inherited variable from the child's environment.
    pub(crate) fn without_env(mut self, name: &'static str) -> Self {
        self.removed.push(name);
        self
    }

    /// Sets an environment variable of the child.
    pub(crate) fn with_env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Runs the child as that user.
    pub(crate) fn run_as(mut self, user: Option<u32>) -> Self {
        self.user = user.map(|user| (user, Rc::new(executable_for_all_users())));
        self
    }

    /// Runs a shell script that becomes the child when it ends.
    pub(crate) fn after_script(mut self, script: &'static str) -> Self {
        self.script = Some(script);
        self
    }

    /// Runs the child in that network namespace.
    pub(crate) fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    pub(crate) fn start(&self) -> Process {
        use std::os::unix::process::CommandExt as _;
        assert!(self.options.contains_key(STORE));
        let program = match &self.user {
            Some((_, folder)) => copied_executable(folder),
            None => std::env::current_exe().unwrap(),
        };
        let mut command = match (self.script, &self.namespace) {
            (Some(script), _) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("{script}; exec \"$0\" \"$@\"")).arg(program);
                shell
            }
            (None, Some(namespace)) => {
                let mut entered = Command::new("ip");
                entered.args(["netns", "exec", namespace]).arg(program);
                entered
            }
            (None, None) => Command::new(program),
        };
        if let Some((user, _)) = self.user {
            command.uid(user).gid(user).current_dir("/");
        }
        for name in &self.removed {
            command.env_remove(name);
        }
        let mut process = command
            .args(["--exact", "child::child", "--nocapture", "--test-threads", "1"])
            .envs(&self.options)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(answer) = line.strip_prefix(MARK) {
                    let _ = sender.send(answer.to_owned());
                }
            }
        });
        Process { process, answers }
    }

    pub(crate) fn start_one(&self) -> Process {
        let mut process = self.start();
        process.expect_ready();
        process
    }

    /// Starts that many processes, and waits until each is ready for commands.
    pub(crate) fn start_many(&self, count: usize) -> Vec<Process> {
        let mut all: Vec<_> = (0..count).map(|_| self.start()).collect();
        for process in &mut all {
            process.expect_ready();
        }
        all
    }
}

/// Copies this test program to a folder that every user can enter: other users can't start it
/// below a folder with mode 0700, such as root's home.
fn executable_for_all_users() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = copied_executable(&folder);
    // A copy by another process: while this one has the file open for writing, a child that another
    // thread starts inherits it for a moment, and starting the copy fails with ETXTBSY.
    let source = std::env::current_exe().unwrap();
    let copied = Command::new("cp").arg(source).arg(&copy).status().unwrap();
    assert!(copied.success());
    for path in [folder.path(), &copy] {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn copied_executable(folder: &TempDir) -> PathBuf {
    folder.path().join("multiprocess")
}

pub(crate) struct Process {
    process: Child,
    answers: Receiver<String>,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    fn expect_ready(&mut self) {
        assert_eq!(self.answer(), "ready");
    }

    /// Sends a command without waiting for its answer.
    pub(crate) fn order(&mut self, command: &str) {
        let input = self.process.stdin.as_mut().unwrap();
        writeln!(input, "{command}").unwrap();
    }

    /// Waits for the next answer, as text.
    pub(crate) fn answer(&mut self) -> String {
        self.answers.recv_timeout(ANSWER_TIMEOUT).expect("the child answers")
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn ask(&mut self, command: &str) -> Answer {
        self.order(command);
        self.take()
    }

    /// Waits for the next answer and parses it.
    pub(crate) fn take(&mut self) -> Answer {
        let text = self.answer();
        let words: Vec<_> = text.split(' ').map(str::to_owned).collect();
        match &words[..] {
            [token, source, text] if token == "token" => {
                Answer::Token { source: source.clone(), text: text.clone() }
            }
            [error, kind, ..] if error == "error" => {
                Answer::Error { kind: kind.clone(), text: text.clone() }
            }
            _ => Answer::Other(text),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, signal).unwrap();
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = kill_process(Pid::from_child(&self.process), Signal::CONT);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Token { source: String, text: String },
    Error { kind: String, text: String },
    Other(String),
}

impl Answer {
    pub(crate) fn token(&self) -> &str {
        match self {
            Self::Token { text, .. } => text,
            other => panic!("expected a token, not {other:?}"),
        }
    }

    pub(crate) fn source(&self) -> &str {
        match self {
            Self::Token { source, .. } => source,
            other => panic!("expected a token, not {other:?}"),
        }
    }

    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Error { kind, .. } => kind,
            other => panic!("expected an error, not {other:?}"),
        }
    }
}

/// Sends the command to all processes at once, then waits for all answers.
pub(crate) fn ask_all(processes: &mut [Process], command: &str) -> Vec<Answer> {
    for process in &mut *processes {
        process.order(command);
    }
    processes.iter_mut().map(Process::take).collect()
}

pub(crate) fn assert_one_token(answers: &[Answer]) {
    assert!(answers.windows(2).all(|pair| pair[0].token() == pair[1].token()), "{answers:?}");
}
