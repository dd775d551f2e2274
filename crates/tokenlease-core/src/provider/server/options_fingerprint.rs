//! The fingerprint of the options that take part in a login.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Server;
use crate::{
    identity::Provider,
    key::Key,
    provider::{Grant, oauth2::ClientAuth},
};

/// The first 8 bytes of the HMAC-SHA-256 of a login's options under the store's key.
///
/// A circuit or a backoff concerns one set of credentials with one set of options: the path of the token
/// endpoint, the grant, where the client's secret is sent, and the requested lifetime. The parts of the
/// [identity](crate::Identity) are not among them, because each identity has a separate record. The
/// secret extra fields are part of the credentials fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OptionsFingerprint([u8; 8]);

impl OptionsFingerprint {
    /// Makes a fingerprint of bytes that were computed elsewhere.
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for OptionsFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.0;
        write!(f, "OptionsFingerprint({a:02x}{b:02x}{c:02x})")
    }
}

impl Server {
    /// Returns the fingerprint of the options that take part in a login, under the store's key.
    pub fn options_fingerprint(&self, key: &Key) -> OptionsFingerprint {
        let lifetime = self.options.lifetime.map(|lifetime| lifetime.as_millis().to_string());
        let default = match self.identity.provider() {
            Provider::Wyn => ClientAuth::Body,
            Provider::Winkas | Provider::OAuth2 => ClientAuth::Basic,
        };
        let auth: &[u8] = match self.options.client_auth.unwrap_or(default) {
            ClientAuth::Body => b"body",
            ClientAuth::Basic => b"basic",
            ClientAuth::BasicRaw => b"basic-raw",
        };
        let grant: &[u8] = match self.options.grant {
            Grant::Password => b"password",
            Grant::ClientCredentials => b"client_credentials",
        };
        let parts = [
            self.options.token_path.as_bytes(),
            grant,
            auth,
            lifetime.as_deref().unwrap_or_default().as_bytes(),
        ];
        let mac = key.mac("tokenlease options", &parts);
        OptionsFingerprint(mac.first_chunk().copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Identity, provider::ClientAuth};

    /// Rule: Backoff: options that take part in a login have another fingerprint when one of them changes,
    /// and other options do not.
    #[test]
    fn options_that_take_part_in_a_login_change_the_fingerprint() {
        let server = || Server::new(Identity::wyn("https://h", "u", "c").unwrap());
        let key = Key::new([1; 32]);
        let servers = [
            server(),
            server().with_token_path("/t").unwrap(),
            server().with_client_auth(ClientAuth::Basic).unwrap(),
            server().with_client_auth(ClientAuth::BasicRaw).unwrap(),
            server().with_lifetime(Duration::from_secs(60)).unwrap(),
            server().with_lifetime(Duration::from_secs(61)).unwrap(),
        ];
        for (n, one) in servers.iter().enumerate() {
            for other in servers.iter().skip(n + 1) {
                assert_ne!(one.options_fingerprint(&key), other.options_fingerprint(&key));
            }
            assert_ne!(
                one.options_fingerprint(&key),
                one.options_fingerprint(&Key::new([2; 32])),
                "it tells nothing without the key"
            );
        }
        let default = server().with_client_auth(ClientAuth::Body).unwrap();
        assert_eq!(default.options_fingerprint(&key), server().options_fingerprint(&key));
        let same = server().with_userinfo_path("/u").unwrap();
        let same = same.with_new_token_ends_old(true);
        assert_eq!(same.options_fingerprint(&key), server().options_fingerprint(&key));
    }
}
