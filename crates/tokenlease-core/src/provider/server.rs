//! One server of an identity: how to send calls to it, and which calls it has.

mod discovered;
mod options;
mod options_fingerprint;
mod request;
mod response;
mod standard;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::BTreeSet, sync::Arc, time::Duration};

use self::discovered::Discovered;
pub use self::options_fingerprint::OptionsFingerprint;
use super::{
    call::Grant,
    oauth2::{self, ClientAuth, Endpoint},
    presentation::TokenHeader,
    wyn,
};
use crate::{
    credentials::Credentials,
    error::{Error, ErrorKind, Result},
    identity::{Identity, Provider},
    secret::Secret,
    token::TokenKind,
};

/// The server of one identity: its calls, paths and defaults. It contains no secrets.
///
/// ```
/// use std::time::Duration;
/// use tokenlease_core::{
///     Credentials, Identity, Timestamp,
///     provider::{Answer, Call, Server},
/// };
///
/// let identity = Identity::wyn("https://wyn.example", "admin", "integration")?;
/// let server = Server::new(identity).with_lifetime(Duration::from_secs(3600))?;
/// let credentials = Credentials::password("PASSWORD").with_client_secret("SECRET");
/// assert!(server.can_revoke() && !server.can_refetch());
///
/// let request = server.request(&Call::Login, &credentials)?; // send it
/// assert_eq!(request.uri(), "https://wyn.example/connect/token");
///
/// let response = http::Response::new(r#"{"access_token":"4E2E","expires_in":3600}"#);
/// let answer = server.read(&Call::Login, &response, Timestamp(0), &credentials);
/// let Answer::Token(granted) = answer else { panic!("{answer:?}") };
/// assert_eq!(granted.expires_at(), Some(Timestamp(3_600_000)));
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    identity: Identity,
    /// Shared by the servers of many users: see [`share_options`](Self::share_options).
    options: Arc<Options>,
}

/// All that the servers of a program's users have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Options {
    grant: Grant,
    client_auth: Option<ClientAuth>,
    lifetime: Option<Duration>,
    new_token_ends_old: bool,
    token_header: TokenHeader,
    /// This and the other paths are below the server's address. A discovered one is a whole URL.
    token_path: Path,
    revocation_path: Option<Path>,
    introspection_path: Option<Path>,
    userinfo_path: Option<Path>,
    /// The endpoints whose paths were set, also to none.
    set_paths: BTreeSet<Endpoint>,
    discovered: Discovered,
}

/// A path, or the URL of a discovered endpoint. The defaults take no memory.
type Path = Cow<'static, str>;

impl Server {
    /// Makes the server of an identity, with the defaults of its provider.
    ///
    /// - WinKAS Air: the documented paths.
    /// - Wyn Enterprise: `/connect/token`, `/connect/revocation` and `/connect/userinfo`. The client
    ///   is sent in the body of a login, and in a Basic header of a revocation.
    /// - OAuth2: the paths of the server's discovery document, until a token path is set
    ///   ([`needs_discovery`](Self::needs_discovery)). Without a document it is `/token`, and there is
    ///   no revocation, introspection or userinfo until its path is set. The client is sent in a Basic
    ///   header. The grant is client credentials if the identity has no user, and else password.
    pub fn new(identity: Identity) -> Self {
        let path = |path| Some(Path::Borrowed(path));
        let (token, revocation, userinfo) = match identity.provider() {
            Provider::Winkas => ("", None, None),
            Provider::Wyn => {
                (wyn::TOKEN_PATH, path(wyn::REVOCATION_PATH), path(wyn::USERINFO_PATH))
            }
            Provider::OAuth2 => ("/token", None, None),
        };
        let grant =
            if identity.user().is_empty() { Grant::ClientCredentials } else { Grant::Password };
        let options = Options {
            grant,
            client_auth: None,
            lifetime: None,
            new_token_ends_old: false,
            token_header: TokenHeader::default(),
            token_path: Path::Borrowed(token),
            revocation_path: revocation,
            introspection_path: None,
            userinfo_path: userinfo,
            set_paths: BTreeSet::new(),
            discovered: Discovered::default(),
        };
        Self { identity, options: Arc::new(options) }
    }

    /// Takes the options of another server into use if they are the same as these. A program with
    /// thousands of users then has one copy of them.
    #[must_use]
    pub fn share_options(self, other: &Self) -> Self {
        if self.options != other.options {
            return self;
        }
        Self { options: Arc::clone(&other.options), ..self }
    }

    /// Returns the options to change them.
    fn set(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }

