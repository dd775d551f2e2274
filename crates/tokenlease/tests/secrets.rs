//! Runs all calls at log level TRACE with known secrets. No log, error or Debug text may contain a
//! secret, in any encoding.

mod common;

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::World;
use tokenlease::core::Token;
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

/// Returns the encodings in which a secret may appear.
fn forms(secret: &str) -> Vec<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let percent: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    vec![
        secret.to_owned(),
        percent.replace('+', "%20"),
        percent,
        STANDARD.encode(secret),
        STANDARD.encode(secret).trim_end_matches('=').to_owned(),
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
    ]
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
            let client = if api {
                world.winkas(&registry, &winkas.password())
            } else {
                world.wyn(&registry, Duration::from_secs(3600))
            };
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
    let words = words.concat();
    for secret in secrets {
        for form in forms(&secret) {
            assert!(!words.contains(&form), "a secret in an error or a Debug text");
            if let Some(at) = log.find(&form) {
                let from = log[..at].rfind('\n').unwrap_or(0);
                panic!("a secret in the log: {}", &log[from..at]);
            }
        }
    }
}
