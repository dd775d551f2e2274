//! Systems without signals.

/// Signals are blocked on the calling thread until this is dropped.
pub(super) struct Blocked;

impl Blocked {
    pub(super) fn on_this_thread() -> Self {
        Self
    }
}

/// Blocks signals on the calling thread.
pub(super) fn block() {}

/// The signals that a thread of the program blocks.
#[derive(Clone, Copy)]
pub(crate) struct ProgramSignals;

impl ProgramSignals {
    pub(crate) fn of_this_thread() -> Self {
        Self
    }

    /// Runs code of the program as on one of its threads.
    pub(crate) fn apply<R>(self, code: impl FnOnce() -> R) -> R {
        code()
    }
}
