//! `token` and `refetch`, and where their options and secrets come from.

use std::{fs, time::Duration};

use tokenlease_emulator::{Endpoint, Fault};

use crate::support::{emulator, nobody, oauth2, tokenlease, winkas, wyn};

#[test]
fn token_prints_the_token_alone_and_a_newline() {
    let emulator = emulator();
    let run = wyn(&emulator, "token").run().ends_with(0);
    let token = run.out.strip_suffix('\n').expect("a newline");
    assert!(emulator.token_is_active(token), "{run:?}");
    assert_eq!(run.err, "");
    let run = winkas(&emulator, "token").run().ends_with(0);
    assert!(emulator.token_is_active(run.out.trim_end()), "{run:?}");
}

#[test]
fn token_in_json_says_where_it_came_from_and_when_it_ends() {
    let emulator = emulator();
    let json = wyn(&emulator, "token").args(["--lifetime", "8h", "--output", "json"]).run();
    let json = json.ends_with(0).json();
    assert!(emulator.token_is_active(json["token"].as_str().expect("a token")));
    assert_eq!(json["kind"], "bearer");
    assert_eq!(json["source"], "login");
    assert_eq!(json["end"], "stated");
    assert!(json["expires_at"].as_str().expect("an end").ends_with('Z'), "{json}");
    assert!(json["generation"].is_u64());

    let json = winkas(&emulator, "token").args(["--output=json"]).run().ends_with(0).json();
    assert_eq!((json["kind"].as_str(), json["source"].as_str()), (Some("winkas"), Some("login")));
    assert_eq!(json["end"], "assumed");
    // WinKAS gives the running token back, and no word on its end.
    let again = winkas(&emulator, "token").args(["--output=json"]).run().ends_with(0).json();
    assert_eq!(again["token"], json["token"]);
    assert_eq!(again["source"], "refetch");
    assert_eq!(again["end"], "unknown");
    assert_eq!(emulator.counts().winkas.login, 1);
}

#[test]
fn a_client_gets_a_token_for_itself_from_an_oauth2_server() {
    let emulator = emulator();
    emulator.options(|options| options.wyn.client_credentials = true);
    let run = oauth2(&emulator, "token").args(["--client-auth", "body"]).run().ends_with(0);
    assert!(emulator.token_is_active(run.out.trim_end()), "{run:?}");
}

#[test]
fn refetch_prints_the_last_token_and_never_asks_for_a_new_one() {
    let emulator = emulator();
    let token = emulator.winkas().log_in_elsewhere();
    let run = winkas(&emulator, "refetch").run().ends_with(0);
    assert_eq!(run.out.trim_end(), token);
    let json = winkas(&emulator, "refetch").args(["--output=json"]).run().ends_with(0).json();
    assert_eq!(json["source"], "refetch");
    assert_eq!(emulator.counts().winkas.login, 0);
}

#[test]
fn refetch_without_a_token_to_find_fails_and_asks_for_none() {
    let emulator = emulator();
    let run = winkas(&emulator, "refetch").run().ends_with(8);
    assert!(run.err.starts_with("tokenlease: token rejected: "), "{run:?}");
    assert_eq!(run.out, "");
    assert_eq!(emulator.counts().winkas.login, 0);
}

#[test]
fn refetch_is_unsupported_but_at_winkas() {
    let emulator = emulator();
    let run = wyn(&emulator, "refetch").run().ends_with(2).complains("--provider winkas");
    assert!(run.err.starts_with("tokenlease: unsupported: "), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 0);
}

#[test]
fn lesson_14_wrong_credentials_end_with_3_and_are_sent_once() {
    let emulator = emulator();
    let run = wyn(&emulator, "token").env("TOKENLEASE_PASSWORD", "wrong").run().ends_with(3);
    assert!(run.err.starts_with("tokenlease: credentials rejected: "), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 1);
    let run = winkas(&emulator, "token")
        .env("TOKENLEASE_PASSWORD", "wrong")
        .args(["--output", "json"])
        .run()
        .ends_with(3);
    let error = run.error();
    assert_eq!(error["kind"], "credentials_rejected");
    assert_eq!(error["exit_code"], 3);
    assert_eq!(error["retryable"], false);
    assert_eq!(emulator.counts().winkas.login, 1);
}

#[test]
fn a_server_that_is_down_ends_with_4() {
    let emulator = emulator();
    let run = wyn(&emulator, "token").args(["--deadline", "1s"]).env("TOKENLEASE_SERVER", "x");
    // The command line wins over the variable.
    run.run().ends_with(0);
    let run = tokenlease(["token", "--provider", "wyn", "--server", nobody(), "--user", "u"])
        .args(["--deadline", "1s", "--output", "json"])
        .env("TOKENLEASE_PASSWORD", "p")
        .env("TOKENLEASE_CLIENT_SECRET", "s")
        .run()
        .ends_with(4);
    assert_eq!(run.error()["kind"], "transport");
    assert_eq!(run.error()["retryable"], true);
}