    /// Returns the identity.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns whether the server can return the last active token (WinKAS).
    pub fn can_refetch(&self) -> bool {
        self.identity.provider() == Provider::Winkas
    }

    /// Returns whether the server can validate a token, or may turn out to when its discovery document
    /// is read.
    pub fn can_validate(&self) -> bool {
        match self.identity.provider() {
            Provider::Winkas => true,
            Provider::Wyn | Provider::OAuth2 => {
                self.validation().is_some()
                    || self.may_discover(Endpoint::Userinfo)
                    || self.may_discover(Endpoint::Introspection)
            }
        }
    }

    /// Returns the path of the endpoint that validates tokens: introspection where it is configured,
    /// because it says more than userinfo.
    fn validation(&self) -> Option<Validation<'_>> {
        let introspection =
            self.options.introspection_path.as_deref().map(Validation::Introspection);
        introspection.or_else(|| self.options.userinfo_path.as_deref().map(Validation::Userinfo))
    }

    /// Returns whether path and client of the validation are options or found by discovery, which may
    /// be wrong.
    pub(crate) fn validation_is_configured(&self) -> bool {
        self.identity.provider() != Provider::Winkas && self.can_validate()
    }

    /// Returns whether the server can revoke a token, or may turn out to when its discovery document
    /// is read.
    pub fn can_revoke(&self) -> bool {
        self.options.revocation_path.is_some() || self.may_discover(Endpoint::Revocation)
    }

    /// Returns whether responses state when a token expires.
    pub(crate) fn states_ends(&self) -> bool {
        self.identity.provider() != Provider::Winkas
    }

    /// Returns whether a new token ends the identity's older ones.
    pub fn new_token_ends_old(&self) -> bool {
        self.options.new_token_ends_old
    }

    /// Returns the kind of the server's tokens.
    pub fn token_kind(&self) -> TokenKind {
        match self.identity.provider() {
            Provider::Winkas => TokenKind::Winkas,
            Provider::Wyn | Provider::OAuth2 => TokenKind::Bearer,
        }
    }

    /// Returns the header in which the server's API takes Bearer tokens.
    pub fn token_header(&self) -> TokenHeader {
        self.options.token_header
    }

    /// Checks that the credentials contain the secrets that a login needs.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if a secret is missing or empty, or if an extra field has a name that the
    /// client sends itself. The error names it.
    pub fn check(&self, credentials: &Credentials) -> Result<()> {
        credentials.check_extra(self.identity.provider())?;
        match (self.identity.provider(), self.options.grant) {
            (Provider::Wyn, _) => {
                self.password(credentials)?;
                self.client_secret(credentials).map(drop)
            }
            (Provider::Winkas, _) | (Provider::OAuth2, Grant::Password) => {
                self.password(credentials).map(drop)
            }
            (Provider::OAuth2, Grant::ClientCredentials) => {
                self.client_secret(credentials).map(drop)
            }
        }
    }

    fn password<'a>(&self, credentials: &'a Credentials) -> Result<&'a Secret> {
        given(credentials.password.as_ref())
            .ok_or_else(|| missing("password", &format!("a token of {}", self.identity)))
    }

    fn client_secret<'a>(&self, credentials: &'a Credentials) -> Result<&'a Secret> {
        given(credentials.client_secret.as_ref())
            .ok_or_else(|| missing("client secret", &format!("a token of {}", self.identity)))
    }

    /// Returns the extra fields of a login, plain and secret, in a fixed order.
    fn extra<'a>(&'a self, credentials: &'a Credentials) -> Vec<(&'a str, &'a str)> {
        self.identity.extra().chain(credentials.extra()).collect()
    }

    fn client<'a>(
        &'a self,
        credentials: &'a Credentials,
        default: ClientAuth,
    ) -> oauth2::Client<'a> {
        oauth2::Client {
            id: self.identity.client(),
            secret: credentials.client_secret.as_ref(),
            auth: self
                .options
                .client_auth
                .or_else(|| self.options.discovered.client_auth())
                .unwrap_or(default),
        }
    }
}

/// An endpoint that validates tokens, with its path.
#[derive(Clone, Copy)]
enum Validation<'a> {
    Introspection(&'a str),
    Userinfo(&'a str),
}

fn given(secret: Option<&Secret>) -> Option<&Secret> {
    secret.filter(|secret| !secret.expose().is_empty())
}

fn missing(what: &str, needed_by: &str) -> Error {
    Error::new(ErrorKind::Config, format!("no {what} is set, but {needed_by} needs one"))
        .expected(format!("a {what}"))
}

fn unsupported(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unsupported, detail)
}
