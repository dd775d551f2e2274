//! Signal masks of threads.

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// The signals that a fault of the running code raises. POSIX leaves undefined what happens to a
/// thread that blocks them (`pthread_sigmask`); on Linux the process dies, and its crash handler does
/// not run.
const FAULTS: [Signal; 6] = [
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGSEGV,
    Signal::SIGSYS,
    Signal::SIGTRAP,
];

/// Sets the mask of the calling thread, and restores the previous one when it is dropped.
struct Masked(Option<SigSet>);

impl Masked {
    fn by(mask: &SigSet) -> Self {
        // It fails only for an invalid `how`.
        Self(mask.thread_swap_mask(SigmaskHow::SIG_SETMASK).ok())
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        if let Some(previous) = &self.0 {
            let _ = previous.thread_set_mask();
        }
    }
}

/// Signals are blocked on the calling thread until this is dropped.
pub(super) struct Blocked {
    _masked: Masked,
}

impl Blocked {
    pub(super) fn on_this_thread() -> Self {
        Self { _masked: Masked::by(&all()) }
    }
}

/// Blocks signals on the calling thread.
pub(super) fn block() {
    let _ = all().thread_set_mask();
}

fn all() -> SigSet {
    let mut all = SigSet::all();
    for fault in FAULTS {
        all.remove(fault);
    }
    all
}

/// The signals that a thread of the program blocks.
#[derive(Clone, Copy)]
pub(crate) struct ProgramSignals(Option<SigSet>);

impl ProgramSignals {
    pub(crate) fn of_this_thread() -> Self {
        Self(SigSet::thread_get_mask().ok())
    }

    /// Runs code of the program as on one of its threads. A process that it starts inherits the
    /// mask: with SIGCHLD blocked, `make` and others would wait forever.
    pub(crate) fn apply<R>(self, code: impl FnOnce() -> R) -> R {
        let _masked = self.0.as_ref().map(Masked::by);
        code()
    }
}
