//! `status --format openmetrics`: metrics for the textfile collector of the Prometheus node exporter.
//!
//! Source: `OpenMetrics` 1.0. All metrics are gauges, because the collector reads the older text format
//! of Prometheus, which names counters in another way. No sample has a timestamp: the collector
//! rejects those.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
};

use tokenlease::{
    core::{StoreTime, record::EntrySummary},
    status::credentials_name,
};

use super::{DIGITS, entry::IdentityStatus};

/// The names and help texts of all metrics, in the order of the output.
const FAMILIES: [(&str, &str); 10] = [
    ("tokenlease_build_info", "The version of the program. The value is 1."),
    ("tokenlease_profile_readable", "Whether the profile and its record could be read."),
    ("tokenlease_identity_tokens", "How many different tokens the identity has had."),
    ("tokenlease_identity_live_tokens", "How many tokens of the identity can be served."),
    (
        "tokenlease_identity_backoff_until_timestamp_seconds",
        "Until when no login is sent for the identity, after a failure of its server.",
    ),
    ("tokenlease_token_live", "Whether the token can be served. Absent if there is none."),
    (
        "tokenlease_token_expiry_timestamp_seconds",
        "When the token expires, or is validated before use. Absent if that is not known.",
    ),
    ("tokenlease_token_request_timestamp_seconds", "When the token was requested."),
    (
        "tokenlease_credentials_rejections",
        "How often the server rejected the credentials in a row.",
    ),
    (
        "tokenlease_credentials_blocked_until_timestamp_seconds",
        "Until when the credentials are not sent, after a rejection or an unusable answer.",
    ),
];

/// The samples of each metric, by its name.
#[derive(Default)]
struct Samples(BTreeMap<&'static str, Vec<String>>);

impl Samples {
    fn add(&mut self, family: &'static str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let sample = format!("{family}{{{}}} {value}", labels.join(","));
        self.0.entry(family).or_default().push(sample);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (family, help) in FAMILIES {
            let Some(samples) = self.0.get(family) else { continue };
            let _ = writeln!(text, "# HELP {family} {help}\n# TYPE {family} gauge");
            for sample in samples {
                let _ = writeln!(text, "{sample}");
            }
        }
        text.push_str("# EOF");
        text
    }
}

/// Returns the metrics, without the last line end.
pub(super) fn of(all: &[(Option<String>, IdentityStatus)], unreadable: &[String]) -> String {
    let mut samples = Samples::default();
    samples.add("tokenlease_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    for profile in unreadable {
        samples.add("tokenlease_profile_readable", &[("profile", profile)], 0);
    }
    for (profile, known) in all {
        let profile = profile.as_deref().unwrap_or_default();
        let record: String = known.record.chars().take(DIGITS).collect();
        let identity =
            [("profile", profile), ("identity", known.identity.as_str()), ("record", &record)];
        samples.add("tokenlease_profile_readable", &[("profile", profile)], 1);
        samples.add("tokenlease_identity_tokens", &identity, known.summary.generation);
        let leases = known.summary.entries.iter().filter_map(|entry| entry.lease);
        let live = leases.filter(|lease| lease.is_live).count();
        samples.add("tokenlease_identity_live_tokens", &identity, live);
        if let Some(backoff) = &known.summary.server_backoff {
            let labels = [&identity[..], &[("reason", backoff.reason)]].concat();
            let family = "tokenlease_identity_backoff_until_timestamp_seconds";
            samples.add(family, &labels, seconds(known, backoff.until));
        }
        for entry in &known.summary.entries {
            let credentials = credentials_name(entry.credentials);
            let labels = [&identity[..], &[("credentials", credentials.as_str())]].concat();
            add_entry(&mut samples, &labels, known, entry);
        }
    }
    samples.text()
}

fn add_entry(
    samples: &mut Samples,
    labels: &[(&str, &str)],
    known: &IdentityStatus,
    entry: &EntrySummary,
) {
    if let Some(lease) = entry.lease {
        samples.add("tokenlease_token_live", labels, u8::from(lease.is_live));
        let expiry = lease.expiry.basis().as_str();
        let sent_at = seconds(known, lease.sent_at);
        samples.add("tokenlease_token_request_timestamp_seconds", labels, sent_at);
        if let Some(at) = lease.expiry.expires_at(lease.sent_at) {
            let labels = [labels, &[("expiry", expiry)]].concat();
            let family = "tokenlease_token_expiry_timestamp_seconds";
            samples.add(family, &labels, seconds(known, at));
        }
    }
    let rejections = entry.circuit.as_ref().map_or(0, |circuit| circuit.count);
    samples.add("tokenlease_credentials_rejections", labels, rejections);
    let blocks = [&entry.circuit, &entry.backoff].into_iter().flatten();
    if let Some(until) = blocks.map(|block| block.until).max() {
        let family = "tokenlease_credentials_blocked_until_timestamp_seconds";
        samples.add(family, labels, seconds(known, until));
    }
}

/// Returns seconds since the Unix epoch, with milliseconds, by this machine's clock.
fn seconds(known: &IdentityStatus, at: StoreTime) -> String {
    let millis = known.clock.wall(at).0;
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

/// Escapes the value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
