//! One request without credentials, and the difference of the clocks.

use std::time::{Duration, SystemTime};

use http::{StatusCode, header};

use tokenlease::bindings;

use super::{Finding, network::Route, tls::Trust};
use tokenlease_config::duration::show;

use crate::{exit, settings::Settings};

/// A larger difference of the clocks is a warning.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(30);

/// Sends a GET request to the base URL, without credentials.
pub(super) async fn check(settings: &Settings, trust: &Trust, route: &Route) -> Vec<Finding> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(trust.config())
        .user_agent(concat!("tokenlease/", env!("CARGO_PKG_VERSION")))
        .timeout(settings.timeout())
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    let builder = match route.proxy_url().map(reqwest::Proxy::all) {
        Some(Ok(proxy)) => builder.proxy(proxy),
        _ if route.is_proxied() => builder,
        _ => builder.no_proxy(),
    };
    let begun = SystemTime::now();
    let answer = match builder.build() {
        Ok(client) => client.get(settings.identity.server()).send().await,
        Err(error) => Err(error),
    };
    let took = begun.elapsed().unwrap_or_default();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let finding = failed(&error.without_url(), settings.timeout());
            return vec![rejected_by_the_proxy(settings, route).await.unwrap_or(finding)];
        }
    };
    let (status, headers) = (answer.status(), answer.headers());
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let server = settings.identity.server();
    let mut findings = vec![http_finding(server, status, text(header::LOCATION), took)];
    if route.is_proxied()
        && let Some((detail, is_warning)) = trust.certificate_expiry()
    {
        findings.push(if is_warning {
            Finding::warn("tls", detail, "renew the server's certificate")
        } else {
            Finding::ok("tls", detail)
        });
    }
    findings.push(clock(text(header::DATE), begun + took / 2));
    findings
}

fn http_finding(
    server: &str,
    status: StatusCode,
    location: Option<&str>,
    took: Duration,
) -> Finding {
    let detail = format!("the base URL answers {} ({})", status.as_u16(), show(took));
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Finding::fail(
            "http",
            exit::UNAVAILABLE,
            "the proxy requires a user and a password (407)",
            "set --proxy to http://USER@PROXY:PORT, and --proxy-password-file",
        );
    }
    // RFC 6585 section 6.
    if status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED {
        return Finding::fail(
            "http",
            exit::UNAVAILABLE,
            "a captive portal answers in place of the server (511)",
            "log in to this network in a browser",
        );
    }
    if status.is_redirection() {
        // The query may contain secrets, so only the host and path are printed.
        let to = location.map(|to| to.split(['?', '#']).next().unwrap_or_default());
        if let Some(host) = location.and_then(|to| other_host(server, to)) {
            return Finding::warn(
                "http",
                format!(
                    "{detail}, a redirect to another host, {host}: a login page or a captive portal \
                     answers in place of the server"
                ),
                "if it belongs to this network, log in to it in a browser; if it is the server's, set \
                 --server to the address of its API",
            );
        }
        return Finding::warn(
            "http",
            format!("{detail}, a redirect to {}", to.unwrap_or("nowhere")),
            "redirects are not followed: if the scheme or host differs, set it by --server",
        );
    }
    if status.is_server_error() {
        return Finding::warn(
            "http",
            detail,
            "if the login fails as well, the server has a fault: check its logs",
        );
    }
    Finding::ok("http", detail)
}

fn failed(error: &reqwest::Error, limit: Duration) -> Finding {
    // The innermost cause has the most specific message.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let why = if error.is_timeout() {
        format!("no response within {}", show(limit))
    } else {
        cause.to_string()
    };
    let advice = if why.starts_with("tunnel error") {
        "the proxy rejected the connection to the server: check its rules, and the user and \
         password in HTTPS_PROXY"
    } else {
        "check that the port in --server is an HTTP port, and check proxies on the network path"
    };
    Finding::fail("http", exit::UNAVAILABLE, format!("no HTTP response: {why}"), advice)
}

/// Returns the host of a redirect's target if it is not the server's.
fn other_host(server: &str, location: &str) -> Option<String> {
    let server = reqwest::Url::parse(server).ok()?;
    let target = server.join(location).ok()?;
    let host = target.host_str()?;
    (Some(host) != server.host_str()).then(|| host.to_owned())
}

