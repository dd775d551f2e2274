//! Runs all calls at log level TRACE with known secrets. No log, error or Debug text may contain a
//! secret, in any encoding.

mod common;

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::Engine as _;
use common::World;
use tokenlease::{
    Client, Error, ErrorKind,
    core::{Credentials, Identity, Token, lifecycle::Event, provider::Server},
};
use tokenlease_emulator::{Endpoint, Fault};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Splits a text into overlapping parts, each of which an error keeps whole.
fn parts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let starts = (0..chars.len().max(1)).step_by(512);
    let starts = starts.take_while(|at| *at == 0 || at + 512 < chars.len());
    starts.map(|at| chars[at..chars.len().min(at + 1024)].iter().collect()).collect()
}

/// Returns whether a text contains a secret, in any encoding that redaction finds.
fn contains_secret(text: &str, secrets: &[&str]) -> bool {
    // An error keeps only a part of a long text.
    parts(text)
        .iter()
        .any(|part| Error::new(ErrorKind::Internal, part.clone()).redact(secrets).detail() != *part)
}

/// Returns the first line that contains a secret, up to the secret.
fn leak<'a>(text: &'a str, secrets: &[&str]) -> Option<&'a str> {
    let lines: BTreeSet<&str> = text.lines().collect();
    lines.into_iter().find(|line| contains_secret(line, secrets))
}

/// Rule: Secrets: the search for secrets finds a planted one in each encoding.
#[test]
fn a_planted_secret_is_found_in_each_encoding() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let secret = "pä|w \"d/&+1%";
    let percent: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for planted in [
        secret.to_owned(),
        percent.replace('+', "%20"),
        percent.to_lowercase(),
        form_urlencoded::byte_serialize(percent.as_bytes()).collect(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(format!("id:{secret}")),
        STANDARD.encode(STANDARD.encode(secret)),
        hex(secret),
        hex(secret).to_uppercase(),
        serde_json::to_string(secret).unwrap(),
        secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        format!("{secret:?}"),
        format!("{:?}", format!("{secret:?}")),
        secret.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        "p&auml;|w &quot;d/&amp;+1%".to_owned(),
    ] {
        let log = format!("TRACE a line\nDEBUG value={planted} more\nINFO another");
        let found = leak(&log, &["another secret", secret]);
        assert!(found.is_some_and(|line| line.contains("value")), "{planted}");
    }
    assert_eq!(leak("TRACE a line\nINFO another", &["another secret", secret]), None);
}

/// Rule: Secrets: no secret appears in a log, an error or a Debug text.
/// Reported as seanmonstar/reqwest#2971.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_appears_in_a_log_an_error_or_a_debug_text() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let mut words: Vec<String> = Vec::new();
    let mut tokens: Vec<Token> = Vec::new();
    let events: Arc<Mutex<Vec<String>>> = Arc::default();
    let world = World::start().await;
    world.emulator.options(|options| options.winkas.echo_credentials = true);
    let (winkas, wyn) = (world.emulator.winkas(), world.emulator.wyn());
    let mut secrets = vec![winkas.password(), wyn.password(), wyn.client_secret()];
    for (login, validation, api) in [
        (Endpoint::WinkasLogin, Endpoint::WinkasValidate, true),
        (Endpoint::WynLogin, Endpoint::WynUserinfo, false),
    ] {
        for fault in [
            Fault::status(500),
            Fault::status(400).with_body("{\"error\":\"invalid_request\"}"),
            Fault::garbage(1000),
            Fault::half_body(),
            Fault::reset(),
            Fault::status(302).with_header("Location", "http://127.0.0.1:1/?password=x"),
        ] {
            let registry = world.registry();
            let (server, credentials) = if api {
                (world.winkas_server(), Credentials::password(winkas.password()))
            } else {
                let identity = Identity::wyn(&wyn.server(), &wyn.user(), wyn.client_id());
                (Server::new(identity.unwrap()), world.wyn_credentials())
            };
            let all = events.clone();
            let skip_backoffs = world.skip_backoffs();
            let hook = move |event: &Event| {
                all.lock().unwrap().push(format!("{event} {event:?}"));
                skip_backoffs(event);
            };
            let client = Client::builder(server, credentials).registry(&registry).on_event(hook);
            let client = client.build().unwrap();
            world.emulator.fault(login, fault.clone(), 1);
            let options =
                tokenlease::TokenOptions::default().with_deadline(Duration::from_millis(1));
            for result in [client.token_with(options).await, client.token().await] {
                match result {
                    Ok(token) => tokens.push(token),
                    Err(error) => words.push(format!("{error} {error:?} {:?}", error.detail())),
                }
            }
            if let Some(token) = tokens.last().cloned() {
                world.emulator.fault(validation, fault, 2);
                words.push(format!("{:?}", client.validate(&token).await));
                words.push(format!("{:?}", client.report_rejected(&token).await));
                words.push(format!("{:?}", client.revoke(&token).await));
            }
            words.push(format!("{client:?} {} {:?}", client.explain(), client.stats()));
            world.emulator.clear_faults();
            world.emulator.end_all_tokens();
            world.pass(Duration::from_secs(3600));
        }
    }
    assert!(!tokens.is_empty());
    secrets.extend(tokens.iter().map(|token| token.expose().to_owned()));
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is on:\n{log}");
    assert!(log.contains("logged in"), "the client writes to the log");
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    words.extend(events.lock().unwrap().drain(..));
    for cause in ["the connection ended", "redirects", "can't be read", "HTTP 500", "HTTP 400"] {
        assert!(words.iter().any(|word| word.contains(cause)), "no error says {cause:?}");
    }
    for (text, what) in [(words.join("\n"), "an error, an event or a Debug text"), (log, "the log")]
    {
        assert_eq!(leak(&text, &secrets), None, "a secret is in {what}");
    }
}
