//! The metrics of this process, in the text format of `OpenMetrics` 1.0.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use http::{HeaderValue, StatusCode};
use tokenlease::bindings;

use crate::{
    answer::{Answer, text_of},
    counts::{CLASSES, Endpoint},
    state::Shared,
};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers `GET /metrics`.
pub(crate) fn get(shared: &Shared) -> Answer {
    text_of(StatusCode::OK, HeaderValue::from_static(CONTENT_TYPE), text(shared))
}

fn text(shared: &Shared) -> String {
    let mut text = String::new();
    let head = |text: &mut String, name: &str, kind: &str, help: &str| {
        // Writing to a text can't fail.
        let _ = writeln!(text, "# TYPE {name} {kind}\n# HELP {name} {help}");
    };
    head(&mut text, "tokenlease_serve_build", "info", "The version of the program.");
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(text, "tokenlease_serve_build_info{{version=\"{version}\"}} 1");
    let name = "tokenlease_serve_requests";
    head(&mut text, name, "counter", "Requests, by endpoint and class of the answer's status.");
    for endpoint in Endpoint::ALL {
        for (class, count) in CLASSES.iter().zip(shared.counts.requests(endpoint)) {
            let endpoint = endpoint.as_str();
            let labels = format!("endpoint=\"{endpoint}\",class=\"{class}\"");
            let _ = writeln!(text, "{name}_total{{{labels}}} {count}");
        }
    }
    let name = "tokenlease_serve_connections";
    head(&mut text, name, "gauge", "Open connections.");
    let _ = writeln!(text, "{name} {}", shared.connections());
    let counts = &shared.counts;
    let of_process: [(&str, &str, &AtomicU64); 4] = [
        (
            "failed_authentications",
            "Requests with wrong credentials.",
            &counts.failed_authentications,
        ),
        ("rate_limited", "Requests that came too fast.", &counts.rate_limited),
        ("rejected_users", "Connections of users that may not connect.", &counts.rejected_users),
        ("replays", "Forwarded requests that were sent again with another token.", &counts.replays),
    ];
    for (name, help, count) in of_process {
        let name = format!("tokenlease_serve_{name}");
        head(&mut text, &name, "counter", help);
        let _ = writeln!(text, "{name}_total {}", count.load(Ordering::Relaxed));
    }
    let configured = shared.configured();
    let profiles = configured.profiles.iter();
    let profiles = profiles.map(|profile| (profile.name.as_str(), &profile.client));
    text.push_str(&bindings::openmetrics_of_profiles(profiles));
    text.push_str("# EOF\n");
    text
}
