//! The options of a call that waits.

use std::mem::size_of;

use tokenlease::WaitOptions;

use crate::{
    boundary::{SizedOptions, millis, sized},
    constants::TOKENLEASE_NONE,
    error::tokenlease_error,
};

/// Options of one call that waits. Begin with TOKENLEASE_WAIT_OPTIONS_INIT, then set fields. In a
/// language without this macro, set size to the size of the struct, and each time to
/// TOKENLEASE_NONE or a value. Later versions add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenlease_wait_options {
    /// The size of the struct in bytes.
    pub size: usize,
    /// The deadline in milliseconds from now. TOKENLEASE_NONE: the option "deadline" of the config. With
    /// 0, a call returns what it can at once, and otherwise fails with TOKENLEASE_DEADLINE_EXCEEDED; its
    /// request goes on.
    pub deadline_ms: i64,
}

// SAFETY: it is `#[repr(C)]`, begins with its size, and has only integers.
unsafe impl SizedOptions for tokenlease_wait_options {
    const DEFAULT: Self = Self { size: size_of::<Self>(), deadline_ms: TOKENLEASE_NONE };
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Returns the options of a call.
///
/// # Safety
/// As [`sized`].
pub(crate) unsafe fn wait_options(
    options: *const tokenlease_wait_options,
) -> Result<WaitOptions, Box<tokenlease_error>> {
    // SAFETY: the caller guarantees it.
    let given = unsafe { sized(options, "options") }?;
    let mut options = WaitOptions::default();
    options.deadline = millis(given.deadline_ms, "options->deadline_ms")?;
    Ok(options)
}
