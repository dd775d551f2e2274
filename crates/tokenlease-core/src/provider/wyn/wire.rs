//! What Wyn adds to the standard: paths, names and a lifetime.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// The path of the token endpoint.
pub const TOKEN_PATH: &str = "/connect/token";
/// The path of the revocation endpoint.
pub const REVOCATION_PATH: &str = "/connect/revocation";
/// The path of the userinfo endpoint.
pub const USERINFO_PATH: &str = "/connect/userinfo";

/// The client that Wyn has for integrations.
pub const DEFAULT_CLIENT: &str = "integration";

/// The secret that the client [`DEFAULT_CLIENT`] has on a server whose secret was never changed.
///
/// **Warning**: it is published, so on such a server whoever knows any user's password, or guesses
/// one, has tokens. Change it at `{server}/management#client-management`, and pass the new one.
pub const FACTORY_CLIENT_SECRET: &str = "eunGKas3Pqd6FMwx9eUpdS7xmz";

/// A lifetime as Wyn takes it: whole seconds, at least one.
pub(crate) fn whole_seconds(lifetime: Duration) -> Result<u64> {
    if lifetime.subsec_nanos() != 0 || lifetime.is_zero() {
        return Err(Error::new(ErrorKind::Config, format!("the lifetime is {lifetime:?}"))
            .expected("whole seconds, at least one"));
    }
    Ok(lifetime.as_secs())
}
