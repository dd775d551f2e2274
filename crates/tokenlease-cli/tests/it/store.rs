//! The store that programs share, and the commands about what stands in it.

use std::{collections::BTreeSet, fs, path::Path, sync::Barrier, thread};

use serde_json::Value;
use tempfile::TempDir;
use tokenlease_emulator::{Emulator, Endpoint, Fault};

use crate::support::{Program, Run, emulator, tokenlease, winkas, wyn};

type Provider = fn(&Emulator, &str) -> Program;
const PROVIDERS: [Provider; 2] = [winkas, wyn];

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A command's answer in JSON, from the store below that folder.
fn json(program: Program, folder: &Path, code: i32) -> Value {
    program.shares(folder).args(["--output", "json"]).run().ends_with(code).json()
}

fn entries(status: &Value) -> Vec<Value> {
    status["identities"][0]["entries"].as_array().expect("entries").clone()
}

#[test]
fn lesson_17_a_token_is_asked_for_once_whoever_asks_from_the_shared_store() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let first = json(provider(&emulator, "token"), folder.path(), 0);
        assert_eq!(first["source"], "login");
        for command in ["token", "token"] {
            let again = json(provider(&emulator, command), folder.path(), 0);
            assert_eq!(again["token"], first["token"]);
            assert_eq!(again["source"], "store");
            assert_eq!(again["end"], first["end"]);
        }
    }
    let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
    assert_eq!((winkas.login, winkas.refetch, winkas.validate), (1, 1, 0));
    assert_eq!((wyn.login, wyn.userinfo), (1, 0));
    // Who asks with a wrong password gets what the provider says, and not the token.
    wyn_wrong(&emulator, "token").shares(folder.path()).run().ends_with(3);
}

fn wyn_wrong(emulator: &Emulator, command: &str) -> Program {
    wyn(emulator, command).env("TOKENLEASE_PASSWORD", "wrong")
}

/// Runs so many programs at once.
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

#[test]
fn lesson_4_sixteen_programs_that_start_at_once_are_one_login() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let runs = at_once(16, || provider(&emulator, "token").shares(folder.path()));
        let tokens: BTreeSet<_> = runs.into_iter().map(|run| run.ends_with(0).out).collect();
        assert_eq!(tokens.len(), 1);
    }
    assert_eq!((emulator.counts().winkas.login, emulator.counts().wyn.login), (1, 1));
}

#[test]
fn lesson_14_a_wrong_password_in_sixteen_programs_is_tried_once() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let wrong = || provider(&emulator, "token").env("TOKENLEASE_PASSWORD", "wrong");
        for run in at_once(16, || wrong().shares(folder.path())) {
            run.ends_with(3);
        }
    }
    let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
    assert_eq!((winkas.login, wyn.login), (1, 1));
    assert!(winkas.refetch <= 1, "{winkas:?}");
    assert!(!emulator.winkas().is_locked() && !emulator.wyn().is_locked());
}

#[cfg(unix)]
#[test]
fn the_command_of_exec_finds_no_lock_and_no_half_login_behind_it() {
    let emulator = emulator();
    let folder = folder();
    let list = format!("ls {}/tokenlease", folder.path().display());
    let run = wyn(&emulator, "exec").shares(folder.path()).args(["--", "sh", "-c", &list]).run();
    let run = run.ends_with(0);
    assert!(run.out.contains(".record\n") && !run.out.contains(".owner"), "{run:?}");
    let exec = wyn(&emulator, "exec").shares(folder.path()).args(["--", "printenv"]);
    let run = exec.args(["TOKENLEASE_TOKEN"]).run().ends_with(0);
    assert!(emulator.token_is_active(run.out.trim_end()));
    assert_eq!(emulator.counts().wyn.login, 1);
}

