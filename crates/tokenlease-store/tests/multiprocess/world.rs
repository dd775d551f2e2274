//! An emulator, a store, and children that use both.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{BufRead as _, BufReader, Write as _},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokenlease_emulator::Emulator;

use crate::{
    child::{MARK, STORE},
    hour::Hour,
};

/// Longer than anything here takes on a busy machine.
const LONGEST: Duration = Duration::from_secs(60);
const KEY: &str = "6b65792d6b65792d6b65792d6b65792d6b65792d6b65792d6b65792d6b65792d";

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) store: String,
    pub(crate) folder: tempfile::TempDir,
    /// The children's hour, if it can be moved.
    pub(crate) hour: Option<Rc<Hour>>,
}

impl World {
    /// With a folder as the store.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("file:{}", folder.path().join("store").display());
        Self { folder, ..Self::with_store(store) }
    }

    pub(crate) fn with_store(store: String) -> Self {
        Self::between(store, Ipv4Addr::LOCALHOST)
    }

    /// With the provider at that address.
    pub(crate) fn between(store: String, provider: Ipv4Addr) -> Self {
        let (folder, provider) = (tempfile::tempdir().unwrap(), (provider, 0).into());
        let emulator = Emulator::builder().winkas_addr(provider).wyn_addr(provider);
        Self { emulator: emulator.start_blocking().unwrap(), store, folder, hour: None }
    }

    /// Lets time pass for the provider, the children and the store.
    pub(crate) fn pass(&self, time: Duration) {
        self.hour.as_ref().expect("an hour that can be moved").pass(time);
        self.emulator.advance(time);
    }

    /// How a child that logs in at `WinKAS` is started; options can be added.
    pub(crate) fn winkas(&self) -> Starter {
        let w = self.emulator.winkas();
        self.starter()
            .with("PROVIDER", "winkas")
            .with("SERVER", w.server())
            .with("USER", w.user())
            .with("REALM", w.contract())
            .with("PASSWORD", w.password())
    }

    pub(crate) fn wyn(&self) -> Starter {
        let w = self.emulator.wyn();
        self.starter()
            .with("PROVIDER", "wyn")
            .with("SERVER", w.server())
            .with("USER", w.user())
            .with("CLIENT", w.client_id())
            .with("PASSWORD", w.password())
            .with("SECRET", w.client_secret())
    }

    pub(crate) fn both(&self) -> [Starter; 2] {
        [self.winkas(), self.wyn()]
    }

    fn starter(&self) -> Starter {
        let hour = self.hour.as_ref().map(|hour| hour.path().to_string_lossy().into_owned());
        Starter::default()
            .with("STORE", self.store.clone())
            .with("KEY", KEY)
            .with("HOUR", hour.unwrap_or_default())
    }

    /// Logins at both providers.
    pub(crate) fn logins(&self) -> u64 {
        let counts = self.emulator.counts();
        counts.winkas.login + counts.wyn.login
    }

    /// The store's files whose names end that way, if it is a folder.
    pub(crate) fn files(&self, end: &str) -> Vec<std::path::PathBuf> {
        let Ok(folder) = std::fs::read_dir(self.folder.path().join("store")) else {
            return Vec::new();
        };
        let paths = folder.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_string_lossy().ends_with(end)).collect()
    }
}

#[derive(Clone, Default)]
pub(crate) struct Starter {
    options: BTreeMap<String, String>,
    environment: Vec<(&'static str, OsString)>,
    user: Option<u32>,
    before: Option<&'static str>,
    inside: Option<String>,
    removed: Vec<&'static str>,
}

impl Starter {
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.options.insert(format!("TOKENLEASE_TEST_{name}"), value.into());
        self
    }

    pub(crate) fn is_winkas(&self) -> bool {
        self.options["TOKENLEASE_TEST_PROVIDER"] == "winkas"
    }

    /// Takes a variable of this process's own away.
    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.removed.push(name);
        self
    }

    /// Runs as that user.
    pub(crate) fn by(mut self, user: Option<u32>) -> Self {
        self.user = user;
        self
    }

    /// A shell runs this before it becomes the child.
    pub(crate) fn after(mut self, script: &'static str) -> Self {
        self.before = Some(script);
        self
    }

    /// Sets a variable as it stands, for what reads its own.
    pub(crate) fn and(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// In that network namespace.
    pub(crate) fn inside(mut self, namespace: &str) -> Self {
        self.inside = Some(namespace.to_owned());
        self
    }

    pub(crate) fn start(&self) -> Process {
        use std::os::unix::process::CommandExt as _;
        assert!(self.options.contains_key(STORE));
        let program = std::env::current_exe().unwrap();
        let mut command = match (self.before, &self.inside) {
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
        if let Some(user) = self.user {
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

    /// Starts that many, and waits until each could be ordered to go.
    pub(crate) fn start_many(&self, count: usize) -> Vec<Process> {
        let mut all: Vec<_> = (0..count).map(|_| self.start()).collect();
        for process in &mut all {
            process.expect_ready();
        }
        all
    }
}

pub(crate) struct Process {
    process: Child,
    answers: Receiver<String>,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn expect_ready(&mut self) {
        assert_eq!(self.answer(), "ready");
    }

    pub(crate) fn order(&mut self, order: &str) {
        let input = self.process.stdin.as_mut().unwrap();
        writeln!(input, "{order}").unwrap();
    }

    pub(crate) fn answer(&mut self) -> String {
        self.answers.recv_timeout(LONGEST).expect("a child answers")
    }

    /// What an order brings, as words.
    pub(crate) fn ask(&mut self, order: &str) -> Answer {
        self.order(order);
        self.take()
    }

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

/// Orders all at once, then hears all.
pub(crate) fn ask_all(processes: &mut [Process], order: &str) -> Vec<Answer> {
    for process in &mut *processes {
        process.order(order);
    }
    processes.iter_mut().map(Process::take).collect()
}

pub(crate) fn assert_one_token(answers: &[Answer]) {
    assert!(answers.windows(2).all(|pair| pair[0].token() == pair[1].token()), "{answers:?}");
}
