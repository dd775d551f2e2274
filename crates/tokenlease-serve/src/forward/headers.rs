//! The headers that a proxy passes on, and those that it does not.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST,
        PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const REFERENCE_TOKEN: HeaderName = HeaderName::from_static("reference-token");

/// The headers of one connection (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The headers that a consumer's request must not bring to the upstream: its own credentials, a session
/// of another identity, and those that the HTTP client sets. An answer is not compressed, so that the
/// token can be found in it.
const OF_CONSUMER: [HeaderName; 7] =
    [AUTHORIZATION, REFERENCE_TOKEN, COOKIE, HOST, CONTENT_LENGTH, EXPECT, ACCEPT_ENCODING];

/// The headers that an answer must not bring to the consumer: a session cookie is worth as much as the token.
const OF_UPSTREAM: [HeaderName; 2] = [SET_COOKIE, REFERENCE_TOKEN];

/// Returns the headers of a request for the upstream.
pub(super) fn of_request(headers: HeaderMap) -> HeaderMap {
    without(headers, &OF_CONSUMER)
}

/// Returns the headers of an answer for the consumer.
pub(super) fn of_answer(headers: HeaderMap) -> HeaderMap {
    without(headers, &OF_UPSTREAM)
}

fn without(mut headers: HeaderMap, others: &[HeaderName]) -> HeaderMap {
    let of_connection: Vec<_> = headers.get_all(CONNECTION).iter().cloned().collect();
    for value in of_connection {
        for name in value.to_str().unwrap_or_default().split(',') {
            headers.remove(name.trim());
        }
    }
    // A request has fewer headers than there are names to remove.
    let is_removed = |name: &&HeaderName| HOP_BY_HOP.contains(name) || others.contains(name);
    let removed: Vec<_> = headers.keys().filter(is_removed).cloned().collect();
    for name in removed {
        headers.remove(name);
    }
    headers
}

/// Removes the values in which a token is found.
pub(super) fn mask(headers: &mut HeaderMap, contains: impl Fn(&[u8]) -> bool) {
    for value in headers.values_mut() {
        if contains(value.as_bytes()) {
            *value = HeaderValue::from_static("[redacted]");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    /// Rule: Secrets: the proxy of `serve` passes on no credentials of the consumer, no cookie, and no header of one
    /// connection.
    #[test]
    fn credentials_cookies_and_headers_of_a_connection_are_removed() {
        let all = headers(&[
            ("authorization", "Basic x"),
            ("cookie", "a=1"),
            ("reference-token", "x"),
            ("host", "127.0.0.1"),
            ("connection", "close, X-Of-Hop"),
            ("x-of-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic x"),
            ("accept-encoding", "gzip"),
            ("content-type", "application/json"),
            ("x-other", "1"),
        ]);
        let rest = of_request(all);
        assert_eq!(rest, headers(&[("content-type", "application/json"), ("x-other", "1")]));
        let answer = headers(&[("set-cookie", "a=1"), ("keep-alive", "1"), ("etag", "x")]);
        assert_eq!(of_answer(answer), headers(&[("etag", "x")]));
    }
}
