//! Runs the program.

use std::{
    ffi::{OsStr, OsString},
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use tokenlease_emulator::Emulator;

/// The program with its arguments, an environment of its own, and what stands in its input.
pub(crate) struct Program {
    command: Command,
    input: Option<String>,
    /// A store of its own, unless it shares one with others.
    _state: TempDir,
}

/// How the program ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Checks the exit code, and shows what was printed if it is another.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Checks that standard error holds this text.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in {self:#?}");
        self
    }

    /// The one JSON value on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// The one JSON object on standard error.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let value: Value =
            serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error} in {self:#?}"));
        value["error"].clone()
    }
}

pub(crate) fn tokenlease<T: AsRef<OsStr>>(args: impl IntoIterator<Item = T>) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenlease"));
    // Nothing of the machine's: neither proxies nor profiles, and no store.
    command.env_clear().env("HOME", "/nonexistent").args(args);
    let state = tempfile::tempdir().expect("a folder");
    shares(&mut command, state.path());
    for name in ["PATH", "SystemRoot"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    Program { command, input: None, _state: state }
}

/// Has a program keep its leases below that folder.
fn shares(command: &mut Command, folder: &Path) {
    if cfg!(unix) {
        command.env("XDG_STATE_HOME", folder);
    } else {
        // The system says where the user's folder is, whatever the environment says.
        command.env("TOKENLEASE_STORE", format!("file:{}", folder.join("tokenlease").display()));
    }
}

impl Program {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.command.args(args);
        self
    }

    /// Shares its store with all who are given that folder.
    pub(crate) fn shares(mut self, folder: &Path) -> Self {
        shares(&mut self.command, folder);
        self
    }

    pub(crate) fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    pub(crate) fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    pub(crate) fn run(mut self) -> Run {
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = self
            .command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), self.input) {
            // A program that needs no input may have ended already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().expect("its output");
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

pub(crate) fn emulator() -> Emulator {
    Emulator::builder().start_blocking().expect("an emulator")
}

/// A command for the Wyn side, with good credentials in the environment.
pub(crate) fn wyn(emulator: &Emulator, command: &str) -> Program {
    let wyn = emulator.wyn();
    tokenlease([command, "--provider", "wyn", "--server", &wyn.server(), "--user", &wyn.user()])
        .env("TOKENLEASE_PASSWORD", wyn.password())
        .env("TOKENLEASE_CLIENT_SECRET", wyn.client_secret())
}

/// A command for the `WinKAS` side, with a good password in the environment.
pub(crate) fn winkas(emulator: &Emulator, command: &str) -> Program {
    let winkas = emulator.winkas();
    let (server, user, contract) = (winkas.server(), winkas.user(), winkas.contract());
    tokenlease([command, "--provider", "winkas", "--server", &server, "--user", &user])
        .args(["--contract", &contract])
        .env("TOKENLEASE_PASSWORD", winkas.password())
}

/// A command for the Wyn side as a server of the standard, for the client itself.
pub(crate) fn oauth2(emulator: &Emulator, command: &str) -> Program {
    let wyn = emulator.wyn();
    let args: [OsString; 5] = [
        command.into(),
        "--provider".into(),
        "oauth2".into(),
        "--server".into(),
        wyn.server().into(),
    ];
    tokenlease(args)
        .args(["--client-id", wyn.client_id(), "--token-path", "/connect/token"])
        .env("TOKENLEASE_CLIENT_SECRET", wyn.client_secret())
}

/// An address where nobody listens.
pub(crate) fn nobody() -> &'static str {
    // A free port might be given to another test meanwhile; this one is given to nobody.
    "http://127.0.0.1:1"
}
