//! The secrets of these tests, and a log at level TRACE that must not contain them.

use std::{
    io::Write,
    sync::{Once, OnceLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::sync::{Mutex, MutexGuard};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Without characters that are encoded in a form.
pub const PASSWORD: &str = "canary-of-the-password";
pub const CLIENT_SECRET: &str = "canary-of-the-client-secret";
pub const TOKEN: &str = "canary-of-the-token";

/// Part of all secrets, and its three forms in base64, without the digits that share bits with the
/// text around it.
fn needles() -> &'static [String] {
    static NEEDLES: OnceLock<Vec<String>> = OnceLock::new();
    NEEDLES.get_or_init(|| {
        let part = "canary-of-the-";
        let shifted = |spaces: usize| {
            let encoded = STANDARD.encode(" ".repeat(spaces) + part);
            let digits = encoded.trim_end_matches('=');
            digits[(spaces * 4).div_ceil(3)..digits.len() - 1].to_owned()
        };
        vec![part.to_owned(), shifted(0), shifted(1), shifted(2)]
    })
}

/// Fails if the bytes contain a secret.
#[track_caller]
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(!needles().iter().any(|needle| text.contains(needle)), "a secret is in: {text}");
}

struct Log;

impl Write for Log {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        check(event);
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Checks each event of the log from now on. A panic within it ends the test's process. Only one test
/// runs at a time: their servers flood. The libraries log each part of a flood at level TRACE, so
/// `tests/secrets.rs` reads that level of them.
pub async fn watch_the_log() -> MutexGuard<'static, ()> {
    static ONCE: Once = Once::new();
    static ALONE: Mutex<()> = Mutex::const_new(());
    ONCE.call_once(|| {
        let filter = Targets::new()
            .with_default(LevelFilter::DEBUG)
            .with_target("tokenlease", LevelFilter::TRACE)
            .with_targets([("reqwest", LevelFilter::DEBUG), ("rustls", LevelFilter::DEBUG)]);
        let lines = fmt::layer().with_ansi(false).with_writer(|| Aborting(Log));
        tracing_subscriber::registry().with(lines).with(filter).init();
    });
    ALONE.lock().await
}

/// A writer whose panic no task catches.
struct Aborting(Log);

impl Write for Aborting {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let log = &mut self.0;
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| log.write(event)))
            .unwrap_or_else(|_| std::process::abort())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn a_secret_is_found_raw_and_in_base64_at_any_place() {
    for before in ["", "a", "ab", "abc"] {
        for text in [format!("{before}{TOKEN}"), STANDARD.encode(format!("{before}{TOKEN}"))] {
            assert!(std::panic::catch_unwind(|| check(text.as_bytes())).is_err(), "{text}");
        }
    }
    check(b"no secret");
}
