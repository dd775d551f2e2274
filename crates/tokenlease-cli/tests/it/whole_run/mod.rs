//! One run of all commands at the most verbose level, with known secrets. Everything that it shows is
//! searched for them: output, logs, errors, files, the bytes of each store, and the arguments and
//! variables of processes.
//!
//! A secret may be in these places alone:
//! - a token in the output of `token` and `refetch`, in the variable and the file that `exec` gives to
//!   its command, and in the file of `--write`;
//! - a store's password in the connection to that store;
//! - each secret in the file or variable that the caller put it in.

mod seen;

use std::{collections::BTreeSet, fs, io::Write as _, net::TcpStream, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use seen::{Recorder, Seen};
use tempfile::TempDir;
use tokenlease_emulator::Emulator;

use crate::support::{Program, Run, folder, private, winkas, wyn};

const PASSWORD: &str = "pä|w \"of/the&run+1%";
const CLIENT_SECRET: &str = "client \"secret\"/of&the+run=";
const MISTYPED: &str = "mistyped|pässword of/the&run";
const INACTIVE: &str = "an-inactive-token-of-the-run";
/// The password that the servers of the stores accept.
const STORE_PASSWORD: &str = "canary";
/// The key of the stores on servers.
const KEY: &str = "8f3bb1cc0a1d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7";

/// Shows the variables that a command gets, its arguments, and those of the program and its children.
/// Without `--renew`, `exec` becomes its command, so that its parent is this test.
const LOOK: &str = "env | grep -v '^TOKENLEASE_TOKEN='; cat /proc/$$/cmdline; \
                    if [ \"$(cat /proc/$PPID/comm)\" = tokenlease ]; then \
                    for p in $PPID $(cat /proc/$PPID/task/*/children); do \
                    cat /proc/$p/cmdline; printf ' saw %s ' \"$PPID\"; done; fi";

struct World {
    emulator: Emulator,
    home: TempDir,
    seen: Seen,
    /// The output of commands that print a token: other secrets alone are searched for.
    printed: Seen,
    secrets: BTreeSet<String>,
    tokens: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let emulator = Emulator::builder()
            .winkas_credentials("user", PASSWORD, "contract")
            .wyn_credentials("user", PASSWORD, CLIENT_SECRET)
            .options(|options| options.winkas.echo_credentials = true)
            .start_blocking()
            .expect("an emulator");
        let home = folder();
        for (name, text) in [("password", PASSWORD), ("key", KEY)] {
            fs::write(home.path().join(name), format!("{text}\n")).expect("a file");
            private(&home.path().join(name));
        }
        let secrets =
            [PASSWORD, CLIENT_SECRET, MISTYPED, KEY, STORE_PASSWORD].map(str::to_owned).into();
        let tokens = [INACTIVE.to_owned()].into();
        let (seen, printed) = (Seen::default(), Seen::default());
        Self { emulator, home, seen, printed, secrets, tokens }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs a command, and keeps what it shows.
    fn run(&mut self, what: &str, program: Program, prints: bool) -> Run {
        let run = program.args(["-vvv"]).run();
        let out = if prints { &mut self.printed } else { &mut self.seen };
        out.add(format!("the output of {what}"), run.out.clone());
        self.seen.add(format!("standard error of {what}"), run.err.clone());
        self.tokens.extend(self.emulator.winkas().active_tokens());
        self.tokens.extend(self.emulator.wyn().active_tokens());
        run
    }

    /// Runs `exec` with a command of the shell.
    fn exec(&mut self, what: &str, program: Program, script: &str) -> Run {
        let run = program.args(["-vvv", "--", "sh", "-c", script]).run().exits_with(0);
        self.seen.add(format!("the output of {what}"), run.out.clone());
        self.seen.add(format!("standard error of {what}"), run.err.clone());
        self.tokens.extend(self.emulator.wyn().active_tokens());
        run
    }

    fn all_secrets(&self) -> BTreeSet<String> {
        &self.secrets | &self.tokens
    }

    #[track_caller]
    fn is_clean(&mut self) {
        let except = ["password", "key", "token-file"].map(|name| self.path(name));
        let home = self.home.path().to_owned();
        assert!(self.seen.add_files(&home, &except) > 0, "the run writes files");
        self.seen.is_clean_of(&self.all_secrets());
        self.printed.is_clean_of(&self.secrets);
    }
}

/// A command for a provider and a store.
struct Site<'a> {
    provider: fn(&Emulator, &str) -> Program,
    store: &'a str,
    state: PathBuf,
    key: Option<PathBuf>,
}

