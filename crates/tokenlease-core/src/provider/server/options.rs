//! The options of a server: grant, client authentication, lifetime and paths.

use std::time::Duration;

use super::{Path, Server, missing, unsupported};
use crate::{
    error::{Error, ErrorKind, Result},
    identity::Provider,
    provider::{
        call::Grant,
        oauth2::{ClientAuth, Endpoint},
        presentation::TokenHeader,
        wyn,
    },
};

impl Server {
    /// Sets the lifetime to request for new tokens: whole seconds, at least one (Wyn only).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the lifetime is not in whole seconds, and [`ErrorKind::Unsupported`]
    /// for other providers.
    pub fn with_lifetime(mut self, lifetime: Duration) -> Result<Self> {
        match self.identity.provider() {
            Provider::Wyn => {
                wyn::whole_seconds(lifetime)?;
                self.set().lifetime = Some(lifetime);
                Ok(self)
            }
            Provider::Winkas => {
                Err(unsupported("WinKAS Air does not let a client choose a token's lifetime")
                    .advice("remove the option lifetime: the agreement with WinKAS sets it"))
            }
            Provider::OAuth2 => {
                Err(unsupported("OAuth2 does not let a client choose a token's lifetime")
                    .advice("remove the option lifetime: the server's configuration sets it"))
            }
        }
    }

    /// Sets the grant that logins use (OAuth2; Wyn has the password grant only).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the provider does not have the grant, and
    /// [`ErrorKind::Config`] if it does not fit the identity's user and client.
    pub fn with_grant(mut self, grant: Grant) -> Result<Self> {
        let (user, client) = (self.identity.user(), self.identity.client());
        match (self.identity.provider(), grant) {
            (Provider::Winkas, _) => {
                return Err(unsupported("WinKAS Air has no choice of grants")
                    .advice("remove the option grant"));
            }
            (Provider::Wyn, Grant::ClientCredentials) => {
                return Err(unsupported("Wyn Enterprise has no client credentials grant")
                    .advice("use the password grant"));
            }
            (Provider::OAuth2, Grant::Password) if user.is_empty() => {
                return Err(missing("user name", "the password grant"));
            }
            (Provider::OAuth2, Grant::ClientCredentials) if client.is_empty() => {
                return Err(missing("client id", "the client credentials grant"));
            }
            (Provider::OAuth2, Grant::ClientCredentials) if !user.is_empty() => {
                let detail = "the client credentials grant has no user, but the identity has one";
                return Err(Error::new(ErrorKind::Config, detail)
                    .expected("an identity without a user")
                    .advice("remove the user, or use the password grant"));
            }
            (Provider::Wyn | Provider::OAuth2, _) => self.set().grant = grant,
        }
        Ok(self)
    }

    /// Sets where all calls send the client's id and secret (OAuth2 and Wyn).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for WinKAS, which has no clients.
    pub fn with_client_auth(self, auth: ClientAuth) -> Result<Self> {
        let mut server = self.check_standard("client to authenticate")?;
        server.set().client_auth = Some(auth);
        Ok(server)
    }

    /// Sets the path of the token endpoint, below the server's address (OAuth2 and Wyn).
    ///
    /// No discovery document is read then
    /// ([`needs_discovery`](Self::needs_discovery)).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is not a path without query, and [`ErrorKind::Unsupported`] for
    /// WinKAS.
    pub fn with_token_path(self, path: &str) -> Result<Self> {
        let token_path = checked("token path", path)?.ok_or_else(|| {
            Error::new(ErrorKind::Config, "the token path is empty")
                .expected("a path that starts with /")
        });
        let mut server = self.standard(Endpoint::Token, "token path to set")?;
        server.set().token_path = token_path?;
        Ok(server)
    }

    /// Sets the path of the revocation endpoint (OAuth2 and Wyn). Empty means that there is none.
    ///
    /// # Errors
    /// As [`with_token_path`](Self::with_token_path), but the path may be empty:
    /// [`ErrorKind::Config`] or [`ErrorKind::Unsupported`].
    pub fn with_revocation_path(self, path: &str) -> Result<Self> {
        let revocation_path = checked("revocation path", path)?;
        let mut server = self.standard(Endpoint::Revocation, "revocation path to set")?;
        server.set().revocation_path = revocation_path;
        Ok(server)
    }

