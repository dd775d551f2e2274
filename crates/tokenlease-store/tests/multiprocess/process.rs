//! Child processes: how a test starts them, sends them commands and reads their answers.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use crate::child::{MARK, STORE};
#[cfg(unix)]
use crate::unix;

/// Longer than any answer takes on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
pub(crate) struct Starter {
    options: BTreeMap<String, String>,
    environment: Vec<(&'static str, OsString)>,
    removed: Vec<&'static str>,
    #[cfg(unix)]
    pub(crate) place: unix::Place,
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

    pub(crate) fn start(&self) -> Process {
        assert!(self.options.contains_key(STORE));
        #[cfg(unix)]
        let mut command = self.place.command();
        #[cfg(not(unix))]
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
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

pub(crate) struct Process {
    pub(crate) process: Child,
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

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        #[cfg(unix)]
        self.resume();
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
