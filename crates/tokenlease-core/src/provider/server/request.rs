//! From a call to the request of the provider's exchange.

use super::{Server, unsupported};
use crate::{
    credentials::Credentials,
    error::Result,
    http::Request,
    identity::Provider,
    provider::{call::Call, oauth2::ClientAuth, winkas, wyn},
};

impl Server {
    /// Builds the request of a call.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the credentials, the address or a path do
    /// not fit the call, and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the server
    /// does not have the call. The error names the alternative.
    pub fn request(&self, call: &Call, credentials: &Credentials) -> Result<Request> {
        if call.takes_credentials() {
            self.check(credentials)?;
        }
        match (self.identity.provider(), call) {
            (Provider::Winkas, Call::Login) => winkas::Login {
                server: self.identity.server(),
                user: self.identity.user(),
                password: self.password(credentials)?,
                contract: self.identity.realm(),
            }
            .request(),
            (Provider::Winkas, Call::Refetch) => winkas::Refetch {
                server: self.identity.server(),
                user: self.identity.user(),
                password: self.password(credentials)?,
                contract: self.identity.realm(),
            }
            .request(),
            (Provider::Winkas, Call::Validate(token)) => {
                winkas::Validate { server: self.identity.server(), token }.request()
            }
            (Provider::Winkas, Call::Revoke(_)) => Err(unsupported("WinKAS Air has no revocation")
                .advice("call `forget`, which stops using the token; it expires by itself")),
            (Provider::Wyn, Call::Login) => wyn::Login {
                server: self.identity.server(),
                path: &self.options.token_path,
                user: self.identity.user(),
                password: self.password(credentials)?,
                client: self.client(credentials, ClientAuth::Body),
                tenant: self.identity.realm(),
                lifetime: self.options.lifetime,
                scope: &self.identity.scope(),
                extra: &self.extra(credentials),
            }
            .request(),
            (Provider::OAuth2, Call::Login) => self.login(credentials),
            (Provider::Wyn | Provider::OAuth2, Call::Refetch) => {
                Err(unsupported("OAuth2 has no call that returns a running token")
                    .advice("log in for a new token"))
            }
            (Provider::Wyn | Provider::OAuth2, Call::Validate(token)) => {
                self.validate(token, credentials)
            }
            (Provider::Wyn, Call::Revoke(token)) => wyn::Revoke {
                server: self.identity.server(),
                path: self.revocation()?,
                token,
                client: self.client(credentials, ClientAuth::Basic),
            }
            .request(),
            (Provider::OAuth2, Call::Revoke(token)) => self.revoke(token, credentials),
        }
    }
}
