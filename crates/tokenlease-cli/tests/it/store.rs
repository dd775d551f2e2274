//! The store that commands share, and the commands that manage it.

#[cfg(unix)]
use std::path::Path;
use std::{collections::BTreeSet, fs, sync::Barrier, thread};

use serde_json::Value;
use tokenlease_emulator::Emulator;

use crate::support::{
    Program, Run, emulator, folder, json, private, tokenlease, winkas, wyn, wyn_wrong,
};

type Provider = fn(&Emulator, &str) -> Program;
const PROVIDERS: [Provider; 2] = [winkas, wyn];

/// Rule: Logins: commands that share a store log in once.
#[test]
fn commands_that_share_a_store_log_in_once() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let first = json(provider(&emulator, "token"), folder.path(), 0);
        assert_eq!(first["source"], "login");
        for command in ["token", "token"] {
            let again = json(provider(&emulator, command), folder.path(), 0);
            assert_eq!(again["token"], first["token"]);
            assert_eq!(again["source"], "store");
            assert_eq!(again["expiry"], first["expiry"]);
        }
    }
    let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
    assert_eq!((winkas.login, winkas.refetch, winkas.validate), (1, 1, 0));
    assert_eq!((wyn.login, wyn.userinfo), (1, 0));
    // A command with a wrong password gets the server's rejection, not the token.
    wyn_wrong(&emulator, "token").shares(folder.path()).run().exits_with(3);
}

/// Runs `count` programs concurrently.
fn at_once(count: usize, program: impl Fn() -> Program + Sync) -> Vec<Run> {
    let barrier = Barrier::new(count);
    thread::scope(|scope| {
        let run = || {
            barrier.wait();
            program().run()
        };
        let all: Vec<_> = (0..count).map(|_| scope.spawn(run)).collect();
        all.into_iter().map(|one| one.join().expect("a run")).collect()
    })
}

/// Rule: Logins: sixteen commands that start at once on an empty store log in once.
/// Reported as databricks/cli#6051.
#[test]
fn sixteen_commands_that_start_at_once_log_in_once() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let runs = at_once(16, || provider(&emulator, "token").shares(folder.path()));
        let tokens: BTreeSet<_> = runs.into_iter().map(|run| run.exits_with(0).out).collect();
        assert_eq!(tokens.len(), 1);
    }
    assert_eq!((emulator.counts().winkas.login, emulator.counts().wyn.login), (1, 1));
}

/// Rule: Circuit: a wrong password in sixteen concurrent commands is sent once, with at most one refetch.
#[test]
fn a_wrong_password_in_sixteen_commands_is_sent_once() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let wrong = || provider(&emulator, "token").env("TOKENLEASE_PASSWORD", "wrong");
        for run in at_once(16, || wrong().shares(folder.path())) {
            run.exits_with(3);
        }
    }
    let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
    assert_eq!((winkas.login, wyn.login), (1, 1));
    assert!(winkas.refetch <= 1, "{winkas:?}");
    assert!(!emulator.winkas().is_locked() && !emulator.wyn().is_locked());
}

/// Rule: Lock: `exec` releases its lock and saves the token before it runs the command.
#[cfg(unix)]
#[test]
fn exec_releases_its_lock_before_it_runs_the_command() {
    let emulator = emulator();
    let folder = folder();
    let list = format!("ls {}/tokenlease", folder.path().display());
    let run = wyn(&emulator, "exec").shares(folder.path()).args(["--", "sh", "-c", &list]).run();
    let run = run.exits_with(0);
    assert!(run.out.contains(".record\n") && !run.out.contains(".owner"), "{run:?}");
    let exec = wyn(&emulator, "exec").shares(folder.path()).args(["--", "printenv"]);
    let run = exec.args(["TOKENLEASE_TOKEN"]).run().exits_with(0);
    assert!(emulator.token_is_active(run.out.trim_end()));
    assert_eq!(emulator.counts().wyn.login, 1);
}

#[test]
fn the_store_is_set_by_option_variable_or_profile() {
    let emulator = emulator();
    let folder = folder();
    let path = folder.path().join("of option");
    let url = format!("file:{}", path.display());
    wyn(&emulator, "token").args(["--store", &url]).run().exits_with(0);
    assert!(path.join("key").exists());
    let run = wyn(&emulator, "token").env("TOKENLEASE_STORE", &url).args(["--output=json"]).run();
    assert_eq!(run.exits_with(0).json()["source"], "store");

    let config = folder.path().join("config.toml");
    fs::write(&config, "[profile.bi]\nstore = \"file:of option\"\n").expect("written");
    let profile = || wyn(&emulator, "token").args(["--profile=bi", "--config"]).args([&config]);
    assert_eq!(profile().args(["--output=json"]).run().exits_with(0).json()["source"], "store");
    // The command line overrides the profile.
    let run = profile().args(["--store=memory:", "--output=json"]).run().exits_with(0);
    assert_eq!(run.json()["source"], "login");
    assert_eq!(emulator.counts().wyn.login, 2);
}