#[test]
fn the_store_is_named_by_option_variable_or_profile() {
    let emulator = emulator();
    let folder = folder();
    let path = folder.path().join("of line");
    let url = format!("file:{}", path.display());
    wyn(&emulator, "token").args(["--store", &url]).run().ends_with(0);
    assert!(path.join("key").exists());
    let run = wyn(&emulator, "token").env("TOKENLEASE_STORE", &url).args(["--output=json"]).run();
    assert_eq!(run.ends_with(0).json()["source"], "store");

    let config = folder.path().join("config.toml");
    fs::write(&config, "[profile.bi]\nstore = \"file:of line\"\n").expect("written");
    let profile = || wyn(&emulator, "token").args(["--profile=bi", "--config"]).args([&config]);
    assert_eq!(profile().args(["--output=json"]).run().ends_with(0).json()["source"], "store");
    // The command line wins.
    let run = profile().args(["--store=memory:", "--output=json"]).run().ends_with(0);
    assert_eq!(run.json()["source"], "login");
    assert_eq!(emulator.counts().wyn.login, 2);
}

#[cfg(unix)]
#[test]
fn the_store_s_key_comes_from_a_file_that_nobody_else_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let emulator = emulator();
    let folder = folder();
    let key = folder.path().join("store.key");
    fs::write(&key, "42".repeat(32)).expect("written");
    let token = || wyn(&emulator, "token").args(["--store-key-file"]).args([&key]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("its mode");
    token().shares(folder.path()).run().ends_with(2).complains("store.key");
    private(&key);
    assert_eq!(json(token(), folder.path(), 0)["source"], "login");
    assert_eq!(json(token(), folder.path(), 0)["source"], "store");
    assert!(!folder.path().join("tokenlease/key").exists());
    let running = || winkas(&emulator, "token").args(["--store-key-file"]).args([&key]);
    assert_eq!(json(running(), folder.path(), 0)["source"], "login");
    // Under another key no record opens, and nothing is issued.
    fs::write(&key, "43".repeat(32)).expect("written");
    let run = token().shares(folder.path()).args(["--deadline", "2s"]).run().ends_with(6);
    run.complains("does not open under this key");
    // Where the provider returns the running token, that is the answer, and the key is named.
    let run = running().shares(folder.path()).run().ends_with(0);
    run.complains("warning: the store's record does not open under this key");
    let counts = emulator.counts();
    assert_eq!((counts.wyn.login, counts.winkas.login), (1, 1));
}

#[test]
fn lesson_1_a_store_s_password_on_the_command_line_or_in_a_profile_is_rejected() {
    let emulator = emulator();
    let folder = folder();
    let config = folder.path().join("config.toml");
    fs::write(&config, "[profile.bi]\nstore = \"redis://:canary@h\"\n").expect("written");
    let line = wyn(&emulator, "token").args(["--store", "redis://u:canary@h"]);
    let profile = wyn(&emulator, "token").args(["--profile=bi", "--config"]).args([&config]);
    for program in [line, profile] {
        let run = program.run().ends_with(2).complains("TOKENLEASE_STORE");
        assert!(!run.err.contains("canary"), "{run:?}");
    }
    let run = wyn(&emulator, "token").env("TOKENLEASE_STORE", "canary://u:canary@h").run();
    assert!(!run.ends_with(2).err.contains("u:canary"));
}

#[cfg(unix)]
#[test]
fn a_folder_that_can_t_be_made_is_an_error_at_the_start_that_names_the_option() {
    let emulator = emulator();
    let folder = folder();
    fs::write(folder.path().join("tokenlease"), "in the way").expect("written");
    for command in ["token", "status", "forget", "unblock", "refetch"] {
        let run = winkas(&emulator, command).shares(folder.path()).run().ends_with(2);
        run.complains("--store");
    }
    let counts = emulator.counts().winkas;
    assert_eq!((counts.login, counts.refetch), (0, 0));
    // A question about a token needs none.
    let token = emulator.winkas().log_in_elsewhere();
    winkas(&emulator, "validate").shares(folder.path()).input(&token).run().ends_with(0);
    winkas(&emulator, "token").args(["--store", "memory:"]).run().ends_with(0);
}

