//! Hosts that share Redis or PostgreSQL. Each host is a home directory.

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;
use tempfile::TempDir;
use tokenlease_emulator::Emulator;

use tokenlease_test_servers::{self as servers, Running, found};

use crate::support::{Program, emulator, private, tokenlease, winkas, wyn};

/// A host with the store's URL and key.
struct Host {
    home: TempDir,
    url: String,
    key: PathBuf,
}

impl Host {
    fn new(url: &str, key: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("key");
        fs::write(&file, key.repeat(32)).expect("written");
        private(&file);
        Self { home, url: url.to_owned(), key: file }
    }

    fn program(&self, program: Program) -> Program {
        program
            .shares(self.home.path())
            .env("HOME", self.home.path())
            .env("TOKENLEASE_STORE", &self.url)
            .env("TOKENLEASE_STORE_KEY_FILE", &self.key)
    }

    fn json(&self, program: Program, code: i32) -> Value {
        self.program(program).args(["--output", "json"]).run().exits_with(code).json()
    }

    /// Returns whether the host has a store folder.
    fn has_folder(&self) -> bool {
        self.home.path().join("tokenlease").exists()
    }
}

/// Runs each command on two hosts that share a store, and checks that each sees the other's results.
fn use_one_token_on_two_hosts(server: &Running, provider: impl Fn(&Emulator, &str) -> Program) {
    let emulator = emulator();
    let (one, other) = (Host::new(&server.url(), "42"), Host::new(&server.url(), "42"));
    let token = || provider(&emulator, "token");
    let logins = || {
        let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
        winkas.login + wyn.login
    };
    let ready = one.json(tokenlease(["store", "init"]), 0);
    assert_eq!(ready["ready"], true);

    let first = one.json(token(), 0);
    assert_eq!(first["source"], "login");
    for host in [&one, &other] {
        let again = host.json(token(), 0);
        assert_eq!((&again["source"], &again["token"]), (&Value::from("store"), &first["token"]));
    }
    assert_eq!(logins(), 1);
    let text = first["token"].as_str().expect("a token").to_owned();
    let reject = |host: &Host| host.json(provider(&emulator, "report-rejected").input(&text), 0);
    assert_eq!(reject(&other)["outcome"], "still_active");

    let status = other.json(provider(&emulator, "status"), 0);
    let entry = &status["identities"][0]["entries"][0];
    assert!(entry["yours"] == true && entry["lease"]["live"] == true, "{status}");
    assert!(!status.to_string().contains(&text) && !status.to_string().contains("canary"));

    // A token that one host finds inactive is replaced on all.
    emulator.end_token(&text);
    assert_eq!(reject(&other)["outcome"], "replaced");
    let second = one.json(token(), 0);
    assert_ne!(second["token"], first["token"]);
    assert_eq!(second["source"], "store");
    assert_eq!(logins(), 2);
    // So is a token that one host only validates.
    let text = second["token"].as_str().expect("a token");
    assert_eq!(one.json(provider(&emulator, "validate").input(text), 0)["active"], true);
    emulator.end_token(text);
    assert_eq!(other.json(provider(&emulator, "validate").input(text), 1)["active"], false);
    // The active validation ended the backoff that the first token's end had caused.
    assert_ne!(one.json(token(), 0)["token"], second["token"]);
    assert_eq!(logins(), 3);

    assert_eq!(one.json(provider(&emulator, "forget"), 0)["forgotten"], true);
    assert_ne!(other.json(token(), 0)["source"], "store");

    // Credentials that the server rejected on one host are not sent by the other.
    let wrong = |command| provider(&emulator, command).env("TOKENLEASE_PASSWORD", "wrong");
    let before = logins();
    for host in [&one, &other] {
        host.program(wrong("token")).run().exits_with(3).complains("unblock");
    }
    assert_eq!(logins(), before + 1);
    assert_eq!(other.json(wrong("unblock"), 0)["was_rejected"], true);

    // Under another key no login is sent; WinKAS is asked for its current token.
    let other_key = Host::new(&server.url(), "43");
    let run = other_key.program(token()).args(["--deadline", "3s"]).run();
    if emulator.counts().winkas.login > 0 {
        run.exits_with(0);
    } else {
        run.exits_with(6).complains("can't be decrypted with this key");
    }
    assert_eq!(logins(), before + 1);
    assert!(!one.has_folder() && !other.has_folder());
}

/// Rule: Store: hosts that share a Redis server use one token, and share its validation, revocation and circuit.
#[test]
fn two_hosts_that_share_redis_use_one_token() {
    let Some(server) = servers::redis() else { return };
    use_one_token_on_two_hosts(&server, winkas);
    use_one_token_on_two_hosts(&server, wyn);
}

