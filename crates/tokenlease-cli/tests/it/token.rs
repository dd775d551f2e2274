//! `token` and `refetch`, and the sources of their options and secrets.

use std::{fs, time::Duration};

use tokenlease_emulator::{Endpoint, Fault};

use crate::support::{emulator, folder, oauth2, private, tokenlease, unreachable, winkas, wyn};

#[test]
fn token_prints_only_the_token_and_a_newline() {
    let emulator = emulator();
    let run = wyn(&emulator, "token").run().exits_with(0);
    let token = run.out.strip_suffix('\n').expect("a newline");
    assert!(emulator.token_is_active(token), "{run:?}");
    assert_eq!(run.err, "");
    let run = winkas(&emulator, "token").run().exits_with(0);
    assert!(emulator.token_is_active(run.out.trim_end()), "{run:?}");
}

#[test]
fn token_in_json_has_the_source_and_the_expiry() {
    let emulator = emulator();
    let json = wyn(&emulator, "token").args(["--lifetime", "8h", "--output", "json"]).run();
    let json = json.exits_with(0).json();
    assert!(emulator.token_is_active(json["token"].as_str().expect("a token")));
    assert_eq!(json["kind"], "bearer");
    assert_eq!(json["source"], "login");
    assert_eq!(json["expiry"], "stated");
    assert!(json["expires_at"].as_str().expect("an end").ends_with('Z'), "{json}");
    assert!(json["generation"].is_u64());

    let json = winkas(&emulator, "token").args(["--output=json"]).run().exits_with(0).json();
    assert_eq!((json["kind"].as_str(), json["source"].as_str()), (Some("winkas"), Some("login")));
    assert_eq!(json["expiry"], "assumed");
    // WinKAS returns the current token, without its expiry.
    let again = winkas(&emulator, "token").args(["--output=json"]).run().exits_with(0).json();
    assert_eq!(again["token"], json["token"]);
    assert_eq!(again["source"], "refetch");
    assert_eq!(again["expiry"], "unknown");
    assert_eq!(emulator.counts().winkas.login, 1);
}

/// Rule: Formats: `--as-header` prints the header that presents a token, by the option `token_header`.
#[test]
fn the_header_of_a_token_is_printed() {
    let (emulator, folder) = (emulator(), folder());
    for (header, start) in
        [("authorization", "Authorization: Bearer "), ("reference-token", "Reference-Token: ")]
    {
        let option = format!("--token-header={header}");
        let run = wyn(&emulator, "token").args(["--as-header", &option]).run().exits_with(0);
        let token = run.out.strip_prefix(start).expect("the header").trim_end();
        assert!(emulator.token_is_active(token), "{run:?}");
        let file = folder.path().join(header);
        let run =
            wyn(&emulator, "token").args(["--as-header", &option, "--write"]).args([&file]).run();
        assert_eq!(run.exits_with(0).out, "");
        let written = fs::read_to_string(&file).expect("the header");
        assert!(
            emulator.token_is_active(written.strip_prefix(start).expect("the header").trim_end())
        );
        let json =
            wyn(&emulator, "token").args(["--output=json", &option]).run().exits_with(0).json();
        assert_eq!(json["header_name"], start.split(':').next().expect("a name"));
    }
    let run = winkas(&emulator, "token").args(["--as-header"]).run().exits_with(2);
    run.complains("does not go into a header");
    let json = winkas(&emulator, "token").args(["--output=json"]).run().exits_with(0).json();
    assert_eq!(json["header_name"], serde_json::Value::Null);
}

#[test]
fn the_client_credentials_grant_gets_a_token() {
    let emulator = emulator();
    emulator.options(|options| options.wyn.client_credentials = true);
    let run = oauth2(&emulator, "token").args(["--client-auth", "body"]).run().exits_with(0);
    assert!(emulator.token_is_active(run.out.trim_end()), "{run:?}");
}

/// Rule: Refetch: `refetch` prints the server's current token and never logs in.
#[test]
fn refetch_prints_the_current_token_and_never_logs_in() {
    let emulator = emulator();
    let token = emulator.winkas().log_in_elsewhere();
    let run = winkas(&emulator, "refetch").run().exits_with(0);
    assert_eq!(run.out.trim_end(), token);
    let json = winkas(&emulator, "refetch").args(["--output=json"]).run().exits_with(0).json();
    assert_eq!(json["source"], "refetch");
    assert_eq!(emulator.counts().winkas.login, 0);
}