/// Rule: Secrets: a store's key file that other users can read is rejected; under another key no login is sent.
#[cfg(unix)]
#[test]
fn the_stores_key_file_must_be_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let emulator = emulator();
    let folder = folder();
    let key = folder.path().join("store.key");
    fs::write(&key, "42".repeat(32)).expect("written");
    let token = || wyn(&emulator, "token").args(["--store-key-file"]).args([&key]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("its mode");
    token().shares(folder.path()).run().exits_with(2).complains("store.key");
    private(&key);
    assert_eq!(json(token(), folder.path(), 0)["source"], "login");
    assert_eq!(json(token(), folder.path(), 0)["source"], "store");
    assert!(!folder.path().join("tokenlease/key").exists());
    let running = || winkas(&emulator, "token").args(["--store-key-file"]).args([&key]);
    assert_eq!(json(running(), folder.path(), 0)["source"], "login");
    // Under another key no record can be decrypted, and no login is sent.
    fs::write(&key, "43".repeat(32)).expect("written");
    let run = token().shares(folder.path()).args(["--deadline", "2s"]).run().exits_with(6);
    run.complains("can't be decrypted with this key");
    // WinKAS returns the current token; a warning names the key.
    let run = running().shares(folder.path()).run().exits_with(0);
    run.complains("warning: the store's record can't be decrypted with this key");
    let counts = emulator.counts();
    assert_eq!((counts.wyn.login, counts.winkas.login), (1, 1));
}

/// Rule: Secrets: a store URL with a password is rejected on the command line and in a profile.
#[test]
fn a_store_url_with_a_password_is_rejected_on_the_command_line_and_in_a_profile() {
    let emulator = emulator();
    let folder = folder();
    let config = folder.path().join("config.toml");
    fs::write(&config, "[profile.bi]\nstore = \"redis://:canary@h\"\n").expect("written");
    let line = wyn(&emulator, "token").args(["--store", "redis://u:canary@h"]);
    let profile = wyn(&emulator, "token").args(["--profile=bi", "--config"]).args([&config]);
    for program in [line, profile] {
        let run = program.run().exits_with(2).complains("TOKENLEASE_STORE");
        assert!(!run.err.contains("canary"), "{run:?}");
    }
    let run = wyn(&emulator, "token").env("TOKENLEASE_STORE", "canary://u:canary@h").run();
    assert!(!run.exits_with(2).err.contains("u:canary"));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_created_is_an_error_that_names_the_option() {
    let emulator = emulator();
    let folder = folder();
    fs::write(folder.path().join("tokenlease"), "in the way").expect("written");
    for command in ["token", "status", "forget", "unblock", "refetch"] {
        let run = winkas(&emulator, command).shares(folder.path()).run().exits_with(2);
        run.complains("--store");
    }
    let counts = emulator.counts().winkas;
    assert_eq!((counts.login, counts.refetch), (0, 0));
    // A validation needs no store.
    let token = emulator.winkas().log_in_elsewhere();
    winkas(&emulator, "validate").shares(folder.path()).input(&token).run().exits_with(0);
    winkas(&emulator, "token").args(["--store", "memory:"]).run().exits_with(0);
}

#[cfg(unix)]
#[test]
fn without_a_writable_home_the_error_names_the_option() {
    use std::os::unix::{fs::PermissionsExt as _, process::CommandExt as _};
    let emulator = emulator();
    let mut program = wyn(&emulator, "token").env("HOME", "/proc");
    program.command().env_remove("XDG_STATE_HOME");
    program.run().exits_with(2).complains("--store");

    // Only root can run a process as a user without a home directory.
    let folder = folder();
    let binary = folder.path().join("tokenlease-copy");
    fs::copy(env!("CARGO_BIN_EXE_tokenlease"), &binary).expect("a copy");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
    let state = folder.path().join("state");
    fs::create_dir(&state).expect("a folder");
    if std::os::unix::fs::chown(&state, Some(54321), Some(54321)).is_err() {
        return;
    }
    let run = |state: Option<&Path>| {
        let mut command = std::process::Command::new(&binary);
        command.args(["store", "check"]).env_clear().uid(54321).gid(54321).current_dir("/");
        if let Some(state) = state {
            command.env("XDG_STATE_HOME", state);
        }
        let output = command.output().expect("the program");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, err) = run(None);
    assert!(code == Some(2) && err.contains("--store"), "{code:?} {err}");
    // XDG_STATE_HOME suffices.
    let (code, err) = run(Some(&state));
    assert_eq!(code, Some(0), "{err}");
}

/// Rule: Validation: an inactive validation is saved for all processes that share the token.
#[test]
fn an_inactive_validation_is_shared_by_the_store() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let first = json(provider(&emulator, "token"), folder.path(), 0);
        let token = first["token"].as_str().expect("a token");
        // A new token that no process saw active is not believed to be inactive.
        provider(&emulator, "validate").input(token).shares(folder.path()).run().exits_with(0);
        emulator.end_token(token);
        let mut validate = provider(&emulator, "validate").input(token).shares(folder.path());
        // A validation needs no password.
        validate.command().env_remove("TOKENLEASE_PASSWORD");
        let run = validate.run().exits_with(1);
        assert!(run.err.is_empty(), "{run:?}");
        let second = json(provider(&emulator, "token"), folder.path(), 0);
        assert_ne!(second["token"], first["token"]);
    }
    let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
    assert_eq!((winkas.login, winkas.validate), (2, 2));
    assert_eq!((wyn.login, wyn.userinfo), (2, 2));
}