    /// Sets the path of the introspection endpoint (OAuth2 and Wyn). Empty means that there is none.
    ///
    /// Where there is a userinfo path, too, introspection is asked.
    ///
    /// # Errors
    /// As [`with_token_path`](Self::with_token_path), but the path may be empty:
    /// [`ErrorKind::Config`] or [`ErrorKind::Unsupported`].
    pub fn with_introspection_path(self, path: &str) -> Result<Self> {
        let introspection_path = checked("introspection path", path)?;
        let mut server = self.standard(Endpoint::Introspection, "introspection path to set")?;
        server.set().introspection_path = introspection_path;
        Ok(server)
    }

    /// Sets the path of the userinfo endpoint (OAuth2 and Wyn). Empty means that there is none.
    ///
    /// # Errors
    /// As [`with_token_path`](Self::with_token_path), but the path may be empty:
    /// [`ErrorKind::Config`] or [`ErrorKind::Unsupported`].
    pub fn with_userinfo_path(self, path: &str) -> Result<Self> {
        let userinfo_path = checked("userinfo path", path)?;
        let mut server = self.standard(Endpoint::Userinfo, "userinfo path to set")?;
        server.set().userinfo_path = userinfo_path;
        Ok(server)
    }

    /// Sets whether a new token ends the identity's older ones, which no response states.
    ///
    /// If so, a token is used to its end and is not refreshed early. The default is `false`.
    #[must_use]
    pub fn with_new_token_ends_old(mut self, ends: bool) -> Self {
        self.set().new_token_ends_old = ends;
        self
    }

    /// Sets the header in which the server's API takes tokens (Wyn only). The default is `Authorization`.
    ///
    /// ```
    /// use tokenlease_core::{Identity, Token, TokenKind, provider::{Server, TokenHeader}};
    ///
    /// let identity = Identity::wyn("https://wyn.example", "admin", "integration")?;
    /// let server = Server::new(identity).with_token_header(TokenHeader::ReferenceToken)?;
    /// let (header, token) = (server.token_header(), Token::new(TokenKind::Bearer, "4E2E"));
    /// assert_eq!(header.name(), "Reference-Token");
    /// assert_eq!(token.header_value(header)?.expose(), "4E2E");
    /// # Ok::<(), tokenlease_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for other providers.
    pub fn with_token_header(mut self, header: TokenHeader) -> Result<Self> {
        if self.identity.provider() != Provider::Wyn {
            let provider = self.identity.provider().as_str();
            return Err(unsupported(format!("{provider} has no choice of token headers"))
                .advice("remove the option token_header"));
        }
        self.set().token_header = header;
        Ok(self)
    }

    /// Notes that the path of an endpoint is set, so that discovery does not replace it.
    fn standard(self, endpoint: Endpoint, what: &str) -> Result<Self> {
        let mut server = self.check_standard(what)?;
        server.set().set_paths.insert(endpoint);
        Ok(server)
    }

    /// Returns the server unchanged, or an error if its provider does not follow the OAuth2 standard.
    fn check_standard(self, what: &str) -> Result<Self> {
        match self.identity.provider() {
            Provider::Winkas => Err(unsupported(format!("WinKAS Air has no {what}"))
                .advice("remove the option, or choose another provider")),
            Provider::Wyn | Provider::OAuth2 => Ok(self),
        }
    }
}

/// Checks a path below a server's address. An empty path is none.
fn checked(what: &str, path: &str) -> Result<Option<Path>> {
    let fits = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\`{}".contains(&byte));
    match path {
        "" => Ok(None),
        _ if path.starts_with('/') && fits => Ok(Some(Path::Owned(path.to_owned()))),
        _ => Err(Error::new(ErrorKind::Config, format!("the {what} is {path:?}"))
            .expected("a path that starts with / and has no query, such as /connect/token")),
    }
}
