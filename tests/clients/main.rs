//! `OAuth2` libraries of other projects, unmodified, as clients of `tokenlease serve`.
//!
//! Each has a folder with `start.sh`, which installs and runs it: it gets a token, uses it, and prints it. Go and
//! Java run with `INTEROP_ALL` in the environment alone, as the servers under test do.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use tokenlease_emulator::Emulator;
use tokenlease_tests::{servers::all_must_run, start::Program};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tokenlease-under-test");

/// A `serve` that runs, with its emulator.
struct Serving {
    emulator: Emulator,
    child: Child,
    address: String,
    secret: String,
    _folder: TempDir,
}

impl Serving {
    fn start() -> Self {
        let emulator = Emulator::builder().start_blocking().expect("an emulator");
        let folder = tempfile::tempdir().expect("a folder");
        let (wyn, path) = (emulator.wyn(), |name: &str| folder.path().join(name));
        let mut program = Command::new(PROGRAM);
        let run = program.args(["serve", "--new-secret"]).arg(path("app.secret")).output();
        let hash = String::from_utf8(run.expect("the program").stdout).expect("UTF-8");
        let secret = fs::read_to_string(path("app.secret")).expect("the secret");
        private(&path("password"), &wyn.password());
        private(&path("client.secret"), &wyn.client_secret());
        let config = format!(
            "[profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\nstore = \"file:store\"\n\
             password_file = \"password\"\nclient_secret_file = \"client.secret\"\n\
             [consumer.app]\n{hash}profiles = [\"bi\"]\n",
            wyn.server(),
            wyn.user(),
        );
        fs::write(path("config.toml"), config).expect("the configuration");
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(path("config.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let address = ready["listen"][0].as_str().expect("an address").to_owned();
        Self { emulator, child, address, secret: secret.trim().to_owned(), _folder: folder }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a file that only this user can read.
fn private(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

/// Runs a client against its own server, and checks what it cost.
fn runs(name: &str, needs_a_language: bool) {
    if needs_a_language && !all_must_run() {
        println!("{name} runs with INTEROP_ALL alone");
        return;
    }
    let client = Program::of(&format!("clients/{name}"));
    if let Err(why) = client.install() {
        assert!(!all_must_run(), "{name}: {why}");
        println!("skipped: {name}: {why}");
        return;
    }
    let serving = Serving::start();
    let output = client
        .command()
        .env("SERVER", &serving.address)
        .env("API", format!("{}/api/v2/me", serving.emulator.wyn().server()))
        .envs([("PROFILE", "bi"), ("CLIENT_ID", "app"), ("CLIENT_SECRET", &serving.secret)])
        .output()
        .expect("sh");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(serving.emulator.wyn().active_tokens(), [printed.trim()], "{name}");
    assert_eq!(serving.emulator.counts().wyn.login, 1, "{name}");
}

/// Rule: Languages: Authlib and requests-oauthlib get, introspect and revoke tokens of `serve`, unmodified.
#[test]
fn authlib_and_requests_oauthlib_are_clients_of_serve() {
    runs("python", false);
}

/// Rule: Languages: openid-client (Node.js) gets, introspects and revokes tokens of `serve`, unmodified.
#[test]
fn openid_client_is_a_client_of_serve() {
    runs("node", false);
}

/// Rule: Languages: x/oauth2 (Go) gets tokens of `serve`, unmodified.
#[test]
fn the_oauth2_package_of_go_is_a_client_of_serve() {
    runs("go", true);
}

/// Rule: Languages: the OAuth 2.0 SDK of Nimbus (Java) gets, introspects and revokes tokens of `serve`,
/// unmodified.
#[test]
fn the_sdk_of_nimbus_is_a_client_of_serve() {
    runs("java", true);
}
