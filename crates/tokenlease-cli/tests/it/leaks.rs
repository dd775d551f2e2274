//! Secrets are not in errors, logs, files or command lines.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use tokenlease_emulator::{Emulator, Endpoint, Fault};

use crate::support::{Program, Run, tokenlease, winkas, wyn};

const PASSWORD: &str = "canary|password+1%";
const SECRET: &str = "canary:secret/2=";

fn emulator() -> Emulator {
    Emulator::builder()
        .winkas_credentials("user", PASSWORD, "contract")
        .wyn_credentials("user", PASSWORD, SECRET)
        .options(|options| options.winkas.echo_credentials = true)
        .start_blocking()
        .expect("an emulator")
}

/// Fails if the text contains one of the secrets, raw or encoded.
#[track_caller]
fn is_clean(text: &str, secrets: &[String]) {
    for secret in secrets {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let forms = [
            secret.clone(),
            encoded.to_lowercase(),
            encoded,
            BASE64.encode(secret),
            secret.get(..8).unwrap_or(secret).to_owned(),
        ];
        for form in forms {
            assert!(!text.contains(&form), "{form} is in {text}");
        }
    }
}

/// Runs a command at the highest verbosity. Only with `prints` may standard output contain a token.
fn check(emulator: &Emulator, program: Program, prints: bool) -> Run {
    let run = program.args(["-vvv"]).run();
    let mut secrets = vec![PASSWORD.to_owned(), SECRET.to_owned()];
    is_clean(&run.out, &secrets);
    secrets.extend(emulator.winkas().active_tokens());
    secrets.extend(emulator.wyn().active_tokens());
    secrets.push("inactive-token-of-the-input".to_owned());
    is_clean(&run.err, &secrets);
    if !prints {
        is_clean(&run.out, &secrets);
    }
    run
}

/// Rule: Secrets: no password, client secret or token is in an error or a log.
/// Reported as seanmonstar/reqwest#2971.
#[test]
fn no_secret_is_in_an_error_or_a_log() {
    let emulator = emulator();
    for provider in [winkas as fn(&Emulator, &str) -> Program, wyn] {
        let run = check(&emulator, provider(&emulator, "token"), true).exits_with(0);
        let token = run.out.trim_end().to_owned();
        check(&emulator, provider(&emulator, "token").args(["--output", "json"]), true)
            .exits_with(0);
        check(&emulator, provider(&emulator, "refetch"), true);
        check(&emulator, provider(&emulator, "validate").input(&token), false).exits_with(0);
        let inactive = || provider(&emulator, "validate").input("inactive-token-of-the-input");
        check(&emulator, inactive(), false).exits_with(1);
        check(&emulator, provider(&emulator, "doctor").args(["--login"]), false).exits_with(0);
        check(&emulator, provider(&emulator, "report-rejected").input(&token), false).exits_with(0);
        for command in ["status", "forget", "unblock"] {
            check(&emulator, provider(&emulator, command), false).exits_with(0);
        }
        check(&emulator, provider(&emulator, "revoke").input(&token), false);
    }
}

/// Rule: Secrets: no secret and no token that git or docker pass is in an error or a log, and only the answers to
/// `get` have a token.
#[test]
fn no_secret_is_in_an_error_or_a_log_of_the_plug_ins() {
    let emulator = emulator();
    let wyn = emulator.wyn();
    let protocol = |words: &[&str]| {
        tokenlease(words)
            .args(["--provider", "wyn", "--server", &wyn.server(), "--user", &wyn.user()])
            .env("TOKENLEASE_PASSWORD", wyn.password())
            .env("TOKENLEASE_CLIENT_SECRET", wyn.client_secret())
    };
    let secret = "inactive-token-of-the-input";
    let store = format!("{{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"{secret}\"}}");
    let git = format!("protocol=https\nhost=h\npassword={secret}\n");
    for (words, input, code, prints) in [
        (&["credential", "kubernetes"][..], "", 0, true),
        (&["credential", "process"], "", 0, true),
        (&["credential", "git", "get", "--host", "h"], &git, 0, true),
        (&["credential", "git", "erase", "--host", "h"], &git, 0, false),
        (&["credential", "git", "store", "--host", "h"], &git, 0, false),
        (&["credential", "docker", "get", "--host", "h"], "h", 0, true),
        (&["credential", "docker", "store", "--host", "h"], &store, 2, false),
        (&["credential", "docker", "store", "--host", "h"], secret, 2, false),
        (&["credential", "docker", "erase", "--host", "h"], "h", 0, false),
    ] {
        check(&emulator, protocol(words).input(input), prints).exits_with(code);
    }
}

