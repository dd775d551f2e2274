//! The options of a single request for a token.

use std::time::Duration;

/// Options of one call of [`Client::token_with`](crate::Client::token_with) or
/// [`Client::lease_with`](crate::Client::lease_with).
///
/// ```
/// use std::time::Duration;
/// use tokenlease::TokenOptions;
///
/// let options = TokenOptions::default()
///     .with_deadline(Duration::from_secs(5))
///     .with_min_remaining(Duration::from_secs(600));
/// assert_eq!(options.deadline, Some(Duration::from_secs(5)));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TokenOptions {
    /// How long to wait at most. `None` is the client's own limit, 30 s by default.
    /// With zero, a call returns what it can at once, and otherwise fails with
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded); its request goes on.
    pub deadline: Option<Duration>,
    /// The lifetime that the token should have left, clamped to half of the token's lifetime.
    ///
    /// WinKAS states no expiry. There this option means a validation now, and never a new token.
    pub min_remaining: Option<Duration>,
}

impl TokenOptions {
    /// Sets how long to wait at most.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the lifetime that the token should have left.
    #[must_use]
    pub fn with_min_remaining(mut self, remaining: Duration) -> Self {
        self.min_remaining = Some(remaining);
        self
    }
}
