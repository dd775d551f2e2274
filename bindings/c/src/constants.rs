//! The numbers with a special meaning, as arguments and as results.

/// As a result: the time is not known. As an argument: use the default.
pub const TOKENLEASE_NONE: i64 = -1;

/// As the length of a text: the text ends at its first NUL. `cbindgen.toml` has it for C.
pub const TOKENLEASE_NUL_TERMINATED: usize = usize::MAX;
