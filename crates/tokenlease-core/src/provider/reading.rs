//! What all exchanges read alike: statuses, Retry-After, and the provider's words, made safe to print.

use std::time::Duration;

use ::http::{HeaderMap, Response, StatusCode, header};

use super::field::{self, Field, Unreadable};
use crate::{
    error::{Error, ErrorKind, Result},
    secret,
};

/// At most that many characters of a provider's text enter an error.
const QUOTED: usize = 300;

/// A response that is being read, and the secrets that must not be seen in what it says.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'r> {
    pub(crate) status: StatusCode,
    headers: &'r HeaderMap,
    body: &'r [u8],
    secrets: &'r [&'r str],
}

impl<'r> Reading<'r> {
    /// Reads a response of which no secrets are known.
    pub(crate) fn of(response: &'r Response<impl AsRef<[u8]>>) -> Self {
        Self {
            status: response.status(),
            headers: response.headers(),
            body: response.body().as_ref(),
            secrets: &[],
        }
    }

    /// Replaces these secrets wherever the provider's text is quoted.
    pub(crate) fn hiding(self, secrets: &'r [&'r str]) -> Self {
        Self { secrets, ..self }
    }

    /// The named fields of the body, which must be a JSON object.
    pub(crate) fn fields<const N: usize>(
        &self,
        names: [&'static str; N],
        same: fn(&str, &str) -> bool,
    ) -> Result<[Field<'r>; N]> {
        field::read(self.body, names, same).map_err(|Unreadable { field, why }| {
            let place = field.map(|name| format!("`{name}` in ")).unwrap_or_default();
            self.error(
                ErrorKind::InvalidResponse,
                format!("{place}{} can't be read as a JSON object: {why}", self.shape()),
            )
            .expected("a JSON object")
            .advice("look at the server address and at what stands between")
        })
    }

    /// An error about this response: it carries the status and the wait that was asked for.
    pub(crate) fn error(&self, kind: ErrorKind, detail: impl Into<String>) -> Error {
        let error = Error::new(kind, detail.into()).with_status(self.status.as_u16());
        match self.retry_after() {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    /// An error about a field: what was found, what was expected.
    pub(crate) fn bad_field(
        &self,
        name: &str,
        found: impl std::fmt::Display,
        expected: &'static str,
    ) -> Error {
        self.error(ErrorKind::InvalidResponse, format!("the answer's `{name}` is {found}"))
            .expected(expected)
            .advice("look at the server address and at the server's version")
    }

    /// The error that a status alone makes, where no code in the body says more. `unauthorized` is
    /// what 401 means to this call.
    pub(crate) fn by_status(&self, unauthorized: ErrorKind) -> Error {
        if self.status.is_redirection() {
            return self.redirect();
        }
        let (kind, advice) = self.kind_by_status(unauthorized);
        let reason = self.status.canonical_reason().unwrap_or("an unknown status");
        self.error(kind, format!("the server answered \"{reason}\" with {}", self.shape()))
            .advice(advice)
    }

    /// The kind of error that a status makes, and what to do about it.
    pub(crate) fn kind_by_status(&self, unauthorized: ErrorKind) -> (ErrorKind, &'static str) {
        match self.status.as_u16() {
            401 if unauthorized == ErrorKind::CredentialsRejected => {
                (unauthorized, "mend the credentials, then unblock")
            }
            401 => (unauthorized, "look at the server address and the credentials"),
            403 if unauthorized == ErrorKind::CredentialsRejected => (
                ErrorKind::Unavailable,
                "look at the credentials: some servers reject wrong ones so; else ask who runs the \
                 server or a firewall before it",
            ),
            403 => (ErrorKind::Unavailable, "ask who runs the server or a firewall before it"),
            404 | 405 | 410 => {
                (ErrorKind::Unavailable, "look at the server address and the configured paths")
            }
            407 => (ErrorKind::Unavailable, "look at the proxy and its credentials"),
            408 | 425 | 500..=599 => (ErrorKind::Unavailable, "try again later"),
            429 => (ErrorKind::Throttled, "wait, and ask less often"),
            400 | ..=399 => (ErrorKind::InvalidResponse, "look at the server address, and its log"),
            _ => (ErrorKind::Unavailable, "look at the server address, and its log"),
        }
    }

    /// The provider's text, fit for an error: without secrets, without control characters, cut.
    pub(crate) fn quote(&self, text: &str) -> String {
        // Secrets go first: a cut may leave half of one, which nobody would recognize.
        let text = secret::redact(text, self.secrets);
        let mut quoted = String::new();
        let mut room = QUOTED;
        for c in text.trim().chars() {
            let Some(left) = room.checked_sub(1) else {
                quoted.push('…');
                break;
            };
            room = left;
            // The marks that turn the direction of writing can make a text read as another.
            if c.is_control()
                || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                quoted.extend(c.escape_default());
            } else {
                quoted.push(c);
            }
        }
        quoted
    }

    /// The body's type and length: all that may be told of a body that could not be read.
    pub(crate) fn shape(&self) -> String {
        let length = self.body.len();
        if length == 0 {
            return "an empty body".to_owned();
        }
        match self.header(header::CONTENT_TYPE) {
            Some(name) => format!("{length} bytes of {}", self.quote(name)),
            None => format!("{length} bytes of no stated type"),
        }
    }

    /// Whether there is no body.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Whether there is neither a body nor a challenge to say more than the status.
    pub(crate) fn says_nothing_more(&self) -> bool {
        self.is_empty() && !self.headers.contains_key(header::WWW_AUTHENTICATE)
    }

    /// A header that is plain text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&'r str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn redirect(&self) -> Error {
        let target = self.header(header::LOCATION).unwrap_or_default();
        // A query may carry a token, and so may what stands before an `@`.
        let target = target.split(['?', '#']).next().unwrap_or_default();
        let target = match target.split_once("//") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = host.rsplit('@').next().unwrap_or_default();
                format!("{scheme}//{host}{path}")
            }
            None => target.to_owned(),
        };
        let to = match target.as_str() {
            "" => String::new(),
            target => format!(" to {}", self.quote(target)),
        };
        self.error(
            ErrorKind::InvalidResponse,
            format!("the server redirects{to}, and redirects are not followed"),
        )
        .expected("an answer from the address that was asked")
        .advice("set the server address and paths to those it redirects to, if you trust them")
    }

    /// The wait that `Retry-After` asks for (RFC 9110 section 10.2.3). A date counts from the same
    /// answer's `Date`: the caller's clock has no part in it.
    fn retry_after(&self) -> Option<Duration> {
        let text = self.header(header::RETRY_AFTER)?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let until = httpdate::parse_http_date(text).ok()?;
        let sent = httpdate::parse_http_date(self.header(header::DATE)?.trim()).ok()?;
        Some(until.duration_since(sent).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response<String> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(body.to_owned()).unwrap()
    }

    fn wait(headers: &[(&str, &str)]) -> Option<Duration> {
        let response = response(503, headers, "");
        Reading::of(&response).by_status(ErrorKind::Unavailable).retry_after()
    }

    #[test]
    fn retry_after_in_seconds_is_read() {
        let of = |text| wait(&[("retry-after", text)]);
        assert_eq!(of("120"), Some(Duration::from_secs(120)));
        assert_eq!(of(" 0 "), Some(Duration::ZERO));
        assert_eq!(of("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        for text in ["", "-1", "1.5", "soon", "+5", "5s"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn retry_after_as_a_date_counts_from_the_answers_own_date() {
        let date = ("date", "Sat, 21 Nov 2026 23:21:50 GMT");
        let of = |text| wait(&[date, ("retry-after", text)]);
        assert_eq!(of("Sat, 21 Nov 2026 23:23:20 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(of("Sat, 21 Nov 2026 23:21:49 GMT"), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after", "Sat, 21 Nov 2026 23:23:20 GMT")]), None);
        let bad = ("date", "yesterday");
        assert_eq!(wait(&[bad, ("retry-after", "Sat, 21 Nov 2026 23:23:20 GMT")]), None);
    }

    #[test]
    fn a_redirect_shows_where_to_but_no_query_and_no_user() {
        for (location, to) in [
            ("https://u:canary@b.example/x?token=canary#canary", " to https://b.example/x"),
            ("https://b.example/@x", " to https://b.example/@x"),
            ("/login?ReturnUrl=canary", " to /login"),
            ("//canary@b.example/", " to //b.example/"),
            ("?canary", ""),
        ] {
            let response = response(302, &[("location", location)], "");
            let error = Reading::of(&response).by_status(ErrorKind::Unavailable);
            let detail = format!("the server redirects{to}, and redirects are not followed");
            assert_eq!(error.detail(), detail);
        }
    }

    #[test]
    fn quoted_words_are_redacted_escaped_and_cut_in_this_order() {
        let response = response(400, &[], "");
        let secret = "s".repeat(20);
        let reading = Reading::of(&response);
        let secrets = [secret.as_str()];
        let hiding = reading.hiding(&secrets);
        let text = format!("{}{secret}", "x".repeat(QUOTED - 4));
        assert_eq!(hiding.quote(&text), format!("{}[red…", "x".repeat(QUOTED - 4)));
        assert_eq!(reading.quote(" a\n\u{1b}[31m\u{202e}é "), "a\\n\\u{1b}[31m\\u{202e}é");
        assert_eq!(reading.quote(&"é".repeat(QUOTED)), "é".repeat(QUOTED));
        assert_eq!(reading.quote(&"é".repeat(QUOTED + 1)), format!("{}…", "é".repeat(QUOTED)));
    }

    #[test]
    fn of_a_body_that_could_not_be_read_only_type_and_length_are_told() {
        let response = response(200, &[("content-type", "text/html")], "<html>canary</html>");
        let error = Reading::of(&response).fields(["a"], str::eq).err().unwrap();
        assert_eq!(
            error.to_string(),
            "provider invalid_response: 19 bytes of text/html can't be read as a JSON object: expected \
             value at line 1 column 1 (HTTP 200); expected a JSON object; look at the server \
             address and at what stands between"
        );
    }
}