#[cfg(unix)]
#[test]
fn validate_warns_if_its_result_cannot_be_shared() {
    let emulator = emulator();
    let folder = folder();
    fs::write(folder.path().join("tokenlease"), "in the way").expect("written");
    let validate =
        |token: &str| winkas(&emulator, "validate").shares(folder.path()).input(token).run();
    let token = emulator.winkas().log_in_elsewhere();
    assert!(validate(&token).exits_with(0).err.is_empty());
    emulator.end_token(&token);
    validate(&token).exits_with(1).complains("other processes are not notified of this");
}

#[cfg(target_os = "linux")]
#[test]
fn a_missing_keyring_is_an_error_that_names_the_alternatives() {
    let emulator = emulator();
    let folder = folder();
    let run = wyn(&emulator, "token")
        .shares(folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .args(["--store-key", "keyring"])
        .run()
        .exits_with(2);
    for part in ["Secret Service", "by a file or a passphrase"] {
        assert!(run.err.contains(part), "{part}: {run:?}");
    }
    assert_eq!(emulator.counts().wyn.login, 0);
    let two = wyn(&emulator, "token").args(["--store-key=keyring", "--store-key-file=x"]).run();
    two.exits_with(2).complains("two sources");
}

/// Rule: Rejection: a reported token is validated first; it is replaced only if the server says that it is inactive.
#[test]
fn report_rejected_validates_the_token_and_prints_the_result() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let first = json(provider(&emulator, "token"), folder.path(), 0);
        let token = first["token"].as_str().expect("a token");
        let reject = || provider(&emulator, "report-rejected").input(token);
        assert_eq!(json(reject(), folder.path(), 0)["outcome"], "still_active");
        emulator.end_token(token);
        let run = reject().shares(folder.path()).run().exits_with(0);
        assert!(run.out.starts_with("replaced: "), "{run:?}");
        let new = json(provider(&emulator, "token"), folder.path(), 0);
        assert_eq!(new["source"], "store");
        assert!(emulator.token_is_active(new["token"].as_str().expect("a token")));
        // Reported again, it is known to be inactive: no request is sent.
        assert_eq!(json(reject(), folder.path(), 0)["outcome"], "replaced");
    }
    let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
    assert_eq!((winkas.login, winkas.validate), (2, 2));
    assert_eq!((wyn.login, wyn.userinfo), (2, 2));
}

/// Rule: Revocation: a revoked token is not served to any process that shares the store.
#[test]
fn a_revoked_token_is_not_served_by_the_store() {
    let emulator = emulator();
    let folder = folder();
    let first = json(wyn(&emulator, "token"), folder.path(), 0);
    let token = first["token"].as_str().expect("a token");
    let mut revoke = wyn(&emulator, "revoke").input(token).shares(folder.path());
    revoke.command().env_remove("TOKENLEASE_PASSWORD");
    revoke.run().exits_with(0);
    let second = json(wyn(&emulator, "token"), folder.path(), 0);
    assert_ne!(second["token"], first["token"]);
    assert_eq!(second["source"], "login");
}