#[cfg(unix)]
#[test]
fn without_a_home_and_on_a_read_only_root_the_error_at_the_start_names_the_option() {
    use std::os::unix::{fs::PermissionsExt as _, process::CommandExt as _};
    let emulator = emulator();
    let mut program = wyn(&emulator, "token").env("HOME", "/proc");
    program.command().env_remove("XDG_STATE_HOME");
    program.run().ends_with(2).complains("--store");

    // Only root can be somebody without an entry in the list of users.
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
    // That variable is enough.
    let (code, err) = run(Some(&state));
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn a_no_to_validate_reaches_those_who_share_the_token() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let first = json(provider(&emulator, "token"), folder.path(), 0);
        let token = first["token"].as_str().expect("a token");
        emulator.end_token(token);
        let mut validate = provider(&emulator, "validate").input(token).shares(folder.path());
        // The question takes no password.
        validate.command().env_remove("TOKENLEASE_PASSWORD");
        let run = validate.run().ends_with(1);
        assert!(run.err.is_empty(), "{run:?}");
        let second = json(provider(&emulator, "token"), folder.path(), 0);
        assert_ne!(second["token"], first["token"]);
    }
    let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
    assert_eq!((winkas.login, winkas.validate), (2, 1));
    assert_eq!((wyn.login, wyn.userinfo), (2, 1));
}

#[cfg(unix)]
#[test]
fn a_no_that_no_sibling_can_hear_of_is_told_to_the_caller() {
    let emulator = emulator();
    let folder = folder();
    fs::write(folder.path().join("tokenlease"), "in the way").expect("written");
    let validate =
        |token: &str| winkas(&emulator, "validate").shares(folder.path()).input(token).run();
    let token = emulator.winkas().log_in_elsewhere();
    assert!(validate(&token).ends_with(0).err.is_empty());
    emulator.end_token(&token);
    validate(&token).ends_with(1).complains("others who share it do not hear of this");
}

#[cfg(target_os = "linux")]
#[test]
fn a_keyring_that_is_not_there_is_an_error_that_names_the_other_ways() {
    let emulator = emulator();
    let folder = folder();
    let run = wyn(&emulator, "token")
        .shares(folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .args(["--store-key", "keyring"])
        .run()
        .ends_with(2);
    for part in ["Secret Service", "by a file or a passphrase"] {
        assert!(run.err.contains(part), "{part}: {run:?}");
    }
    assert_eq!(emulator.counts().wyn.login, 0);
    let two = wyn(&emulator, "token").args(["--store-key=keyring", "--store-key-file=x"]).run();
    two.ends_with(2).complains("two sources");
}

#[test]
fn reject_asks_the_provider_and_says_what_became_of_the_token() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let first = json(provider(&emulator, "token"), folder.path(), 0);
        let token = first["token"].as_str().expect("a token");
        let reject = || provider(&emulator, "report-rejected").input(token);
        assert_eq!(json(reject(), folder.path(), 0)["outcome"], "still_active");
        emulator.end_token(token);
        let run = reject().shares(folder.path()).run().ends_with(0);
        assert!(run.out.starts_with("replaced: "), "{run:?}");
        let new = json(provider(&emulator, "token"), folder.path(), 0);
        assert_eq!(new["source"], "store");
        assert!(emulator.token_is_active(new["token"].as_str().expect("a token")));
        // Rejected again, it is known dead: nobody is asked.
        assert_eq!(json(reject(), folder.path(), 0)["outcome"], "replaced");
    }
    let (winkas, wyn) = (emulator.counts().winkas, emulator.counts().wyn);
    assert_eq!((winkas.login, winkas.validate), (2, 2));
    assert_eq!((wyn.login, wyn.userinfo), (2, 2));
}

#[test]
fn a_revoked_token_is_served_to_nobody_who_shares_the_store() {
    let emulator = emulator();
    let folder = folder();
    let first = json(wyn(&emulator, "token"), folder.path(), 0);
    let token = first["token"].as_str().expect("a token");
    let mut revoke = wyn(&emulator, "revoke").input(token).shares(folder.path());
    revoke.command().env_remove("TOKENLEASE_PASSWORD");
    revoke.run().ends_with(0);
    let second = json(wyn(&emulator, "token"), folder.path(), 0);
    assert_ne!(second["token"], first["token"]);
    assert_eq!(second["source"], "login");
}

#[test]
fn forget_drops_the_token_from_the_store_alone() {
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
    // WinKAS gives the running token back, Wyn has no such call.
    assert_eq!((emulator.counts().winkas.login, emulator.counts().wyn.login), (1, 2));
}

