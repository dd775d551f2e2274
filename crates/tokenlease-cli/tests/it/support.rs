//! Runs the program in a clean environment.

use std::{
    ffi::{OsStr, OsString},
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use tokenlease_emulator::Emulator;

/// The program with its arguments, environment and input.
pub(crate) struct Program {
    command: Command,
    input: Option<String>,
    /// The folder of its store, unless `shares` sets another.
    _state: TempDir,
}

/// The exit code and output of the program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Checks that standard error contains this text.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in {self:#?}");
        self
    }

    /// Parses standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// Parses standard error as one JSON object, and returns the error in it.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let value: Value =
            serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error} in {self:#?}"));
        value["error"].clone()
    }
}

pub(crate) fn tokenlease<T: AsRef<OsStr>>(args: impl IntoIterator<Item = T>) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenlease"));
    // No proxy, profile or store of this machine.
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

/// Sets the program's state folder.
fn shares(command: &mut Command, folder: &Path) {
    command.env(if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_STATE_HOME" }, folder);
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

    /// Uses the store in that state folder.
    pub(crate) fn shares(mut self, folder: &Path) -> Self {
        shares(&mut self.command, folder);
        self
    }

    pub(crate) fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    /// Runs as another user and group, with a umask that takes all rights from others. Needs root.
    #[cfg(target_os = "linux")]
    pub(crate) fn by_user(mut self, user: u32, group: u32) -> Self {
        let mut command = Command::new("setpriv");
        command.env_clear().envs(self.command.get_envs().filter_map(|(k, v)| Some((k, v?))));
        command.args([format!("--reuid={user}"), format!("--regid={user}")]);
        command.args([&format!("--groups={group}"), "sh", "-c", "umask 077; exec \"$@\"", "sh"]);
        command.arg(self.command.get_program()).args(self.command.get_args());
        self.command = command;
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
            // A program that reads no input may have exited.
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

/// Returns a command for the emulated Wyn, with valid credentials in the environment.
pub(crate) fn wyn(emulator: &Emulator, command: &str) -> Program {
    let wyn = emulator.wyn();
    tokenlease([command, "--provider", "wyn", "--server", &wyn.server(), "--user", &wyn.user()])
        .env("TOKENLEASE_PASSWORD", wyn.password())
        .env("TOKENLEASE_CLIENT_SECRET", wyn.client_secret())
}

/// Returns a command for the emulated `WinKAS`, with a valid password in the environment.
pub(crate) fn winkas(emulator: &Emulator, command: &str) -> Program {
    let winkas = emulator.winkas();
    let (server, user, contract) = (winkas.server(), winkas.user(), winkas.contract());
    tokenlease([command, "--provider", "winkas", "--server", &server, "--user", &user])
        .args(["--contract", &contract])
        .env("TOKENLEASE_PASSWORD", winkas.password())
}

/// Returns a command for the emulated Wyn as a plain OAuth 2.0 server, with client credentials.
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

/// Returns a URL where no server listens.
pub(crate) fn unreachable() -> &'static str {
    // A free port may be taken by another test; port 1 is privileged.
    "http://127.0.0.1:1"
}

/// Returns a new folder, which is removed at the end of the test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Runs a command on the store in that state folder, and returns its JSON output.
pub(crate) fn json(program: Program, folder: &Path, code: i32) -> Value {
    program.shares(folder).args(["--output", "json"]).run().exits_with(code).json()
}

/// Returns a command for the emulated Wyn, with a wrong password.
pub(crate) fn wyn_wrong(emulator: &Emulator, command: &str) -> Program {
    wyn(emulator, command).env("TOKENLEASE_PASSWORD", "wrong")
}

/// Makes a file unreadable for other users.
pub(crate) fn private(path: &Path) {
    #[cfg(unix)]
    {
        use std::{fs, os::unix::fs::PermissionsExt as _};
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
    }
    let _ = path;
}
