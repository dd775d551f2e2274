//! The parts of a response that all exchanges read alike: status, Retry-After, and quoted texts.

use std::time::Duration;

use ::http::{HeaderMap, Response, StatusCode, header};
use zeroize::Zeroizing;

use super::{
    challenge,
    field::{self, Field, Unreadable},
    text::{self, Text},
};
use crate::{
    error::{Error, ErrorKind, Result},
    redact,
};

/// The maximum number of characters of a server's text that an error quotes.
const QUOTED: usize = 300;
/// So many bytes of a text are redacted to quote it: redaction takes a second for a megabyte.
const READ_FOR_QUOTE: usize = 16 * 1024;

/// A response that is being read, and the secrets to redact in its texts.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'r> {
    pub(crate) status: StatusCode,
    headers: &'r HeaderMap,
    body: &'r [u8],
    secrets: &'r [&'r str],
}

impl<'r> Reading<'r> {
    /// Reads a response without secrets to redact.
    pub(crate) fn of(response: &'r Response<impl AsRef<[u8]>>) -> Self {
        Self {
            status: response.status(),
            headers: response.headers(),
            body: response.body().as_ref(),
            secrets: &[],
        }
    }

    /// Redacts these secrets wherever the response is quoted.
    pub(crate) fn hiding(self, secrets: &'r [&'r str]) -> Self {
        Self { secrets, ..self }
    }

    /// Returns the named fields of the body, which must be a JSON object.
    pub(crate) fn fields<const N: usize>(
        &self,
        names: [&'static str; N],
        same: fn(&str, &str) -> bool,
    ) -> Result<[Field<'r>; N]> {
        self.read(names, same).map_err(|Unreadable { field, why }| {
            if self.is_page() {
                let detail =
                    format!("the answer is a web page, not a JSON object: {}", self.shape());
                return self
                    .error(ErrorKind::InvalidResponse, detail)
                    .expected("a JSON object")
                    .advice(
                        "log in to the network in a browser if it has a login page, or correct the \
                         server address and its paths",
                    );
            }
            let place = field.map(|name| format!("`{name}` in ")).unwrap_or_default();
            self.error(
                ErrorKind::InvalidResponse,
                format!("{place}{} can't be read as a JSON object: {why}", self.shape()),
            )
            .expected("a JSON object")
            .advice("check the server address, and proxies on the way to it")
        })
    }

    fn read<const N: usize>(
        &self,
        names: [&'static str; N],
        same: fn(&str, &str) -> bool,
    ) -> std::result::Result<[Field<'r>; N], Unreadable> {
        match self.text() {
            Text::Borrowed(text) => field::read(text, names, same),
            Text::Decoded(text) => field::read(&text, names, same)
                .map(|fields| fields.map(Field::into_owned))
                .or_else(|error| {
                    let text = text::without_second_bytes(&text);
                    let fields = field::read(&text, names, same).map_err(|_| error)?;
                    Ok(fields.map(Field::into_owned))
                }),
        }
    }

    fn text(&self) -> Text<'r> {
        Text::of(self.body, self.header(header::CONTENT_TYPE).and_then(text::charset))
    }

    /// Returns the text of the first bytes of the body.
    pub(crate) fn start_of_text(&self, bytes: usize) -> Zeroizing<String> {
        let start = Self { body: self.body.get(..bytes).unwrap_or(self.body), ..*self };
        match start.text() {
            Text::Borrowed(text) => Zeroizing::new(text.to_owned()),
            Text::Decoded(text) => text,
        }
    }

    /// Makes an error about this response, with its status and its Retry-After.
    pub(crate) fn error(&self, kind: ErrorKind, detail: impl Into<String>) -> Error {
        let error = Error::new(kind, detail.into()).with_status(self.status.as_u16());
        match self.retry_after() {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    /// Makes an error about a field.
    pub(crate) fn bad_field(
        &self,
        name: &str,
        found: impl std::fmt::Display,
        expected: &'static str,
    ) -> Error {
        self.error(ErrorKind::InvalidResponse, format!("the response's `{name}` is {found}"))
            .expected(expected)
            .advice("check the server address and the server's version")
    }

    /// Makes the error of a response whose body has no error code. `unauthorized` is the kind of a 401
    /// for this call.
    pub(crate) fn by_status(&self, unauthorized: ErrorKind) -> Error {
        if self.status.is_redirection() {
            return self.redirect();
        }
        let (kind, advice) = self.kind_by_status(unauthorized);
        let detail = if let Some(words) = self.words() {
            format!("the server said {words}")
        } else {
            let (status, reason) = (self.status.as_u16(), self.status.canonical_reason());
            let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
            format!("the server answered {status}{reason} with {}", self.shape())
        };
        self.error(kind, detail).advice(advice)
    }

    /// Returns the kind of error of a status, and the advice.
    pub(crate) fn kind_by_status(&self, unauthorized: ErrorKind) -> (ErrorKind, &'static str) {
        match self.status.as_u16() {
            401 if unauthorized == ErrorKind::CredentialsRejected => {
                (unauthorized, "correct the credentials, then call `unblock`")
            }
            401 => (unauthorized, "check the server address and the credentials"),
            403 if unauthorized == ErrorKind::CredentialsRejected => (
                ErrorKind::Unavailable,
                "check the credentials, because some servers answer 403 to wrong ones; then ask the \
                 administrator of the server or its firewall",
            ),
            403 => (ErrorKind::Unavailable, "ask the administrator of the server or its firewall"),
            404 | 405 | 410 => {
                (ErrorKind::Unavailable, "check the server address and the configured paths")
            }
            407 => (ErrorKind::Unavailable, "check the proxy and its credentials"),
            408 | 425 | 500..=599 => (ErrorKind::Unavailable, "retry later"),
            429 => (ErrorKind::Throttled, "wait before the next call, and call less often"),
            400 | ..=399 => {
                (ErrorKind::InvalidResponse, "check the server address and the server's log")
            }
            _ => (ErrorKind::Unavailable, "check the server address and the server's log"),
        }
    }

    /// Returns a server's text for an error: redacted, without control characters, and cut.
    pub(crate) fn quote(&self, text: &str) -> String {
        // Redaction comes first, because a cut could leave a part of a secret that is not recognized.
        let text = self.redacted(text);
        let mut quoted = String::new();
        let mut room = QUOTED;
        for c in text.trim().chars() {
            let Some(left) = room.checked_sub(1) else {
                quoted.push('…');
                break;
            };
            room = left;
            // Marks of the writing direction can make a text look like another.
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

    fn redacted(&self, text: &str) -> String {
        let redacted = redact::redact_start(text, self.secrets, READ_FOR_QUOTE);
        if redacted.is_ascii() {
            return redacted;
        }
        // A secret beyond ASCII does not look the same where the encoding was unknown.
        let beyond = self.secrets.iter().filter(|secret| !secret.is_ascii());
        let secrets: Vec<_> = beyond.map(|secret| text::blurred(secret)).collect();
        let blurred = text::blurred(&redacted);
        if secrets.iter().any(|secret| blurred.contains(secret.as_str())) {
            let secrets: Vec<_> = secrets.iter().map(|secret| secret.as_str()).collect();
            return redact::redact(&blurred, &secrets);
        }
        redacted
    }

    /// Returns the body's type and length, and the title of a page: the only facts about an unreadable
    /// body that an error shows.
    pub(crate) fn shape(&self) -> String {
        let length = self.body.len();
        if length == 0 {
            return "an empty body".to_owned();
        }
        let kind = match self.header(header::CONTENT_TYPE) {
            Some(name) => self.quote(name),
            None => "no stated type".to_owned(),
        };
        let title = self.page_title().map(|title| format!(", a page titled {title}"));
        format!("{length} bytes of {kind}{}", title.unwrap_or_default())
    }

    /// Returns whether the body is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Returns whether there is neither a body nor a challenge beside the status.
    pub(crate) fn says_nothing_more(&self) -> bool {
        self.is_empty() && !self.headers.contains_key(header::WWW_AUTHENTICATE)
    }

    /// Returns whether a Bearer challenge states this error.
    pub(crate) fn bearer_error_is(&self, code: &str) -> bool {
        challenge::bearer_error_is(self.headers, code)
    }

    /// Returns whether the response asks for a token instead of a client's credentials.
    pub(crate) fn asks_for_a_token(&self) -> bool {
        challenge::asks_for_a_token(self.headers)
    }

    /// Returns a header, if it is plain text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&'r str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn redirect(&self) -> Error {
        let target = self.header(header::LOCATION).unwrap_or_default();
        // A query and the part before an `@` may contain a token.
        let target = target.split(['?', '#']).next().unwrap_or_default();
        let target = match target.split_once("//") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = host.rsplit('@').next().unwrap_or_default();
                format!("{scheme}//{host}{}", without_parameters(path))
            }
            None => without_parameters(target),
        };
        let to = match target.as_str() {
            "" => String::new(),
            target => format!(" to {}", self.quote(target)),
        };
        self.error(
            ErrorKind::InvalidResponse,
            format!("the server redirects{to}, and redirects are not followed"),
        )
        .expected("a response from the configured address")
        .advice("if you trust the target, set the server address and the paths to it")
    }

    /// Returns the wait of `Retry-After` (RFC 9110 section 10.2.3).
    ///
    /// A date counts from the `Date` of the same response, so that the caller's clock does not matter.
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

/// Removes the parameters of a path's segments, such as `;jsessionid`, which may contain a session.
fn without_parameters(path: &str) -> String {
    let segments: Vec<_> =
        path.split('/').map(|part| part.split(';').next().unwrap_or_default()).collect();
    segments.join("/")
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

    /// Rule: Clocks: a Retry-After date counts from the Date of the same response, not from the local
    /// clock.
    #[test]
    fn retry_after_as_a_date_counts_from_the_date_of_the_response() {
        let date = ("date", "Sat, 21 Nov 2026 23:21:50 GMT");
        let of = |text| wait(&[date, ("retry-after", text)]);
        assert_eq!(of("Sat, 21 Nov 2026 23:23:20 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(of("Sat, 21 Nov 2026 23:21:49 GMT"), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after", "Sat, 21 Nov 2026 23:23:20 GMT")]), None);
        let bad = ("date", "yesterday");
        assert_eq!(wait(&[bad, ("retry-after", "Sat, 21 Nov 2026 23:23:20 GMT")]), None);
    }

    /// Rule: Secrets: an error about a redirect shows its target without query, fragment, user
    /// and session id.
    #[test]
    fn an_error_about_a_redirect_shows_its_target_without_query_and_user() {
        for (location, to) in [
            ("https://u:canary@b.example/x?token=canary#canary", " to https://b.example/x"),
            ("https://b.example/@x", " to https://b.example/@x"),
            ("/login?ReturnUrl=canary", " to /login"),
            ("//canary@b.example/", " to //b.example/"),
            ("?canary", ""),
            ("/login;jsessionid=canary/x;a=canary?q", " to /login/x"),
            ("https://b.example/login;jsessionid=canary", " to https://b.example/login"),
        ] {
            let response = response(302, &[("location", location)], "");
            let error = Reading::of(&response).by_status(ErrorKind::Unavailable);
            let detail = format!("the server redirects{to}, and redirects are not followed");
            assert_eq!(error.detail(), detail);
        }
    }

    /// Rule: Secrets: a quoted text is redacted before it is cut.
    #[test]
    fn a_quoted_text_is_redacted_then_escaped_and_cut() {
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

    /// Rule: Secrets: an error about an unreadable body shows only its type and length.
    #[test]
    fn an_error_about_an_unreadable_body_shows_only_its_type_and_length() {
        let response = response(200, &[("content-type", "text/plain")], "[canary");
        let error = Reading::of(&response).fields(["a"], str::eq).err().unwrap();
        assert_eq!(
            error.to_string(),
            "invalid response: 7 bytes of text/plain can't be read as a JSON object: expected value at \
             line 1 column 2 (HTTP 200); expected a JSON object; check the server address, and \
             proxies on the way to it"
        );
    }
}