#[test]
fn lesson_14_rejected_credentials_are_not_sent_again_by_any_process_until_reset() {
    let emulator = emulator();
    let folder = folder();
    for provider in PROVIDERS {
        let wrong = |command| provider(&emulator, command).env("TOKENLEASE_PASSWORD", "wrong");
        for _ in 0..3 {
            wrong("token").shares(folder.path()).run().ends_with(3).complains("unblock");
        }
    }
    let sent = || (emulator.counts().winkas.login, emulator.counts().wyn.login);
    assert_eq!(sent(), (1, 1));
    let check = wyn_wrong(&emulator, "status").args(["--check"]).shares(folder.path()).run();
    assert!(check.ends_with(3).out.starts_with("credentials rejected: not sent again before "));
    let json_check = json(wyn_wrong(&emulator, "status").args(["--check"]), folder.path(), 3);
    assert_eq!(json_check["outcome"], "rejected");
    assert!(json_check["until"].is_string());

    assert_eq!(json(wyn_wrong(&emulator, "unblock"), folder.path(), 0)["was_rejected"], true);
    assert_eq!(json(wyn_wrong(&emulator, "unblock"), folder.path(), 0)["was_rejected"], false);
    assert_eq!(sent(), (1, 1));
    wyn_wrong(&emulator, "token").shares(folder.path()).run().ends_with(3);
    assert_eq!(sent(), (1, 2));
    // The right password was never stopped by the wrong one.
    wyn(&emulator, "token").shares(folder.path()).run().ends_with(0);
}

