//! The options of a single call that waits.

use std::time::Duration;

/// Options of one call of [`Client::report_rejected_with`](crate::Client::report_rejected_with),
/// [`validate_with`](crate::Client::validate_with), [`refetch_with`](crate::Client::refetch_with),
/// [`revoke_with`](crate::Client::revoke_with) or [`close_with`](crate::Client::close_with).
///
/// ```
/// use std::time::Duration;
/// use tokenlease::WaitOptions;
///
/// let options = WaitOptions::default().with_deadline(Duration::from_secs(5));
/// assert_eq!(options.deadline, Some(Duration::from_secs(5)));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct WaitOptions {
    /// How long to wait at most. `None` is the client's own limit, 30 s by default.
    /// With zero, a call returns what it can at once, and otherwise fails with
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded); its request goes on.
    pub deadline: Option<Duration>,
}

impl WaitOptions {
    /// Sets how long to wait at most.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}
