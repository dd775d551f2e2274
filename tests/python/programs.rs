//! Programs that use the installed Python module, and the search for secrets in all that they show.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tokenlease::{Error, ErrorKind};
use tokenlease_emulator::Emulator;

use crate::{
    environment::{Environment, run},
    with_wheel,
};

const PASSWORD: &str = "pä|w \"of/the&run+1%";
const CLIENT_SECRET: &str = "client \"secret\"/of&the+run=";
const MISTYPED: &str = "mistyped|pässword of/the&run";
const INACTIVE: &str = "an-inactive-token-of-the-run";

/// Returns a command that runs a program beside this file.
fn program(environment: &Environment, name: &str) -> Command {
    let mut command = Command::new(environment.tool("python"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name);
    // Isolated: the package's source is not imported in place of the module.
    command.arg("-I").arg(source);
    command.env("PYTHONUTF8", "1").current_dir(&environment.folder);
    command
}

fn options(emulator: &Emulator, provider: &str) -> Value {
    if provider == "winkas" {
        let winkas = emulator.winkas();
        json!({
            "provider": provider, "server": winkas.server(), "user": winkas.user(),
            "contract": winkas.contract(), "password": winkas.password(),
        })
    } else {
        let wyn = emulator.wyn();
        json!({
            "provider": provider, "server": wyn.server(), "user": wyn.user(),
            "password": wyn.password(), "client_secret": wyn.client_secret(),
        })
    }
}

/// Returns the places that show a secret, raw or in any encoding that redaction finds.
fn leaks(seen: &[(String, Vec<u8>)], secrets: &BTreeSet<String>) -> Vec<String> {
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let shows = |bytes: &[u8]| {
        // An error keeps only a part of a long text.
        String::from_utf8_lossy(bytes).lines().flat_map(parts).any(|part| {
            Error::new(ErrorKind::Internal, part.clone()).redact(&secrets).detail() != part
        })
    };
    seen.iter().filter(|(_, bytes)| shows(bytes)).map(|(place, _)| place.clone()).collect()
}

/// Splits a text into overlapping parts, each of which an error keeps whole.
fn parts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let starts = (0..chars.len().max(1)).step_by(512);
    let starts = starts.take_while(|at| *at == 0 || at + 512 < chars.len());
    starts.map(|at| chars[at..chars.len().min(at + 1024)].iter().collect()).collect()
}

fn add_files(folder: &Path, seen: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        seen.push((format!("the name {}", path.display()), path.display().to_string().into()));
        if path.is_dir() {
            add_files(&path, seen);
        } else {
            seen.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

/// Runs everything in the module for a provider. Returns the places that show a secret.
fn whole_run(environment: &Environment, provider: &str, leak: bool) -> Vec<String> {
    let emulator = Emulator::builder()
        .winkas_credentials("user", PASSWORD, "contract")
        .wyn_credentials("user", PASSWORD, CLIENT_SECRET)
        .options(|options| options.winkas.echo_credentials = true)
        .start_blocking()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut options = options(&emulator, provider);
    options["store"] = format!("file:{}", store.display()).into();
    let given = json!({
        "options": options, "mistyped": MISTYPED, "inactive": INACTIVE, "leak": leak,
        // Nothing listens there.
        "unreachable": "http://127.0.0.1:1",
        "tokens": folder.path().join("tokens.json"),
    });
    let file = folder.path().join("options.json");
    fs::write(&file, given.to_string()).unwrap();
    let output = program(environment, "whole_run.py").arg(&file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{provider}: {text}");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["logged in", "CredentialsRejectedError", "127.0.0.1:1", "ConfigError", "<Stats "] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let mut seen = vec![("its output".into(), output.stdout), ("its errors".into(), output.stderr)];
    add_files(&store, &mut seen);
    assert!(seen.len() > 4, "a record and a key");
    let mut secrets: BTreeSet<_> =
        [PASSWORD, CLIENT_SECRET, MISTYPED, INACTIVE].map(str::to_owned).into();
    let known = secrets.len();
    let tokens = fs::read_to_string(folder.path().join("tokens.json")).unwrap();
    secrets.extend(serde_json::from_str::<Vec<String>>(&tokens).unwrap());
    secrets.extend(emulator.winkas().active_tokens());
    secrets.extend(emulator.wyn().active_tokens());
    assert!(secrets.len() > known, "the search knows the tokens");
    leaks(&seen, &secrets)
}

/// Rule: Secrets: a Python program that makes all calls of the module, logs all and prints all errors shows no
/// secret in any encoding, and stores none. The search finds a secret that it shows.
#[test]
fn a_run_of_everything_in_the_python_module_shows_no_secret() {
    let Some(environment) = with_wheel() else { return };
    for provider in ["winkas", "wyn"] {
        assert_eq!(whole_run(environment, provider, false), [""; 0], "{provider}");
        assert_eq!(whole_run(environment, provider, true), ["its output"], "{provider}");
    }
}

/// Rule: Trust: a Python program presents a client certificate to a server that requires one. Without it, and
/// with an encrypted key, the exception names the cause, and no login arrives.
#[cfg(unix)]
#[test]
fn a_python_program_presents_a_client_certificate() {
    let Some(environment) = with_wheel() else { return };
    let emulator = Emulator::builder().start_blocking().unwrap();
    let wyn = emulator.wyn();
    let address = wyn.server().strip_prefix("http://").unwrap().parse().unwrap();
    let server = tokenlease_test_servers::ClientCertificates::required_before(address);
    let mut options = options(&emulator, "wyn");
    options["server"] = server.url().into();
    options["ca"] = server.authority().to_str().unwrap().into();
    let given = json!({
        "options": options, "certificate": server.certificate(), "key": server.key(),
        "encrypted_key": server.encrypted_key(),
    });
    let mut command = program(environment, "client_certificate.py");
    let shown = run(command.arg(given.to_string())).unwrap_or_else(|why| panic!("{why}"));
    let [missing, encrypted, token] = shown.lines().collect::<Vec<_>>()[..] else {
        panic!("{shown}")
    };
    assert!(missing.starts_with("transport False"), "{missing}");
    assert!(missing.contains("requires a client certificate"), "{missing}");
    assert!(encrypted.starts_with("config False"), "{encrypted}");
    assert!(encrypted.contains("is encrypted"), "{encrypted}");
    assert!(wyn.active_tokens().contains(&token.to_owned()));
    assert_eq!(emulator.counts().wyn.login, 1);
}