/// Rule: Secrets: no file of the store contains a plain secret or can be read by other users.
#[test]
fn the_stores_files_contain_no_plain_secret_and_are_private() {
    let emulator = emulator();
    let folder = tempfile::tempdir().expect("a folder");
    let mut secrets = vec![PASSWORD.to_owned(), SECRET.to_owned(), "user".to_owned()];
    for provider in [winkas as fn(&Emulator, &str) -> Program, wyn] {
        let run = |program: Program, prints| {
            check(&emulator, program.shares(folder.path()), prints).exits_with(0)
        };
        let token = run(provider(&emulator, "token"), true).out.trim_end().to_owned();
        let wrong = provider(&emulator, "token").env("TOKENLEASE_PASSWORD", "canary-mistyped");
        check(&emulator, wrong.shares(folder.path()), false).exits_with(3);
        run(provider(&emulator, "report-rejected").input(&token), false);
        run(provider(&emulator, "status"), false);
        run(provider(&emulator, "token"), true);
        run(provider(&emulator, "forget"), false);
        run(provider(&emulator, "token").args(["--output=json"]), true);
        secrets.push(token);
    }
    secrets.extend(emulator.wyn().active_tokens());
    secrets.push("canary-mistyped".to_owned());
    let folder = folder.path().join("tokenlease");
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("the store's folder") {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("its text");
        is_clean(&path.display().to_string().replace("tokenlease", ""), &secrets[3..]);
        is_clean(&String::from_utf8_lossy(&bytes), &secrets);
        assert_mode(&path, 0o600);
        files += 1;
    }
    assert_mode(&folder, 0o700);
    // At least two records and the key.
    assert!(files >= 3, "{files}");
}

#[track_caller]
fn assert_mode(path: &std::path::Path, expected: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    }
    let _ = (path, expected);
}

/// Rule: Secrets: no secret is in an error, even if the server echoes it.
#[test]
fn no_secret_is_in_an_error_of_a_server_that_fails_or_echoes() {
    let emulator = emulator();
    let faults = |sent: &[&str]| {
        let echo = format!("not good: {}", sent.join(" "));
        let error = serde_json::json!({ "error": echo, "error_description": echo }).to_string();
        [
            Fault::status(500).with_body(&echo),
            Fault::status(400).with_body(&echo),
            Fault::status(400).with_content_type("application/json").with_body(&error),
            Fault::envelope(7, &echo),
            Fault::garbage(99),
            Fault::reset(),
            Fault::half_body(),
        ]
    };
    for (endpoint, sent) in
        [(Endpoint::WinkasLogin, &[PASSWORD][..]), (Endpoint::WynLogin, &[PASSWORD, SECRET])]
    {
        for fault in faults(sent) {
            emulator.clear_faults();
            emulator.end_all_tokens();
            emulator.fault(endpoint, fault, 20);
            let provider = if endpoint == Endpoint::WynLogin { wyn } else { winkas };
            for output in ["text", "json"] {
                let args = ["--deadline", "300ms", "--output", output];
                check(&emulator, provider(&emulator, "token").args(args), true);
            }
        }
    }
    for (endpoint, provider) in [
        (Endpoint::WinkasValidate, winkas as fn(&Emulator, &str) -> Program),
        (Endpoint::WynUserinfo, wyn),
    ] {
        for fault in faults(&["inactive-token-of-the-input"]) {
            emulator.clear_faults();
            emulator.fault(endpoint, fault, 20);
            let program = provider(&emulator, "validate").args(["--deadline", "300ms"]);
            check(&emulator, program.input("inactive-token-of-the-input"), false);
        }
    }
    for fault in faults(&[SECRET, "inactive-token-of-the-input"]) {
        emulator.clear_faults();
        emulator.fault(Endpoint::WynRevoke, fault, 20);
        let program = wyn(&emulator, "revoke").args(["--deadline", "300ms"]);
        check(&emulator, program.input("inactive-token-of-the-input"), false);
    }
}

/// Rule: Secrets: no secret is in the command line of a process.
#[cfg(target_os = "linux")]
#[test]
fn no_secret_is_in_a_command_line() {
    let emulator = emulator();
    let folder = tempfile::tempdir().expect("a folder");
    let seen = folder.path().join("seen");
    // The command reads its own command line and that of its parent, the program.
    let command =
        format!("cat /proc/$$/cmdline /proc/$PPID/cmdline > {}; printenv CANARY", seen.display());
    let mut program = wyn(&emulator, "exec").env("CANARY", PASSWORD).args([
        "--password-command",
        &command,
        "--",
        "cat",
        "/proc/self/cmdline",
    ]);
    program.command().env_remove("TOKENLEASE_PASSWORD");
    let run = program.run().exits_with(0);
    let mut secrets = vec![PASSWORD.to_owned(), SECRET.to_owned()];
    secrets.extend(emulator.wyn().active_tokens());
    is_clean(&run.out, &secrets);
    is_clean(&std::fs::read_to_string(seen).expect("the command lines"), &secrets);
}
