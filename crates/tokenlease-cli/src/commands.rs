//! The commands, one a file.

pub(crate) mod emulate;
pub(crate) mod exec;
pub(crate) mod refetch;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod validate;