#[test]
fn a_server_that_asks_to_wait_ends_with_4_and_says_until_when() {
    let emulator = emulator();
    let fault = Fault::status(429).with_retry_after(Duration::from_secs(600));
    emulator.fault(Endpoint::WynLogin, fault, 1);
    let run = wyn(&emulator, "token").args(["--output", "json"]).run().ends_with(4);
    assert_eq!(run.error()["kind"], "throttled");
    assert!(run.error()["until"].is_string(), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 1);
}

#[test]
fn an_answer_of_garbage_ends_with_5() {
    let emulator = emulator();
    emulator.fault(Endpoint::WynLogin, Fault::garbage(64), 10);
    let run = wyn(&emulator, "token").args(["--deadline", "1s"]).run().ends_with(5);
    assert!(run.err.starts_with("tokenlease: provider invalid_response: "), "{run:?}");
}

#[test]
fn a_deadline_that_passes_ends_with_7() {
    let emulator = emulator();
    emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_secs(60)), 1);
    let run = wyn(&emulator, "token").args(["--deadline", "200ms", "--output=json"]).run();
    assert_eq!(run.ends_with(7).error()["kind"], "deadline_exceeded");
}

#[test]
fn secrets_come_from_files_commands_and_profiles() {
    let emulator = emulator();
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&path, mode).expect("its mode");
        }
        path
    };
    let password = file("password", &format!("{}\n", emulator.wyn().password()));
    let secret = file("secret", &format!("\u{feff}{}\r\n", emulator.wyn().client_secret()));
    let base = || {
        tokenlease(["token"])
            .env("TOKENLEASE_PROVIDER", "wyn")
            .env("TOKENLEASE_USER", "report user")
    };

    let run = base()
        .args(["--server", &emulator.wyn().server(), "--password-file"])
        .args([&password])
        .args(["--client-secret-file"])
        .args([&secret])
        .run()
        .ends_with(0);
    assert_eq!(run.err, "");

    let config = file(
        "config.toml",
        &format!(
            "[profile.bi]\nserver = \"{}\"\nclient_secret_file = \"secret\"\n\
             password_command = \"cat '{}'\"\n",
            emulator.wyn().server(),
            password.display()
        ),
    );
    let profile = || base().env("TOKENLEASE_CONFIG", &config).args(["--profile", "bi"]);
    assert_eq!(profile().run().ends_with(0).err, "");
    profile().env("TOKENLEASE_PASSWORD", "wrong").run().ends_with(3);

    // The same file where it is looked for unless one is named.
    fs::create_dir(folder.path().join("tokenlease")).expect("a folder");
    let text = fs::read_to_string(&config).expect("the file").replace("secret\"", "../secret\"");
    file("tokenlease/config.toml", &text);
    if cfg!(unix) {
        base().env("XDG_CONFIG_HOME", folder.path()).args(["--profile=bi"]).run().ends_with(0);
    }
    base().args(["--profile", "bi"]).run().ends_with(2).complains("config.toml");
}

#[cfg(unix)]
#[test]
fn a_password_file_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let emulator = emulator();
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), emulator.winkas().password()).expect("written");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).expect("its mode");
    let program = winkas(&emulator, "token").args(["--password-file"]).args([file.path()]);
    program.run().ends_with(0).complains("warning: ").complains("chmod 600");
}

#[test]
fn without_a_secret_and_a_terminal_the_ways_to_give_one_are_named() {
    let base = ["token", "--provider", "winkas", "--user", "u", "--contract", "c"];
    let run = tokenlease(base).run().ends_with(2).complains("no password is given");
    run.complains("TOKENLEASE_PASSWORD")
        .complains("--password-file")
        .complains("--password-command");
}

#[test]
fn secrets_given_by_habit_are_rejected_with_a_reason() {
    for (habit, way) in [
        (&["--password", "canary"][..], "--password-file"),
        (&["--password=canary"], "--password-file"),
        (&["--client-secret=canary"], "--client-secret-file"),
    ] {
        let run = tokenlease(["token"]).args(habit).run().ends_with(2).complains(way);
        let run = run.complains("others on this machine can read the command line");
        assert!(!run.err.contains("canary"), "{run:?}");
    }
}

#[test]
fn what_is_wrong_with_the_command_line_ends_with_2() {
    for args in [&["token", "--nonsense"][..], &["nonsense"], &["token", "--lifetime", "8"], &[]] {
        tokenlease(args).run().ends_with(2);
    }
    let run = tokenlease(["token", "--lifetime", "8", "--output", "json"]).run().ends_with(2);
    assert_eq!(run.error()["kind"], "config");
    assert!(run.error()["detail"].as_str().expect("a detail").contains("8s"), "{run:?}");
    let run = tokenlease(["token", "--provider", "wyn", "--user", "u"]).run().ends_with(2);
    run.complains("no server address is given; expected --server");
    let run = tokenlease(["token", "--provider", "wyn", "--user", "u", "--server", "http://h"])
        .env("TOKENLEASE_PASSWORD", "p")
        .env("TOKENLEASE_CLIENT_SECRET", "s")
        .run()
        .ends_with(2);
    run.complains("--allow-plain-http");
}