/// Rule: Refetch: without an active token `refetch` fails and never logs in.
#[test]
fn refetch_without_an_active_token_fails_and_never_logs_in() {
    let emulator = emulator();
    let run = winkas(&emulator, "refetch").run().exits_with(8);
    assert!(run.err.starts_with("tokenlease: token rejected: "), "{run:?}");
    assert_eq!(run.out, "");
    assert_eq!(emulator.counts().winkas.login, 0);
}

#[test]
fn refetch_is_supported_only_by_winkas() {
    let emulator = emulator();
    let run = wyn(&emulator, "refetch").run().exits_with(2).complains("--provider winkas");
    assert!(run.err.starts_with("tokenlease: unsupported: "), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 0);
}

/// Rule: Circuit: wrong credentials are sent once.
/// Reported as concourse/concourse#3586.
#[test]
fn wrong_credentials_exit_with_3_and_are_sent_once() {
    let emulator = emulator();
    let run = wyn(&emulator, "token").env("TOKENLEASE_PASSWORD", "wrong").run().exits_with(3);
    assert!(run.err.starts_with("tokenlease: credentials rejected: "), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 1);
    let run = winkas(&emulator, "token")
        .env("TOKENLEASE_PASSWORD", "wrong")
        .args(["--output", "json"])
        .run()
        .exits_with(3);
    let error = run.error();
    assert_eq!(error["kind"], "credentials_rejected");
    assert_eq!(error["exit_code"], 3);
    assert_eq!(error["retryable"], false);
    assert_eq!(emulator.counts().winkas.login, 1);
}

#[test]
fn an_unreachable_server_exits_with_4() {
    let emulator = emulator();
    let run = wyn(&emulator, "token").args(["--deadline", "1s"]).env("TOKENLEASE_SERVER", "x");
    // The command line overrides the variable.
    run.run().exits_with(0);
    let run = tokenlease(["token", "--provider", "wyn", "--server", unreachable(), "--user", "u"])
        .args(["--deadline", "1s", "--output", "json"])
        .env("TOKENLEASE_PASSWORD", "p")
        .env("TOKENLEASE_CLIENT_SECRET", "s")
        .run()
        .exits_with(4);
    assert_eq!(run.error()["kind"], "transport");
    assert_eq!(run.error()["retryable"], true);
}

#[test]
fn a_throttling_server_exits_with_4_and_the_error_has_the_time() {
    let emulator = emulator();
    let fault = Fault::status(429).with_retry_after(Duration::from_secs(600));
    emulator.fault(Endpoint::WynLogin, fault, 1);
    let run = wyn(&emulator, "token").args(["--output", "json"]).run().exits_with(4);
    assert_eq!(run.error()["kind"], "throttled");
    assert!(run.error()["until"].is_string(), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 1);
}

#[test]
fn an_invalid_response_exits_with_5() {
    let emulator = emulator();
    emulator.fault(Endpoint::WynLogin, Fault::garbage(64), 10);
    let run = wyn(&emulator, "token").args(["--deadline", "1s"]).run().exits_with(5);
    assert!(run.err.starts_with("tokenlease: invalid response: "), "{run:?}");
}

/// Rule: Deadlines: a command fails at its deadline while the server does not answer.
#[test]
fn a_passed_deadline_exits_with_7() {
    let emulator = emulator();
    emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_secs(60)), 1);
    let run = wyn(&emulator, "token").args(["--deadline", "200ms", "--output=json"]).run();
    assert_eq!(run.exits_with(7).error()["kind"], "deadline_exceeded");
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
        .exits_with(0);
    assert_eq!(run.err, "");

    let config = file(
        "config.toml",
        &format!(
            "[profile.bi]\nserver = \"{}\"\nclient_secret_file = \"secret\"\n\
             password_command = '{} \"{}\"'\n",
            emulator.wyn().server(),
            if cfg!(windows) { "type" } else { "cat" },
            password.display()
        ),
    );
    let profile = || base().env("TOKENLEASE_CONFIG", &config).args(["--profile", "bi"]);
    assert_eq!(profile().run().exits_with(0).err, "");
    profile().env("TOKENLEASE_PASSWORD", "wrong").run().exits_with(3);

    // The same file at the default path.
    fs::create_dir(folder.path().join("tokenlease")).expect("a folder");
    let text = fs::read_to_string(&config).expect("the file").replace("secret\"", "../secret\"");
    file("tokenlease/config.toml", &text);
    let variable = if cfg!(windows) { "APPDATA" } else { "XDG_CONFIG_HOME" };
    base().env(variable, folder.path()).args(["--profile=bi"]).run().exits_with(0);
    base().args(["--profile", "bi"]).run().exits_with(2).complains("config.toml");
}