/// Rule: Store: hosts that share a PostgreSQL server use one token, and share its validation, revocation and circuit.
#[test]
fn two_hosts_that_share_postgres_use_one_token() {
    let Some(server) = servers::postgres() else { return };
    use_one_token_on_two_hosts(&server, winkas);
    use_one_token_on_two_hosts(&server, wyn);
}

/// Rule: Store: a store server whose certificate no trusted authority issued is rejected.
#[test]
fn a_store_server_with_an_untrusted_certificate_is_rejected() {
    for server in [servers::redis(), servers::postgres()].into_iter().flatten() {
        let host = Host::new(&server.secure_url(), "42");
        let store = |command: &str| host.program(tokenlease(["store", command]));
        let untrusted = store("check").run().exits_with(6).complains("certificate");
        assert!(!untrusted.err.contains("canary"), "{untrusted:?}");
        store("init").args(["--ca"]).args([&server.authority_file()]).run().exits_with(0);
        let check = store("check").args(["--output=json", "--ca"]).args([&server.authority_file()]);
        let json = check.run().exits_with(0).json();
        assert!(json["write_ms"].as_f64() > Some(0.0), "{json}");
        assert!(!json.to_string().contains("canary"), "{json}");
        let emulator = emulator();
        let token = wyn(&emulator, "token").args(["--ca"]).args([&server.authority_file()]);
        assert_eq!(host.json(token, 0)["source"], "login");
    }
}

#[test]
fn the_printed_migration_is_the_applied_one() {
    let Some(server) = servers::postgres() else { return };
    let host = Host::new(&server.url(), "42");
    let check = || host.program(tokenlease(["store", "check"])).run();
    check().exits_with(6).complains("store init");
    let printed = host.program(tokenlease(["store", "init", "--print"])).run().exits_with(0).out;
    assert!(printed.starts_with("create table if not exists tokenlease"), "{printed}");
    check().exits_with(6);
    let psql = found(&["psql"]).expect("it comes with postgres");
    let applied = Command::new(psql).args([&server.url(), "-c", &printed]).output().expect("psql");
    assert!(applied.status.success(), "{applied:?}");
    check().exits_with(0);
    host.program(tokenlease(["store", "init"])).run().exits_with(0);
    let folder = tokenlease(["store", "init", "--print", "file:/tmp/x"]).run().exits_with(2);
    folder.complains("PostgreSQL");
}

/// Rule: Store: a passphrase gives the same key on all hosts; it is never an argument.
#[test]
fn the_same_passphrase_is_the_same_key_on_all_hosts() {
    let Some(server) = servers::redis() else { return };
    let emulator = emulator();
    let hosts = [Host::new(&server.url(), "42"), Host::new(&server.url(), "42")];
    let with = |host: &Host, phrase: &str| {
        let mut program = host.program(wyn(&emulator, "token")).args(["--output=json"]);
        program.command().env_remove("TOKENLEASE_STORE_KEY_FILE");
        program.env("TOKENLEASE_STORE_PASSPHRASE", phrase).env("TOKENLEASE_STORE_KEY", "passphrase")
    };
    assert_eq!(with(&hosts[0], "correct horse").run().exits_with(0).json()["source"], "login");
    assert_eq!(with(&hosts[1], "correct horse").run().exits_with(0).json()["source"], "store");
    let file = hosts[1].home.path().join("phrase");
    fs::write(&file, "correct horse\n").expect("written");
    private(&file);
    let from_file = with(&hosts[1], "").args(["--store-passphrase-file"]).args([&file]);
    assert_eq!(from_file.run().exits_with(0).json()["source"], "store");
    let wrong = with(&hosts[1], "canary").args(["--deadline=3s"]).run().exits_with(6);
    assert!(wrong.err.contains("can't be decrypted with this key"), "{wrong:?}");
    assert!(!wrong.err.contains("canary"), "{wrong:?}");
    let mut nothing = with(&hosts[1], "");
    nothing.command().env_remove("TOKENLEASE_STORE_PASSPHRASE");
    nothing.run().exits_with(2).complains("--store-passphrase-file");
    assert_eq!(emulator.counts().wyn.login, 1);
}

/// Rule: Store: a keyring makes no new key for a server that holds records of another key.
#[test]
fn a_keyrings_new_key_is_rejected_by_a_server_with_records_of_another_key() {
    for server in [servers::redis(), servers::postgres()].into_iter().flatten() {
        let emulator = emulator();
        let host = Host::new(&server.url(), "42");
        host.program(tokenlease(["store", "init"])).run().exits_with(0);
        host.program(wyn(&emulator, "token")).run().exits_with(0);
        let run = host.program(wyn(&emulator, "token")).args(["--store-key=kernel-keyring"]).run();
        if run.err.contains("can't be reached") {
            println!("skipped: the kernel's keyring can't be used here");
            return;
        }
        run.exits_with(6).complains("none of the keyring's keys decrypts them");
        assert_eq!(emulator.counts().wyn.login, 1);
    }
}