/// Asks the proxy for the status with which it rejects a connection to the server.
async fn rejected_by_the_proxy(settings: &Settings, route: &Route) -> Option<Finding> {
    let (proxy, uri) = (route.proxy_url()?, settings.identity.server().parse().ok()?);
    let asked = bindings::proxy_status(&proxy, &uri);
    let status = tokio::time::timeout(settings.timeout(), asked).await.ok().flatten()?;
    if !route.is_tls() || status.is_success() {
        return None;
    }
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Some(http_finding(settings.identity.server(), status, None, Duration::ZERO));
    }
    let place = route.proxy_place().unwrap_or_default();
    Some(Finding::fail(
        "http",
        exit::UNAVAILABLE,
        format!("the proxy {place} did not connect to the server: it answered {status}"),
        "check the rules of the proxy, and whether it can reach the server",
    ))
}

/// Compares this machine's clock with the server's. A `Date` header has whole seconds.
fn clock(date: Option<&str>, ours: SystemTime) -> Finding {
    let Some(date) = date.and_then(|text| httpdate::parse_http_date(text).ok()) else {
        return Finding::skip("clock", "the response has no Date header to compare with");
    };
    let (apart, word) = match ours.duration_since(date) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let seconds = Duration::from_secs(apart.as_secs());
    if seconds <= MAX_CLOCK_DIFFERENCE {
        return Finding::ok("clock", "this machine's clock is within 30s of the server's");
    }
    Finding::warn(
        "clock",
        format!("this machine's clock is {} {word} the server's", show(seconds)),
        "set the wrong clock: the expiry of tokens does not depend on it, but certificates and \
         Retry-After dates do",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_difference_of_more_than_30_seconds_is_a_warning() {
        let date = "Sun, 22 Nov 2026 00:22:20 GMT";
        let theirs = httpdate::parse_http_date(date).expect("a date");
        let at = |finding: Finding| (finding.outcome.as_str(), finding.detail);
        for offset in [0, 1, 30] {
            assert_eq!(at(clock(Some(date), theirs + Duration::from_secs(offset))).0, "ok");
            assert_eq!(at(clock(Some(date), theirs - Duration::from_secs(offset))).0, "ok");
        }
        let (outcome, detail) = at(clock(Some(date), theirs + Duration::from_secs(3600)));
        assert_eq!(
            (outcome, detail.as_str()),
            ("warn", "this machine's clock is 1h ahead of the server's")
        );
        let (outcome, detail) = at(clock(Some(date), theirs - Duration::from_secs(90)));
        assert_eq!(
            (outcome, detail.as_str()),
            ("warn", "this machine's clock is 1m30s behind the server's")
        );
        assert_eq!(at(clock(None, theirs)).0, "skip");
        assert_eq!(at(clock(Some("soon"), theirs)).0, "skip");
    }

    /// Rule: Proxies: in `doctor`, a redirect to another host, a captive portal and a proxy's 407 each have their own
    /// sentence.
    #[test]
    fn redirects_and_server_errors_are_warnings_and_407_and_511_are_failures() {
        let of = |status, location| {
            let status = StatusCode::from_u16(status).expect("a status");
            http_finding("https://wyn.example/portal", status, location, Duration::from_millis(3))
        };
        for status in [200, 401, 403, 404, 405] {
            assert_eq!(of(status, None).outcome.as_str(), "ok");
        }
        let redirect = of(302, Some("/login?state=canary#x"));
        assert!(redirect.detail.contains("a redirect to /login"), "{redirect}");
        assert!(!redirect.to_string().contains("canary"));
        for elsewhere in ["https://u:canary@sso.example/login?state=canary#x", "//sso.example"] {
            let redirect = of(302, Some(elsewhere));
            let words = "another host, sso.example: a login page or a captive portal";
            assert!(redirect.detail.contains(words), "{redirect}");
            assert!(!redirect.to_string().contains("canary"));
        }
        assert_eq!(of(503, None).outcome.as_str(), "warn");
        assert_eq!(of(511, None).outcome.as_str(), "fail");
        assert_eq!(of(407, None).outcome.as_str(), "fail");
    }
}
