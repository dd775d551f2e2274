//! Errors: a kind, chosen by what the caller does next, and the words for people.

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use crate::time::WallTime;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, what was expected, and what to do. One word wide and cheap to clone: a
/// thousand callers of one flight share one error.
#[derive(Clone)]
pub struct Error(Arc<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    detail: Cow<'static, str>,
    expected: Option<Cow<'static, str>>,
    advice: Option<Cow<'static, str>>,
    status: Option<u16>,
    code: Option<String>,
    retry_after: Option<Duration>,
    until: Option<WallTime>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of that kind; `detail` says what was wrong and names no secret.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Repr {
            kind,
            detail: detail.into(),
            expected: None,
            advice: None,
            status: None,
            code: None,
            retry_after: None,
            until: None,
            source: None,
        }))
    }

    /// Adds what was expected instead.
    #[must_use]
    pub fn expected(self, expected: impl Into<Cow<'static, str>>) -> Self {
        self.with(|repr| repr.expected = Some(expected.into()))
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn advice(self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.with(|repr| repr.advice = Some(advice.into()))
    }

    /// Adds the HTTP status of the answer that was read.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        self.with(|repr| repr.status = Some(status))
    }

    /// Adds the provider's own error code: RFC 6749 `error`, or WinKAS' `WinkasErrorCode`.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        self.with(|repr| repr.code = Some(code.into()))
    }

    /// Adds the wait that the provider asked for by `Retry-After` (RFC 9110 section 10.2.3).
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with(|repr| repr.retry_after = Some(wait))
    }

    /// Adds the moment until which asking again is pointless.
    #[must_use]
    pub fn with_until(self, until: WallTime) -> Self {
        self.with(|repr| repr.until = Some(until))
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.with(|repr| repr.source = Some(Arc::new(source)))
    }

    /// Replaces each of the `secrets` in the provider's words that this error quotes, in the forms
    /// in which a server may echo them, so that the error can be printed.
    #[must_use]
    pub fn redact(self, secrets: &[&str]) -> Self {
        self.with(|repr| {
            repr.detail = crate::secret::redact(&repr.detail, secrets).into();
            repr.code = repr.code.as_deref().map(|code| crate::secret::redact(code, secrets));
        })
    }

    /// What the caller does next depends on this.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was wrong, without what was expected and what to do.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The HTTP status of the answer, if one was read.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The provider's error code, if it gave one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The wait that the provider asked for, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The moment before which the answer will not change, if that is known. A circuit or hold
    /// ends then; it is a wall clock's time for people, computed when the error was made.
    pub fn until(&self) -> Option<WallTime> {
        self.0.until
    }

    /// Whether the same call may succeed later without anything being changed.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Throttled
                | ErrorKind::Unavailable
                | ErrorKind::InvalidResponse
                | ErrorKind::Transport
                | ErrorKind::DeadlineExceeded
                | ErrorKind::Store
        )
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

/// The kinds of error, each another next step for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option, an address or a scope is wrong: mend the configuration.
    Config,
    /// The provider rejected user, password, contract or client: mend the credentials, then `unblock`.
    CredentialsRejected,
    /// The provider says no to the token itself, or rejections of it are being spaced.
    TokenRejected,
    /// The provider, or a limit that protects the account, asks to wait: come back after `until`.
    Throttled,
    /// The provider can't answer now: try later.
    Unavailable,
    /// The provider's answer could not be understood: look at the address and the version.
    InvalidResponse,
    /// No answer came: look at network, proxy and TLS.
    Transport,
    /// The caller's own deadline passed.
    DeadlineExceeded,
    /// The store of shared leases failed: look at its address, rights and key.
    Store,
    /// This provider, or this configuration, has no such call.
    Unsupported,
    /// The process was forked after the client was made: make a new one in the child.
    Forked,
    /// A fault of tokenlease: please report it.
    Internal,
}

impl ErrorKind {
    /// All kinds, so that tables that translate them can be tested for completeness.
    pub const ALL: [Self; 12] = [
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
    ];

    /// The kind's name in snake case, the same in every language.
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
            Self::InvalidResponse => "provider invalid_response",
            Self::Transport => "transport",
            Self::DeadlineExceeded => "deadline passed",
            Self::Store => "store",
            Self::Unsupported => "unsupported",
            Self::Forked => "forked",
            Self::Internal => "internal error",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_wrong_what_was_expected_and_what_to_do() {
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
    fn an_error_is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn a_quoted_secret_is_redacted() {
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
