//! One harmless request, and what its answer says of the clocks.

use std::time::{Duration, SystemTime};

use http::{StatusCode, header};

use super::{Finding, network::Route, tls::Trust};
use tokenlease_config::duration::show;

use crate::{exit, settings::Settings};

/// Clocks further apart than this are warned of.
const APART: Duration = Duration::from_secs(30);

/// GETs the base address, without credentials.
pub(super) async fn check(settings: &Settings, trust: &Trust, route: &Route) -> Vec<Finding> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(trust.config())
        .user_agent(concat!("tokenlease/", env!("CARGO_PKG_VERSION")))
        .timeout(settings.timeout())
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    let builder = if route.is_proxied() { builder } else { builder.no_proxy() };
    let begun = SystemTime::now();
    let answer = match builder.build() {
        Ok(client) => client.get(settings.identity.server()).send().await,
        Err(error) => Err(error),
    };
    let took = begun.elapsed().unwrap_or_default();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return vec![failed(&error.without_url(), settings.timeout())],
    };
    let (status, headers) = (answer.status(), answer.headers());
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let mut findings = vec![http_finding(status, text(header::LOCATION), took)];
    if route.is_proxied()
        && let Some((words, warns)) = trust.end_of_certificate()
    {
        findings.push(if warns {
            Finding::warn("tls", words, "have the server's certificate renewed")
        } else {
            Finding::ok("tls", words)
        });
    }
    findings.push(clock(text(header::DATE), begun + took / 2));
    findings
}

fn http_finding(status: StatusCode, location: Option<&str>, took: Duration) -> Finding {
    let detail = format!("the base address answers {} ({})", status.as_u16(), show(took));
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Finding::fail(
            "http",
            exit::UNAVAILABLE,
            "the proxy asks for a user and a password (407)",
            "put them into the proxy's address: http://USER:PASSWORD@PROXY:PORT",
        );
    }
    if status.is_redirection() {
        // Where it leads to may carry what is nobody's business: host and path say enough.
        let to = location.map(|to| to.split(['?', '#']).next().unwrap_or_default());
        return Finding::warn(
            "http",
            format!("{detail}, and leads to {}", to.unwrap_or("nowhere")),
            "if that is another scheme or host, write it in --server: redirects are not followed",
        );
    }
    if status.is_server_error() {
        return Finding::warn("http", detail, "if the login fails as well, the server is not well");
    }
    Finding::ok("http", detail)
}

fn failed(error: &reqwest::Error, limit: Duration) -> Finding {
    // The innermost cause has the words.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let why = if error.is_timeout() {
        format!("no answer in {}", show(limit))
    } else {
        cause.to_string()
    };
    let advice = if why.starts_with("tunnel error") {
        "the proxy rejects the way to the server: check its rules, and the user and password in \
         its address"
    } else {
        "check that the port speaks HTTP, and proxies on the way"
    };
    Finding::fail("http", exit::UNAVAILABLE, format!("no HTTP answer: {why}"), advice)
}

/// How far this machine's clock is from the server's. A `Date` has whole seconds.
fn clock(date: Option<&str>, ours: SystemTime) -> Finding {
    let Some(date) = date.and_then(|text| httpdate::parse_http_date(text).ok()) else {
        return Finding::skip("clock", "the answer has no Date to compare with");
    };
    let (apart, word) = match ours.duration_since(date) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let seconds = Duration::from_secs(apart.as_secs());
    if seconds <= APART {
        return Finding::ok("clock", "this clock agrees with the server's within 30s");
    }
    Finding::warn(
        "clock",
        format!("this clock is {} {word} the server's", show(seconds)),
        "set the clock that is wrong; ends of tokens do not depend on it, but a Retry-After that \
         is a date does, and so do certificates",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_half_a_minute_apart_are_warned_of() {
        let date = "Sun, 22 Nov 2026 00:22:20 GMT";
        let theirs = httpdate::parse_http_date(date).expect("a date");
        let at = |finding: Finding| (finding.outcome.as_str(), finding.detail);
        for offset in [0, 1, 30] {
            assert_eq!(at(clock(Some(date), theirs + Duration::from_secs(offset))).0, "ok");
            assert_eq!(at(clock(Some(date), theirs - Duration::from_secs(offset))).0, "ok");
        }
        let (outcome, detail) = at(clock(Some(date), theirs + Duration::from_secs(3600)));
        assert_eq!((outcome, detail.as_str()), ("warn", "this clock is 1h ahead of the server's"));
        let (outcome, detail) = at(clock(Some(date), theirs - Duration::from_secs(90)));
        assert_eq!((outcome, detail.as_str()), ("warn", "this clock is 1m30s behind the server's"));
        assert_eq!(at(clock(None, theirs)).0, "skip");
        assert_eq!(at(clock(Some("soon"), theirs)).0, "skip");
    }

    #[test]
    fn any_answer_is_one_but_some_are_warned_of() {
        let of = |status, location| {
            let status = StatusCode::from_u16(status).expect("a status");
            http_finding(status, location, Duration::from_millis(3))
        };
        for status in [200, 401, 403, 404, 405] {
            assert_eq!(of(status, None).outcome.as_str(), "ok");
        }
        let redirect = of(302, Some("https://sso.example/login?state=canary#x"));
        assert!(redirect.detail.contains("https://sso.example/login"), "{redirect}");
        assert!(!redirect.to_string().contains("canary"));
        assert_eq!(of(503, None).outcome.as_str(), "warn");
        assert_eq!(of(407, None).outcome.as_str(), "fail");
    }
}