impl Site<'_> {
    fn command(&self, world: &World, command: &str) -> Program {
        let program = (self.provider)(&world.emulator, command);
        self.with_store(program)
    }

    fn with_store(&self, program: Program) -> Program {
        let program = program.shares(&self.state).env("TOKENLEASE_STORE", self.store);
        match &self.key {
            Some(key) => program.env("TOKENLEASE_STORE_KEY_FILE", key),
            None => program,
        }
    }
}

/// Runs all commands of a provider with a store.
fn run_all(world: &mut World, site: &Site<'_>) {
    for command in ["init", "check"] {
        for output in ["text", "json"] {
            let program = crate::support::tokenlease(["store", command, "--output", output]);
            world.run("store", site.with_store(program), false).exits_with(0);
        }
    }
    let token = site.command(world, "token");
    let token = world.run("token", token, true).exits_with(0).out.trim_end().to_owned();
    assert!(world.tokens.contains(&token), "the search knows the token");
    for output in ["text", "json"] {
        let mut run = |command: &str, args: &[&str], input: Option<&str>, prints: bool| {
            let mut program = site.command(world, command).args(["--output", output]).args(args);
            if let Some(input) = input {
                program = program.input(input);
            }
            world.run(command, program, prints).code.expect("an exit code")
        };
        assert_eq!(run("token", &[], None, true), 0);
        run("refetch", &[], None, true);
        assert_eq!(run("validate", &[], Some(&token), false), 0);
        run("validate", &[], Some(INACTIVE), false);
        assert_eq!(run("doctor", &["--login"], None, false), 0);
        assert_eq!(run("status", &[], None, false), 0);
        assert_eq!(run("status", &["--check", "--min-remaining=1s"], None, false), 0);
        run("token", &["--server", crate::support::unreachable(), "--deadline=1s"], None, false);
    }
    for format in [&["--check", "--format=nagios"][..], &["--format=openmetrics"]] {
        let program = site.command(world, "status").args(format);
        world.run("status", program, false).exits_with(0);
    }
    let file = world.path("token-file");
    let write = site.command(world, "token").args(["--write".as_ref(), file.as_os_str()]);
    world.run("token --write", write, false).exits_with(0);
    let written = fs::read_to_string(&file).expect("a token");
    assert!(world.tokens.contains(written.trim_end()), "it is written");
    let exec = site.command(world, "exec").args(["--renew".as_ref(), file.as_os_str()]);
    let run = world.exec("exec", exec, LOOK);
    assert!(run.out.contains(" saw "), "{run:?}");
    commands_for_secrets(world, site);
    let mistyped = |command| site.command(world, command).env("TOKENLEASE_PASSWORD", MISTYPED);
    for program in [mistyped("token"), mistyped("token").args(["--output=json"])] {
        world.run("a wrong password", program, false).exits_with(3);
    }
    for command in ["report-rejected", "revoke"] {
        let program = site.command(world, command).input(&token);
        world.run(command, program, false);
    }
    for command in ["unblock", "token", "forget"] {
        let program = site.command(world, command);
        world.run(command, program, command == "token").exits_with(0);
    }
}

/// Runs `token` with a password from a command, and keeps the variables and arguments that it gets.
fn commands_for_secrets(world: &mut World, site: &Site<'_>) {
    let (looked, password) = (world.path("looked"), world.path("password"));
    let script = format!("{{ {LOOK}; }} > {}; cat {}", looked.display(), password.display());
    let mut program = site.command(world, "token").args(["--password-command", &script]);
    program.command().env_remove("TOKENLEASE_PASSWORD");
    world.run("--password-command", program, true).exits_with(0);
    let looked = fs::read(looked).expect("what the command saw");
    assert!(String::from_utf8_lossy(&looked).contains(" saw "));
    world.seen.add("the processes of --password-command", looked);
}

/// Rule: Secrets: one run of all commands with a store in a folder shows no secret, raw or in any encoding.
#[test]
fn a_run_of_all_commands_shows_no_secret() {
    let mut world = World::new();
    for provider in [winkas as fn(&Emulator, &str) -> Program, wyn] {
        let site = Site { provider, store: "file:", state: world.path("state"), key: None };
        run_all(&mut world, &site);
    }
    world.is_clean();
}

