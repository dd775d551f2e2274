//! `credential`: the protocols of other programs, each tried with the program or the library that speaks it.

mod docker;
mod git;
mod kubernetes;
mod process;
mod server;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, OnceLock},
};

use tempfile::TempDir;
use tokenlease_emulator::Emulator;
use tokenlease_test_servers::found;

use crate::support::{emulator, folder, private};

/// A user's folder with a profile `bi`, and the links by which git and docker call the program.
struct Home {
    folder: TempDir,
    emulator: Arc<Emulator>,
}

impl Home {
    /// `tables` follow the profile in the configuration file.
    fn new(tables: &str) -> Self {
        let home = Self { folder: folder(), emulator: Arc::new(emulator()) };
        let wyn = home.emulator.wyn();
        let profile = format!(
            "[profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\n\
             password_file = \"password\"\nclient_secret_file = \"secret\"\n",
            wyn.server(),
            wyn.user()
        );
        home.save("config.toml", &format!("{profile}{tables}"));
        home.save("password", &wyn.password());
        home.save("secret", &wyn.client_secret());
        let links = home.path().join("bin");
        fs::create_dir(&links).expect("a folder");
        for name in ["tokenlease", "git-credential-tokenlease", "docker-credential-tokenlease"] {
            symlink(env!("CARGO_BIN_EXE_tokenlease"), links.join(name)).expect("a link");
        }
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn save(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::write(&path, text).expect("written");
        private(&path);
    }

    /// Returns a command of this user, without a terminal.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [self.path().join("bin")].into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", std::env::join_paths(path).expect("a path"))
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("TOKENLEASE_CONFIG", self.path().join("config.toml"))
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(self.path());
        command
    }

    /// Runs one of the program's names with arguments and an input.
    fn run(&self, program: &str, args: &[&str], input: &str) -> Run {
        run(self.command(self.path().join("bin").join(program)).args(args), input)
    }

    /// Returns the token that `tokenlease token` prints.
    fn token(&self) -> String {
        let printed = self.run("tokenlease", &["token", "--profile", "bi"], "");
        assert_eq!(printed.code, Some(0), "{printed:?}");
        printed.out.trim().to_owned()
    }

    fn logins(&self) -> u64 {
        self.emulator.counts().wyn.login
    }
}

/// The result of a command.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(command: &mut Command, input: &str) -> Run {
    use std::io::Write as _;
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A program that reads no input may have exited.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("its output");
    Run {
        code: status.code(),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// Builds the programs in Go that use the libraries of docker, Kubernetes and AWS, once for all tests.
/// Returns the path of one, or `None` without Go.
fn go(name: &str) -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let go = found(&["go"])?;
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("credential");
        fs::create_dir_all(&target).expect("a folder");
        let output = Command::new(go)
            .args(["build", "-trimpath", "-buildvcs=false", "-o"])
            .arg(&target)
            .arg("./...")
            .env("GOFLAGS", "-mod=readonly")
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/go"))
            .output()
            .expect("go");
        assert!(output.status.success(), "{output:#?}");
        Some(target)
    });
    built.as_ref().map(|folder| folder.join(name))
}
