//! The calls of an OAuth2 server, as configured. Wyn shares those to which it adds nothing.

use zeroize::Zeroizing;

use super::{Server, Validation, unsupported};
use crate::{
    credentials::Credentials,
    error::Result,
    http::{self, Request},
    provider::{
        call::Grant,
        oauth2::{self, ClientAuth, client},
    },
    token::Token,
};

impl Server {
    pub(super) fn login(&self, credentials: &Credentials) -> Result<Request> {
        let endpoint = &self.endpoint(&self.options.token_path);
        let client = self.client(credentials, ClientAuth::Basic);
        let scope = &self.identity.scope();
        let extra = &self.extra(credentials);
        match self.options.grant {
            Grant::Password => oauth2::Login {
                endpoint,
                user: self.identity.user(),
                password: self.password(credentials)?,
                client,
                scope,
                extra,
            }
            .request(),
            Grant::ClientCredentials => {
                oauth2::ClientLogin { endpoint, client, scope, extra }.request()
            }
        }
    }

    pub(super) fn validate(&self, token: &Token, credentials: &Credentials) -> Result<Request> {
        match self.validation() {
            Some(Validation::Introspection(path)) => oauth2::Introspect {
                endpoint: &self.endpoint(path),
                token,
                client: self.client(credentials, ClientAuth::Basic),
            }
            .request(),
            Some(Validation::Userinfo(path)) => {
                oauth2::Userinfo { endpoint: &self.endpoint(path), token }.request()
            }
            None => Err(unsupported("this configuration has no call to validate a token")
                .advice("set the userinfo path or the introspection path")),
        }
    }

    pub(super) fn revoke(&self, token: &Token, credentials: &Credentials) -> Result<Request> {
        oauth2::Revoke {
            endpoint: &self.endpoint(self.revocation()?),
            token,
            client: self.client(credentials, ClientAuth::Basic),
            extra: &[],
        }
        .request()
    }

    /// Returns the configured revocation path.
    pub(super) fn revocation(&self) -> Result<&str> {
        self.options.revocation_path.as_deref().ok_or_else(|| {
            unsupported("this configuration has no call to revoke a token")
                .advice("set the revocation path, or call `forget`")
        })
    }

    /// Returns the texts of which a Basic header is made, because a server may echo the header.
    pub(super) fn pairs(&self, credentials: &Credentials) -> Vec<Zeroizing<String>> {
        let Some(secret) = &credentials.client_secret else { return Vec::new() };
        let (id, secret) = (self.identity.client(), secret.expose());
        let (id_encoded, secret_encoded) = (client::encoded(id), client::encoded(secret));
        vec![
            Zeroizing::new(format!("{id}:{secret}")),
            Zeroizing::new(format!("{}:{}", *id_encoded, *secret_encoded)),
        ]
    }

    fn endpoint(&self, path: &str) -> String {
        // A path that was set starts with a slash. A discovered endpoint is a whole URL.
        if path.starts_with('/') {
            http::join(self.identity.server(), path)
        } else {
            path.to_owned()
        }
    }
}
