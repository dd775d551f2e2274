//! The commands, one a file.

pub(crate) mod emulate;
pub(crate) mod exec;
pub(crate) mod forget;
pub(crate) mod refetch;
pub(crate) mod refuse;
pub(crate) mod reset;
pub(crate) mod revoke;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod token;
pub(crate) mod validate;
