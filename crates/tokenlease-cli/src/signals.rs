//! Signals that end the program while it runs another one.
//!
//! The children of this program do not get its signals. So it ends them, and then itself by the same
//! signal.

#[cfg(unix)]
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(unix)]
use signal_hook::{
    consts::{SIGABRT, SIGHUP, SIGINT, SIGTERM},
    flag, low_level,
};
use tokenlease::Result;
#[cfg(unix)]
use tokenlease::{Error, ErrorKind};

#[cfg(unix)]
use crate::exit;

#[cfg(unix)]
#[derive(Debug, Default)]
struct Flags {
    /// No other program runs: a signal ends this one at once.
    is_idle: Arc<AtomicBool>,
    /// The signal that came, or 0.
    came: Arc<AtomicUsize>,
}

#[cfg(unix)]
static FLAGS: OnceLock<Option<Flags>> = OnceLock::new();

/// From now on the program exits with the code of an internal error if it aborts, which it does when
/// the system gives it no more memory. The standard library has printed the cause by then.
#[cfg(unix)]
pub(crate) fn exit_at_abort() {
    let always = Arc::new(AtomicBool::new(true));
    // Without a handler the signal ends the program.
    let _ = flag::register_conditional_shutdown(SIGABRT, exit::INTERNAL.into(), always);
}

#[cfg(not(unix))]
pub(crate) fn exit_at_abort() {}

/// Runs `work`, which runs another program. `work` calls its argument often, which fails after a
/// signal; then it must end the other program. After that this program ends by the signal.
#[cfg(unix)]
pub(crate) fn handled<R>(work: impl FnOnce(&dyn Fn() -> Result<()>) -> R) -> R {
    // Without handlers the signal ends this program alone.
    let Some(flags) = FLAGS.get_or_init(|| register().ok()) else { return work(&|| Ok(())) };
    flags.is_idle.store(false, Ordering::SeqCst);
    let result = work(&|| match flags.came.load(Ordering::SeqCst) {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::Internal, "a signal ended the program")),
    });
    flags.is_idle.store(true, Ordering::SeqCst);
    if let Ok(signal @ 1..) = i32::try_from(flags.came.load(Ordering::SeqCst)) {
        let _ = low_level::emulate_default_handler(signal);
    }
    result
}

#[cfg(unix)]
fn register() -> std::io::Result<Flags> {
    let flags = Flags::default();
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, flags.is_idle.clone())?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, flags.came.clone(), number)?;
    }
    Ok(flags)
}

/// From now on signals do not end this program by default, because a part of it handles them.
#[cfg(unix)]
pub(crate) fn are_handled_elsewhere() {
    if let Some(Some(flags)) = FLAGS.get() {
        flags.is_idle.store(false, Ordering::SeqCst);
    }
}

/// Runs `work`. The system ends the children of a console program with it.
#[cfg(not(unix))]
pub(crate) fn handled<R>(work: impl FnOnce(&dyn Fn() -> Result<()>) -> R) -> R {
    work(&|| Ok(()))
}