/// Rule: Secrets: a password file that other users can read is a warning.
#[cfg(unix)]
#[test]
fn a_password_file_that_other_users_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let emulator = emulator();
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), emulator.winkas().password()).expect("written");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).expect("its mode");
    let program = winkas(&emulator, "token").args(["--password-file"]).args([file.path()]);
    program.run().exits_with(0).complains("warning: ").complains("chmod 600");
}

#[test]
fn a_missing_secret_without_a_terminal_is_an_error_that_names_the_alternatives() {
    let base = ["token", "--provider", "winkas", "--user", "u", "--contract", "c"];
    let run = tokenlease(base).run().exits_with(2).complains("the password is missing");
    run.complains("TOKENLEASE_PASSWORD")
        .complains("--password-file")
        .complains("--password-command");
}

#[test]
fn a_secret_as_an_argument_is_rejected_with_a_reason() {
    for (args, alternative) in [
        (&["--password", "canary"][..], "--password-file"),
        (&["--password=canary"], "--password-file"),
        (&["--client-secret=canary"], "--client-secret-file"),
    ] {
        let run = tokenlease(["token"]).args(args).run().exits_with(2).complains(alternative);
        let run = run.complains("other users of this machine can read the command line");
        assert!(!run.err.contains("canary"), "{run:?}");
    }
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for args in [&["token", "--nonsense"][..], &["nonsense"], &["token", "--lifetime", "8"], &[]] {
        tokenlease(args).run().exits_with(2);
    }
    let run = tokenlease(["token", "--lifetime", "8", "--output", "json"]).run().exits_with(2);
    assert_eq!(run.error()["kind"], "config");
    assert!(run.error()["detail"].as_str().expect("a detail").contains("8s"), "{run:?}");
    let run = tokenlease(["token", "--provider", "wyn", "--user", "u"]).run().exits_with(2);
    run.complains("the server address is missing; expected --server");
    let run = tokenlease(["token", "--provider", "wyn", "--user", "u", "--server", "http://h"])
        .env("TOKENLEASE_PASSWORD", "p")
        .env("TOKENLEASE_CLIENT_SECRET", "s")
        .run()
        .exits_with(2);
    run.complains("--allow-plain-http");
}

/// Rule: Languages: options with which a client could get no token are an error, wherever they are set.
#[test]
fn options_that_cannot_work_are_an_error_wherever_they_are_set() {
    let (emulator, folder) = (emulator(), folder());
    let config = folder.path().join("config.toml");
    fs::write(&config, "[profile.erp]\nstore_check_interval = \"20ms\"\n").unwrap();
    private(&config);
    let token = || winkas(&emulator, "token");
    for program in [
        token().args(["--store-check-interval", "20ms"]),
        token().env("TOKENLEASE_STORE_CHECK_INTERVAL", "20ms"),
        token().env("TOKENLEASE_CONFIG", &config).args(["--profile", "erp"]),
    ] {
        let run = program.run().exits_with(2);
        run.complains("store_check_interval is 20ms").complains("at least 1s");
    }
    for (option, value) in [
        ("--timeout", "0s"),
        ("--deadline", "0s"),
        ("--max-lifetime", "0s"),
        ("--agreed-lifetime", "0s"),
    ] {
        token().args([option, value]).run().exits_with(2).complains("is 0s");
    }
    wyn(&emulator, "token").args(["--on-store-outage=refetch-only"]).run().exits_with(2);
    assert_eq!((emulator.counts().winkas.login, emulator.counts().wyn.login), (0, 0));
}