/// Runs all commands with a store on a server, and searches the bytes of its connections, too.
fn run_with_server(url: &str, port: u16) {
    let mut world = World::new();
    let recorder = Recorder::of(port);
    let url = url.replace(&format!(":{port}"), &format!(":{}", recorder.address.port()));
    let (state, key) = (world.path("state"), Some(world.path("key")));
    let site = Site { provider: wyn, store: &url, state, key };
    run_all(&mut world, &site);
    let bytes = recorder.bytes();
    assert!(bytes.len() > 1000, "the commands use the store");
    // A connection begins with the store's own password.
    let mut of_store = Seen::default();
    of_store.add("the bytes of the store", bytes);
    world.secrets.remove(STORE_PASSWORD);
    of_store.is_clean_of(&world.all_secrets());
    world.secrets.insert(STORE_PASSWORD.to_owned());
    world.is_clean();
}

/// Rule: Secrets: neither a run of all commands with a store in Redis nor a byte of that store shows a secret.
#[test]
fn a_run_with_redis_shows_no_secret_and_stores_none() {
    let Some(server) = tokenlease_test_servers::redis() else {
        return println!("skipped: Redis is not installed");
    };
    run_with_server(&server.url(), server.port());
}

/// Rule: Secrets: neither a run of all commands with a store in PostgreSQL nor a byte of that store shows a
/// secret.
#[test]
fn a_run_with_postgres_shows_no_secret_and_stores_none() {
    let Some(server) = tokenlease_test_servers::postgres() else {
        return println!("skipped: PostgreSQL is not installed");
    };
    run_with_server(&server.url(), server.port());
}

/// Rule: Secrets: the search finds a secret that a run shows in any place.
#[test]
fn a_leak_that_is_planted_in_a_run_is_found() {
    let leaks = |script: &str| {
        let mut world = World::new();
        let site = Site { provider: wyn, store: "file:", state: world.path("state"), key: None };
        let exec = site.command(&world, "exec");
        let script = script.replace("FILE", &world.path("planted").display().to_string());
        world.exec("exec", exec, &format!("{LOOK}; {script}"));
        let home = world.home.path().to_owned();
        world.seen.add_files(&home, &[world.path("password"), world.path("key")]);
        world.seen.leaks(&world.all_secrets()).join(", ")
    };
    assert_eq!(leaks("true"), "");
    for encoded in [
        "printf %s \"$TOKENLEASE_TOKEN\"",
        "printf 'id:%s' \"$TOKENLEASE_TOKEN\" | base64 -w0",
        "printf %s \"$TOKENLEASE_TOKEN\" | od -An -v -tx1 | tr -d ' \\n'",
    ] {
        assert_eq!(leaks(encoded), "the output of exec", "{encoded}");
        assert_eq!(leaks(&format!("{{ {encoded}; }} >&2")), "standard error of exec", "{encoded}");
        let found = leaks(&format!("{{ {encoded}; }} > FILE"));
        assert!(found.ends_with("/planted"), "{encoded}: {found}");
    }
    let arguments = "sh -c 'cat /proc/$$/cmdline' sh \"$TOKENLEASE_TOKEN\"";
    assert_eq!(leaks(arguments), "the output of exec");
    assert_eq!(leaks("X=\"$TOKENLEASE_TOKEN\" env | grep '^X='"), "the output of exec");
    let name = "mkdir FILE; touch \"FILE/$TOKENLEASE_TOKEN\"";
    assert!(leaks(name).starts_with("the name of a file"));

    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let recorder = Recorder::of(server.local_addr().expect("its address").port());
    let mut client = TcpStream::connect(recorder.address).expect("a connection");
    client.write_all(BASE64.encode(PASSWORD).as_bytes()).expect("it is sent");
    drop(client);
    let (mut connection, _) = server.accept().expect("the connection");
    std::io::copy(&mut connection, &mut std::io::sink()).expect("its bytes");
    let mut seen = Seen::default();
    seen.add("the bytes of the store", recorder.bytes());
    let secrets = [PASSWORD.to_owned()].into();
    assert_eq!(seen.leaks(&secrets), ["the bytes of the store"]);
}
