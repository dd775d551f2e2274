//! The calls of an OAuth2 server, as configured. Wyn shares them but where it adds something.

use zeroize::Zeroizing;

use super::{
    ClientAuth, Grant, Server,
    oauth2::{self, client},
    unsupported,
};
use crate::{
    credentials::Credentials,
    error::Result,
    http::{self, Request},
    token::Token,
};

impl Server {
    pub(super) fn login(&self, credentials: &Credentials) -> Result<Request> {
        let endpoint = &self.endpoint(&self.token_path);
        let client = self.client(credentials, ClientAuth::Basic);
        let scope = &self.identity.scope();
        match self.grant {
            Grant::Password => oauth2::Login {
                endpoint,
                user: self.identity.user(),
                password: self.password(credentials)?,
                client,
                scope,
                extra: &[],
            }
            .request(),
            Grant::ClientCredentials => {
                oauth2::ClientLogin { endpoint, client, scope, extra: &[] }.request()
            }
        }
    }

    pub(super) fn verify(&self, token: &Token, credentials: &Credentials) -> Result<Request> {
        match (&self.userinfo_path, &self.introspection_path) {
            (Some(path), _) => oauth2::Userinfo { endpoint: &self.endpoint(path), token }.request(),
            (None, Some(path)) => oauth2::Introspect {
                endpoint: &self.endpoint(path),
                token,
                client: self.client(credentials, ClientAuth::Basic),
            }
            .request(),
            (None, None) => Err(unsupported("this configuration", "way to ask about a token")
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

    /// The configured revocation path.
    pub(super) fn revocation(&self) -> Result<&str> {
        self.revocation_path.as_deref().ok_or_else(|| {
            unsupported("this configuration", "revocation")
                .advice("set the revocation path, or `forget` the token")
        })
    }

    /// What a Basic header is made of: a server may echo the header.
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
        http::join(self.identity.server(), path)
    }

    pub(super) fn client<'a>(
        &'a self,
        credentials: &'a Credentials,
        default: ClientAuth,
    ) -> oauth2::Client<'a> {
        oauth2::Client {
            id: self.identity.client(),
            secret: credentials.client_secret.as_ref(),
            auth: self.client_auth.unwrap_or(default),
        }
    }
}
