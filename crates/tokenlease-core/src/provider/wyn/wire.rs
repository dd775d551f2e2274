//! Wyn's paths, default names and lifetimes.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// The path of the token endpoint.
pub const TOKEN_PATH: &str = "/connect/token";
/// The path of the revocation endpoint.
pub const REVOCATION_PATH: &str = "/connect/revocation";
/// The path of the revocation of all tokens that were issued before a time.
pub const BATCH_REVOCATION_PATH: &str = "/api/v2/identity/token/batch-revocation";
/// The path of the userinfo endpoint.
pub const USERINFO_PATH: &str = "/connect/userinfo";

/// The client that a Wyn server has for integrations.
pub const DEFAULT_CLIENT: &str = "integration";

/// The secret of the client [`DEFAULT_CLIENT`] on a server where it was never changed.
///
/// **Warning**: this secret is published. On such a server, anyone who knows or guesses a user's
/// password can get tokens. Change it at `{server}/management#client-management`, and use the new one.
pub const FACTORY_CLIENT_SECRET: &str = "eunGKas3Pqd6FMwx9eUpdS7xmz";

/// The fields of a login that no other OAuth2 server has, with the option that sets each.
pub(crate) const RESERVED_FIELDS: [(&str, &str); 2] = [
    ("tenant_path", "set the option tenant instead"),
    ("access-token-lifetime", "set the option lifetime instead"),
];

/// Returns a lifetime as Wyn accepts it: whole seconds, at least one.
pub(crate) fn whole_seconds(lifetime: Duration) -> Result<u64> {
    if lifetime.subsec_nanos() != 0 || lifetime.is_zero() {
        return Err(Error::new(ErrorKind::Config, format!("the lifetime is {lifetime:?}"))
            .expected("whole seconds, at least one"));
    }
    Ok(lifetime.as_secs())
}
