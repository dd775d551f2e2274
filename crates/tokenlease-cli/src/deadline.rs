//! The deadline of a command: it begins with the command, and covers all that the command waits for
//! except a person.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use tokenlease::{Error, ErrorKind, Result, bindings};

/// How long a command may take after its deadline, to release its lock and to report the error of its
/// call.
const GRACE: Duration = Duration::from_millis(100);

/// The deadline of a command.
#[derive(Clone, Debug)]
pub(crate) struct CommandDeadline {
    began: Instant,
    limit: Duration,
    /// The time in which the command waited for a person.
    prompting: Cell<Duration>,
}

impl CommandDeadline {
    /// Returns the deadline of a command that begins now.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        let limit = limit.unwrap_or(bindings::DEADLINE);
        Self { began: Instant::now(), limit, prompting: Cell::default() }
    }

    /// Returns the time that is left.
    pub(crate) fn left(&self) -> Duration {
        let took = self.began.elapsed().saturating_sub(self.prompting.get());
        self.limit.saturating_sub(took)
    }

    /// Runs a prompt, whose time does not count.
    pub(crate) fn without<R>(&self, prompt: impl FnOnce() -> R) -> R {
        let began = Instant::now();
        let result = prompt();
        self.prompting.set(self.prompting.get() + began.elapsed());
        result
    }

    /// Fails after the deadline. `doing` is the work that did not end, for example `opening the store`.
    pub(crate) fn check(&self, doing: &str) -> Result<()> {
        if self.left().is_zero() { Err(too_late(doing)) } else { Ok(()) }
    }

    /// Awaits a future up to a moment after the deadline. A call with its own deadline has that moment
    /// to report its own error, which says more.
    pub(crate) async fn bound<T>(
        &self,
        doing: &str,
        future: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let bound = tokio::time::timeout(self.left() + GRACE, future).await;
        bound.unwrap_or_else(|_| Err(too_late(doing)))
    }

    /// Returns how long the end of a session may take.
    pub(crate) fn left_to_close(&self) -> Duration {
        self.left() + GRACE
    }
}

fn too_late(doing: &str) -> Error {
    Error::new(ErrorKind::DeadlineExceeded, format!("the deadline passed while {doing}"))
        .advice("check the provider and the store, or set a longer --deadline")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_prompt_does_not_count() {
        let deadline = CommandDeadline::new(Some(Duration::from_secs(60)));
        deadline.without(std::thread::yield_now);
        assert!(deadline.prompting.get() > Duration::ZERO);
        assert!(deadline.left() <= Duration::from_secs(60));
    }

    /// Rule: Deadlines: work of the program that does not end is given up at its deadline.
    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_end_is_given_up_at_the_deadline() {
        let deadline = CommandDeadline::new(Some(Duration::from_secs(60)));
        let error = deadline.bound("opening the store", std::future::pending::<Result<()>>()).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        assert!(error.detail().ends_with("while opening the store"), "{error}");
    }
}