/// Rule: Revocation: `forget` removes a token from the store and does not revoke it.
#[test]
fn forget_removes_the_token_only_from_the_store() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let forget = || json(provider(&emulator, "forget"), folder.path(), 0);
        assert_eq!(forget()["forgotten"], false);
        let first = json(provider(&emulator, "token"), folder.path(), 0);
        assert_eq!(forget()["forgotten"], true);
        assert!(emulator.token_is_active(first["token"].as_str().expect("a token")));
        let second = json(provider(&emulator, "token"), folder.path(), 0);
        assert_ne!(second["source"], "store");
    }
    // WinKAS returns the current token by a refetch; Wyn logs in.
    assert_eq!((emulator.counts().winkas.login, emulator.counts().wyn.login), (1, 2));
}

/// Rule: Circuit: rejected credentials are not sent again by any process until `unblock`.
#[test]
fn rejected_credentials_are_not_sent_again_by_any_command_until_unblock() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let wrong = |command| provider(&emulator, command).env("TOKENLEASE_PASSWORD", "wrong");
        for _ in 0..3 {
            wrong("token").shares(folder.path()).run().exits_with(3).complains("unblock");
        }
    }
    let sent = || (emulator.counts().winkas.login, emulator.counts().wyn.login);
    assert_eq!(sent(), (1, 1));
    let check = wyn_wrong(&emulator, "status").args(["--check"]).shares(folder.path()).run();
    assert!(check.exits_with(3).out.starts_with("credentials rejected: not sent again before "));
    let json_check = json(wyn_wrong(&emulator, "status").args(["--check"]), folder.path(), 3);
    assert_eq!(json_check["outcome"], "credentials_rejected");
    assert!(json_check["until"].is_string());

    assert_eq!(json(wyn_wrong(&emulator, "unblock"), folder.path(), 0)["was_rejected"], true);
    assert_eq!(json(wyn_wrong(&emulator, "unblock"), folder.path(), 0)["was_rejected"], false);
    assert_eq!(sent(), (1, 1));
    wyn_wrong(&emulator, "token").shares(folder.path()).run().exits_with(3);
    assert_eq!(sent(), (1, 2));
    // The rejection of the wrong password does not affect the right one.
    wyn(&emulator, "token").shares(folder.path()).run().exits_with(0);
}

#[test]
fn store_check_tests_the_store_and_leaves_no_record() {
    let folder = folder();
    let text = tokenlease(["store", "check"]).shares(folder.path()).run().exits_with(0).out;
    for word in ["store    file:", "connect", "lock", "write", "read", "clock"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let url = format!("file:{}", folder.path().join("other").display());
    let json = tokenlease(["store", "check", &url, "--output=json"]).run().exits_with(0).json();
    assert_eq!(json["store"], Value::from(url.as_str()));
    for key in ["connect_ms", "lock_ms", "write_ms", "read_ms", "remove_ms", "unlock_ms"] {
        assert!(json[key].as_f64() > Some(0.0), "{key}: {json}");
    }
    assert!(json["clock_ahead_ms"].as_i64().is_some_and(|ms| ms.abs() < 60_000), "{json}");
    let json = tokenlease(["status", "--store", &url, "--output=json"]).run().exits_with(0).json();
    assert_eq!(json, serde_json::json!({ "identities": [], "others": [] }));
}

#[test]
fn store_init_creates_a_folder_and_can_be_repeated() {
    let folder = folder();
    for _ in 0..2 {
        let run = tokenlease(["store", "init"]).shares(folder.path()).run().exits_with(0);
        assert!(run.out.starts_with("ready: file:"), "{run:?}");
    }
    if cfg!(unix) {
        assert!(folder.path().join("tokenlease/key").exists());
    }
}

/// Rule: Secrets: an error about an unavailable store does not contain the password of its URL.
#[test]
fn an_unavailable_store_is_named_without_its_password() {
    let folder = folder();
    let key = folder.path().join("key");
    fs::write(&key, [7; 32]).expect("written");
    private(&key);
    for url in ["redis://u:canary@127.0.0.1:1", "postgres://u:canary@127.0.0.1:1/canary"] {
        let run = tokenlease(["store", "check", "--store-key-file"])
            .args([&key])
            .env("TOKENLEASE_STORE", url)
            .args(["-vvv"])
            .run()
            .exits_with(6);
        assert!(!run.err.contains("u:canary") && run.out.is_empty(), "{run:?}");
        let run = tokenlease(["store", "check", url]).run().exits_with(2);
        assert!(!run.err.contains("canary"), "{run:?}");
    }
}
