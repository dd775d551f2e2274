//! The error type: a kind for programs, and a text for people.

mod text;

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use self::text::Text;
use crate::time::WallTime;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: what happened, what was expected, and what to do.
///
/// It is one machine word wide and cheap to clone, because all callers of a flight share one error.
///
/// ```
/// use tokenlease_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Config, "the server address has no scheme")
///     .expected("http:// or https://")
///     .advice("write https://air.winkas.net");
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert!(!error.is_retryable());
/// assert_eq!(
///     error.to_string(),
///     "bad configuration: the server address has no scheme; expected http:// or https://; \
///      write https://air.winkas.net",
/// );
/// ```
#[derive(Clone)]
pub struct Error(Arc<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    detail: Text,
    expected: Option<Text>,
    advice: Option<Text>,
    status: Option<u16>,
    code: Option<Text>,
    retry_after: Option<Duration>,
    until: Option<WallTime>,
    is_lasting: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of that kind. `detail` says what happened and must not contain a secret. Of a text
    /// of more than 4 KiB, an error keeps the start and the end.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Repr {
            kind,
            detail: Text::new(detail),
            expected: None,
            advice: None,
            status: None,
            code: None,
            retry_after: None,
            until: None,
            is_lasting: false,
            source: None,
        }))
    }

    /// Adds what was expected instead.
    #[must_use]
    pub fn expected(self, expected: impl Into<Cow<'static, str>>) -> Self {
        self.with(|repr| repr.expected = Some(Text::new(expected)))
    }

    /// Adds what the reader should do.
    #[must_use]
    pub fn advice(self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.with(|repr| repr.advice = Some(Text::new(advice)))
    }

    /// Adds the HTTP status of the response.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        self.with(|repr| repr.status = Some(status))
    }

    /// Adds the server's error code: `error` (RFC 6749 section 5.2) or `WinkasErrorCode`.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        self.with(|repr| repr.code = Some(Text::new(code.into())))
    }

    /// Adds the server's `Retry-After` (RFC 9110 section 10.2.3).
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with(|repr| repr.retry_after = Some(wait))
    }

    /// Adds the moment before which a retry can't succeed.
    #[must_use]
    pub(crate) fn with_until(self, until: WallTime) -> Self {
        self.with(|repr| repr.until = Some(until))
    }

    /// Marks an error whose cause lasts until somebody corrects it, although other errors of its kind
    /// pass: the certificate of another host, or a password file that is missing, for example. It is not
    /// [retryable](Self::is_retryable), and no caller waits for another attempt.
    #[must_use]
    pub fn lasting(self) -> Self {
        self.with(|repr| repr.is_lasting = true)
    }

    /// Says where it happened, or what it was about, before what happened.
    #[must_use]
    pub(crate) fn within(self, place: impl fmt::Display) -> Self {
        self.with(|repr| repr.detail = repr.detail.within(place))
    }

    /// Adds the cause of this error.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.with(|repr| repr.source = Some(Arc::new(source)))
    }

    /// Redacts the `secrets` in the server's texts that this error quotes, so that it can be
    /// printed.
    ///
    /// It finds them also in the encodings in which a server may echo them.
    #[must_use]
    pub fn redact(self, secrets: &[&str]) -> Self {
        self.with(|repr| {
            repr.detail = repr.detail.redact(secrets);
            repr.code = repr.code.as_ref().map(|code| code.redact(secrets));
        })
    }

    /// Returns the error's kind, which tells a program what to do next.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns what happened, without what was expected and what to do.
    pub fn detail(&self) -> &str {
        self.0.detail.as_str()
    }

    /// Returns what was expected instead.
    pub(crate) fn expected_text(&self) -> Option<&str> {
        self.0.expected.as_ref().map(Text::as_str)
    }

    /// Returns what the reader should do.
    pub(crate) fn advice_text(&self) -> Option<&str> {
        self.0.advice.as_ref().map(Text::as_str)
    }

    /// Returns the HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns the server's error code, if the response had one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_ref().map(Text::as_str)
    }

    /// Returns the server's `Retry-After`, if the response had one.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the moment before which a retry can't succeed, if it is known.
    ///
    /// A circuit or a backoff ends then. It is wall time for display, computed when the error was
    /// made.
    pub fn until(&self) -> Option<WallTime> {
        self.0.until
    }

    /// Returns whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        !self.0.is_lasting
            && matches!(
                self.kind(),
                ErrorKind::Throttled
                    | ErrorKind::Unavailable
                    | ErrorKind::InvalidResponse
                    | ErrorKind::Transport
                    | ErrorKind::DeadlineExceeded
                    | ErrorKind::Store
            )
    }

    /// Returns whether the error is marked by [`lasting`](Self::lasting).
    pub(crate) fn is_lasting(&self) -> bool {
        self.0.is_lasting
    }

    fn with(mut self, change: impl FnOnce(&mut Repr)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repr = &*self.0;
        write!(f, "{}: {}", repr.kind, repr.detail)?;
        if let Some(status) = repr.status {
            write!(f, " (HTTP {status}")?;
            match &repr.code {
                Some(code) => write!(f, ", code {code})")?,
                None => write!(f, ")")?,
            }
        } else if let Some(code) = &repr.code {
            write!(f, " (code {code})")?;
        }
        if let Some(expected) = &repr.expected {
            write!(f, "; expected {expected}")?;
        }
        if let Some(until) = repr.until {
            write!(f, "; until {until}")?;
        }
        if let Some(advice) = &repr.advice {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// The kinds of error. Each means another next step for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option, an address or a scope is wrong: correct the configuration.
    Config,
    /// The server rejected the user, password, contract or client: correct the credentials, then call
    /// `unblock`.
    CredentialsRejected,
    /// The server does not accept the token, or there is no token to refetch, or the next login that
    /// a rejected token causes must wait until `until`.
    TokenRejected,
    /// The server, or a limit that protects the account, demands a wait: retry after `until`.
    Throttled,
    /// The server can't process the call now: retry later.
    Unavailable,
    /// The response is not one of the protocol: check the server's address and version.
    InvalidResponse,
    /// There was no response: check network, proxy and TLS.
    Transport,
    /// The caller's deadline passed.
    DeadlineExceeded,
    /// The store failed: check its address, permissions and key.
    Store,
    /// The provider, or the configuration, does not have this call.
    Unsupported,
    /// The process was forked after the client was made: make a new client in the child.
    Forked,
    /// A bug in tokenlease: please report it.
    Internal,
    /// The server accepted the revocation of a token, and calls it active afterwards: use the client that
    /// received the token.
    NotRevoked,
    /// The program ended the wait, by `interrupt` on another thread: call again to wait again.
    Interrupted,
}

impl ErrorKind {
    /// All kinds, so that tests can check that tables of kinds are complete.
    pub const ALL: [Self; 14] = [
        Self::Config,
        Self::CredentialsRejected,
        Self::TokenRejected,
        Self::Throttled,
        Self::Unavailable,
        Self::InvalidResponse,
        Self::Transport,
        Self::DeadlineExceeded,
        Self::Store,
        Self::Unsupported,
        Self::Forked,
        Self::Internal,
        Self::NotRevoked,
        Self::Interrupted,
    ];

    /// Returns the kind's name in snake case, the same in all languages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::CredentialsRejected => "credentials_rejected",
            Self::TokenRejected => "token_rejected",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::InvalidResponse => "invalid_response",
            Self::Transport => "transport",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Store => "store",
            Self::Unsupported => "unsupported",
            Self::Forked => "forked",
            Self::Internal => "internal",
            Self::NotRevoked => "not_revoked",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "bad configuration",
            Self::CredentialsRejected => "credentials rejected",
            Self::TokenRejected => "token rejected",
            Self::Throttled => "throttled",
            Self::Unavailable => "provider unavailable",
            Self::InvalidResponse => "invalid response",
            Self::Transport => "transport",
            Self::DeadlineExceeded => "deadline exceeded",
            Self::Store => "store",
            Self::Unsupported => "unsupported",
            Self::Forked => "forked",
            Self::Internal => "internal error",
            Self::NotRevoked => "not revoked",
            Self::Interrupted => "interrupted",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_happened_what_was_expected_and_what_to_do() {
        let error = Error::new(ErrorKind::Config, "the server address \"x\" has no scheme")
            .expected("http:// or https://")
            .advice("write https://x");
        assert_eq!(
            error.to_string(),
            "bad configuration: the server address \"x\" has no scheme; expected http:// or \
             https://; write https://x"
        );
    }

    #[test]
    fn an_error_is_one_machine_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    /// Rule: Secrets: an error redacts the secrets that a server echoes.
    #[test]
    fn a_secret_in_a_quoted_text_is_redacted() {
        let error = Error::new(ErrorKind::InvalidResponse, "no such user: p|w d / p%7Cw+d")
            .redact(&["p|w d"]);
        assert_eq!(error.detail(), "no such user: [redacted] / [redacted]");
    }

    #[test]
    fn every_kind_has_its_own_name() {
        let names: std::collections::BTreeSet<_> =
            ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), ErrorKind::ALL.len());
    }
}