#[test]
fn status_lists_what_is_kept_and_sends_nothing() {
    let emulator = emulator();
    let folder = folder();
    let status = json(wyn(&emulator, "status"), folder.path(), 0);
    assert_eq!((entries(&status), &status["others"]), (vec![], &Value::Array(vec![])));

    let token = json(wyn(&emulator, "token").args(["--lifetime=8h"]), folder.path(), 0);
    json(winkas(&emulator, "token"), folder.path(), 0);
    wyn_wrong(&emulator, "token").shares(folder.path()).run().ends_with(3);
    emulator.fault(Endpoint::WynLogin, Fault::status(500), 100);
    let before = emulator.log().len();

    let status = json(wyn(&emulator, "status"), folder.path(), 0);
    let entries = entries(&status);
    let of = |yours: bool| {
        entries.iter().find(|entry| entry["yours"] == yours).expect("an entry").clone()
    };
    let lease = &of(true)["lease"];
    assert_eq!((&lease["live"], &lease["end"]), (&Value::from(true), &Value::from("stated")));
    assert_eq!(lease["expires_at"], token["expires_at"]);
    assert_eq!(lease["generation"], 1);
    assert!(lease["left_s"].as_u64() > Some(7 * 3600), "{lease}");
    assert_eq!(of(true)["circuit"], Value::Null);
    assert_eq!(of(false)["lease"], Value::Null);
    assert!(of(false)["circuit"]["until"].is_string());
    let identity = status["identities"][0]["identity"].as_str().expect("an identity");
    assert!(identity.contains(&emulator.wyn().server()), "{identity}");
    // The other identity is known by its hash alone.
    assert_eq!(status["others"].as_array().map(Vec::len), Some(1));
    assert_eq!(status["others"][0]["key"].as_str().map(str::len), Some(12));

    let text = wyn(&emulator, "status").shares(folder.path()).run().ends_with(0).out;
    for word in ["CREDENTIALS", "(yours)", "(stated)", "live", "rejected: not sent before"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(emulator.log().len(), before);
    assert!(!text.contains(token["token"].as_str().expect("a token")));
}

#[test]
fn status_without_an_identity_lists_all_profiles_and_the_rest() {
    let emulator = emulator();
    let folder = folder();
    json(wyn(&emulator, "token"), folder.path(), 0);
    json(winkas(&emulator, "token"), folder.path(), 0);
    let config = folder.path().join("config.toml");
    let of = emulator.wyn();
    let profile = format!(
        "[profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\n\
         [profile.half]\nprovider = \"wyn\"\n",
        of.server(),
        of.user()
    );
    fs::write(&config, profile).expect("written");
    let status = || tokenlease(["status", "--config"]).args([&config]).shares(folder.path());
    let run = status().args(["--output=json"]).run().ends_with(0);
    let json = run.json();
    assert_eq!(json["identities"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["identities"][0]["profile"], "bi");
    // Without credentials nobody knows whose entry it is.
    assert_eq!(entries(&json)[0]["yours"], Value::Null);
    assert_eq!(json["others"].as_array().map(Vec::len), Some(1));
    run.complains("warning: profile \"half\"");
    let text = status().run().ends_with(0).out;
    assert!(text.starts_with("bi: ") && text.contains("not named here"), "{text}");
    let nothing = tokenlease(["status"]).run().ends_with(0).out;
    assert!(nothing.starts_with("nothing is kept"), "{nothing}");
}

#[test]
fn status_check_ends_with_0_1_or_3_for_monitors() {
    let emulator = emulator();
    let folder = folder();
    let check = |program: Program, least: &[&str], code| {
        let run = program.shares(folder.path()).args(["--check"]).args(least).run();
        run.ends_with(code).out
    };
    assert_eq!(check(wyn(&emulator, "status"), &[], 1), "none: no live token\n");
    json(wyn(&emulator, "token").args(["--lifetime=8h"]), folder.path(), 0);
    json(winkas(&emulator, "token"), folder.path(), 0);
    assert!(check(wyn(&emulator, "status"), &[], 0).starts_with("live: 7h59m"));
    check(wyn(&emulator, "status"), &["--min-remaining", "1h"], 0);
    let short = check(wyn(&emulator, "status"), &["--min-remaining", "9h"], 1);
    assert_eq!(short, "short: less than 9h left for certain\n");
    check(winkas(&emulator, "status"), &["--min-remaining", "11h"], 0);
    // Without a password at hand, any live token of the identity counts.
    let mut program = wyn(&emulator, "status");
    program.command().env_remove("TOKENLEASE_PASSWORD");
    check(program, &[], 0);
    check(wyn_wrong(&emulator, "status"), &[], 1);

    // A token that came back from a refetch: nobody knows how old it is.
    json(winkas(&emulator, "forget"), folder.path(), 0);
    let other = self::folder();
    json(winkas(&emulator, "token"), other.path(), 0);
    let check = |least: &[&str]| {
        winkas(&emulator, "status").shares(other.path()).args(["--check"]).args(least).run()
    };
    assert_eq!(check(&[]).ends_with(0).out, "live: its end is unknown\n");
    check(&["--min-remaining", "1h"]).ends_with(1);
    tokenlease(["status", "--check"]).run().ends_with(2).complains("--provider");
    wyn(&emulator, "status").args(["--min-remaining", "1h"]).run().ends_with(2);
}

#[test]
fn store_check_tries_the_store_out_and_leaves_nothing_behind() {
    let folder = folder();
    let text = tokenlease(["store", "check"]).shares(folder.path()).run().ends_with(0).out;
    for word in ["store    file:", "connect", "lock", "write", "read", "clock"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let url = format!("file:{}", folder.path().join("other").display());
    let json = tokenlease(["store", "check", &url, "--output=json"]).run().ends_with(0).json();
    assert_eq!(json["store"], Value::from(url.as_str()));
    for key in ["connect_ms", "lock_ms", "write_ms", "read_ms", "remove_ms", "unlock_ms"] {
        assert!(json[key].as_f64() > Some(0.0), "{key}: {json}");
    }
    assert!(json["clock_ahead_ms"].as_i64().is_some_and(|ms| ms.abs() < 60_000), "{json}");
    let json = tokenlease(["status", "--store", &url, "--output=json"]).run().ends_with(0).json();
    assert_eq!(json, serde_json::json!({ "identities": [], "others": [] }));
}

#[test]
fn store_init_makes_a_folder_ready_and_does_no_harm_twice() {
    let folder = folder();
    for _ in 0..2 {
        let run = tokenlease(["store", "init"]).shares(folder.path()).run().ends_with(0);
        assert!(run.out.starts_with("ready: file:"), "{run:?}");
    }
    if cfg!(unix) {
        assert!(folder.path().join("tokenlease/key").exists());
    }
}

#[test]
fn lesson_2_a_store_that_is_not_there_is_named_without_its_password() {
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
            .ends_with(6);
        assert!(!run.err.contains("u:canary") && run.out.is_empty(), "{run:?}");
        let run = tokenlease(["store", "check", url]).run().ends_with(2);
        assert!(!run.err.contains("canary"), "{run:?}");
    }
}

/// Keeps others from reading a file.
fn private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
    }
    let _ = path;
}
