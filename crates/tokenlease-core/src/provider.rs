//! The providers' exchanges, and the only place that tells providers apart.
//!
//! Each exchange is one type in one file: a request builder and the parser of its answer, usable
//! alone with any HTTP stack. [`Server`] puts the exchanges of one identity's server behind one
//! face for the machine: a [`Call`] becomes a request, a response becomes an [`Answer`].
//!
//! An answer is read by its error code, then by its status, never by the wording of a description
//! (but for the validation of WinKAS' Validate, which is a word). What can't be read names the field.
//! Of a repeated key in a JSON object the last one counts.
//!
//! Level 1 alone, with a response that was recorded:
//!
//! ```
//! use tokenlease_core::{Secret, Timestamp, provider::{Life, winkas}};
//!
//! # fn main() -> tokenlease_core::Result<()> {
//! let password = Secret::from("secret");
//! let login = winkas::Login {
//!     server: winkas::DEFAULT_SERVER,
//!     user: "mj",
//!     password: &password,
//!     contract: "1234",
//! };
//! let request = login.request()?;
//! assert_eq!(request.uri(), "https://air.winkas.net/api/Authentication/Authenticate");
//!
//! // Send it with any HTTP stack, and note when, on a clock that runs through suspend.
//! let sent_at = Timestamp(1_000);
//! let response = http::Response::new(
//!     r#"{ "WinKasData": { "CurrentToken": "U1vT|86Vb-crg_" },
//!          "WinkasErrorCode": 0, "WinKasStatus": 0, "WinKasStatusString": "Okay" }"#,
//! );
//!
//! let granted = winkas::Login::parse(&response, sent_at)?;
//! assert_eq!(granted.token.expose(), "U1vT|86Vb-crg_");
//! assert_eq!(granted.life, Life::Unstated);
//! # Ok(())
//! # }
//! ```

mod call;
mod field;
mod granted;
pub mod oauth2;
mod reading;
mod standard;
#[cfg(test)]
mod tests;
mod validation;
pub mod winkas;
pub mod wyn;

use std::time::Duration;

use ::http::Response;

pub use self::{
    call::{Answer, ApiAnswer, Call, Grant},
    granted::{Granted, Life},
    oauth2::ClientAuth,
    validation::Validation,
};
use self::{oauth2::wire::Stake, reading::Reading};
use crate::{
    credentials::Credentials,
    error::{Error, ErrorKind, Result},
    http::Request,
    identity::{Identity, Provider},
    secret::Secret,
    time::Timestamp,
    token::TokenKind,
};

/// How to talk to the server of one identity. It holds no secrets.
#[derive(Clone, Debug)]
pub struct Server {
    identity: Identity,
    grant: Grant,
    client_auth: Option<ClientAuth>,
    lifetime: Option<Duration>,
    new_token_ends_old: bool,
    token_path: String,
    revocation_path: Option<String>,
    introspection_path: Option<String>,
    userinfo_path: Option<String>,
}

impl Server {
    /// The server of an identity, with its provider's defaults.
    ///
    /// - WinKAS Air: the documented paths.
    /// - Wyn Enterprise: `/connect/token`, `/connect/revocation`, `/connect/userinfo`; the client
    ///   in the body of a token's request, and in a Basic header of a revocation.
    /// - OAuth2: `/token`, the standard naming none; no revocation, introspection or userinfo until
    ///   their paths are set; the client in a Basic header; the client credentials grant where the
    ///   identity has no user.
    pub fn new(identity: Identity) -> Self {
        let path = |path: &str| Some(path.to_owned());
        let (token, revocation, userinfo) = match identity.provider() {
            Provider::Winkas => ("", None, None),
            Provider::Wyn => {
                (wyn::TOKEN_PATH, path(wyn::REVOCATION_PATH), path(wyn::USERINFO_PATH))
            }
            Provider::OAuth2 => ("/token", None, None),
        };
        let grant =
            if identity.user().is_empty() { Grant::ClientCredentials } else { Grant::Password };
        Self {
            identity,
            grant,
            client_auth: None,
            lifetime: None,
            new_token_ends_old: false,
            token_path: token.to_owned(),
            revocation_path: revocation,
            introspection_path: None,
            userinfo_path: userinfo,
        }
    }

    /// Asks for tokens that live that long: whole seconds, at least one (Wyn only).
    pub fn with_lifetime(mut self, lifetime: Duration) -> Result<Self> {
        match self.identity.provider() {
            Provider::Wyn => {
                wyn::whole_seconds(lifetime)?;
                self.lifetime = Some(lifetime);
                Ok(self)
            }
            Provider::Winkas => Err(unsupported("WinKAS Air", "requested lifetime")
                .advice("the agreement with the provider sets it")),
            Provider::OAuth2 => Err(unsupported("OAuth2", "requested lifetime")
                .advice("the server's configuration sets it")),
        }
    }

    /// Sets how tokens are asked for (OAuth2; Wyn knows the password grant only).
    pub fn with_grant(mut self, grant: Grant) -> Result<Self> {
        let (user, client) = (self.identity.user(), self.identity.client());
        match (self.identity.provider(), grant) {
            (Provider::Winkas, _) => return Err(unsupported("WinKAS Air", "choice of grants")),
            (Provider::Wyn, Grant::ClientCredentials) => {
                return Err(unsupported("Wyn Enterprise", "client credentials grant")
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
                    .advice("drop the user, or use the password grant"));
            }
            (Provider::Wyn | Provider::OAuth2, _) => self.grant = grant,
        }
        Ok(self)
    }

    /// Sets where the client's id and secret are sent, in all calls (OAuth2 and Wyn).
    pub fn with_client_auth(self, auth: ClientAuth) -> Result<Self> {
        Ok(Self { client_auth: Some(auth), ..self.standard("client to authenticate")? })
    }

    /// Sets the path of the token endpoint below the server's address (OAuth2 and Wyn).
    pub fn with_token_path(self, path: &str) -> Result<Self> {
        let token_path = checked("token path", path)?.ok_or_else(|| {
            Error::new(ErrorKind::Config, "the token path is empty").expected("/ and a path")
        });
        Ok(Self { token_path: token_path?, ..self.standard("token path to set")? })
    }

    /// Sets the path of the revocation endpoint (OAuth2 and Wyn); empty means there is none.
    pub fn with_revocation_path(self, path: &str) -> Result<Self> {
        let revocation_path = checked("revocation path", path)?;
        Ok(Self { revocation_path, ..self.standard("revocation path to set")? })
    }

    /// Sets the path of the introspection endpoint (OAuth2 and Wyn); empty means there is none.
    /// It is used where there is no userinfo path.
    pub fn with_introspection_path(self, path: &str) -> Result<Self> {
        let introspection_path = checked("introspection path", path)?;
        Ok(Self { introspection_path, ..self.standard("introspection path to set")? })
    }

    /// Sets the path of the userinfo endpoint (OAuth2 and Wyn); empty means there is none.
    pub fn with_userinfo_path(self, path: &str) -> Result<Self> {
        let userinfo_path = checked("userinfo path", path)?;
        Ok(Self { userinfo_path, ..self.standard("userinfo path to set")? })
    }

    /// Says whether a new token ends the identity's older ones, which no answer tells. If so, a
    /// token is used to its end instead of being refreshed early.
    #[must_use]
    pub fn with_new_token_ends_old(self, ends: bool) -> Self {
        Self { new_token_ends_old: ends, ..self }
    }

    /// Whose server it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the last active token can be had again.
    pub fn can_refetch(&self) -> bool {
        self.identity.provider() == Provider::Winkas
    }

    /// Whether the server can be asked for its word on a token.
    pub fn can_validate(&self) -> bool {
        match self.identity.provider() {
            Provider::Winkas => true,
            Provider::Wyn | Provider::OAuth2 => {
                self.userinfo_path.is_some() || self.introspection_path.is_some()
            }
        }
    }

    /// Whether a token can be ended.
    pub fn can_revoke(&self) -> bool {
        self.revocation_path.is_some()
    }

    /// Whether answers say when a token ends.
    pub fn states_ends(&self) -> bool {
        self.identity.provider() != Provider::Winkas
    }

    /// Whether a new token ends the identity's older ones.
    pub fn new_token_ends_old(&self) -> bool {
        self.new_token_ends_old
    }

    /// The kind of the server's tokens.
    pub fn token_kind(&self) -> TokenKind {
        match self.identity.provider() {
            Provider::Winkas => TokenKind::Winkas,
            Provider::Wyn | Provider::OAuth2 => TokenKind::Bearer,
        }
    }

    /// Whether the credentials hold what this server is asked with; the error names what is
    /// missing.
    pub fn check(&self, credentials: &Credentials) -> Result<()> {
        match (self.identity.provider(), self.grant) {
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

    /// The request of a call. What the provider has no call for is
    /// [`Unsupported`](ErrorKind::Unsupported), naming what there is instead.
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
            (Provider::Winkas, Call::Revoke(_)) => Err(unsupported("WinKAS Air", "revocation")
                .advice("`forget` stops using the token; it ends by itself")),
            (Provider::Wyn, Call::Login) => wyn::Login {
                server: self.identity.server(),
                path: &self.token_path,
                user: self.identity.user(),
                password: self.password(credentials)?,
                client: self.client(credentials, ClientAuth::Body),
                tenant: self.identity.realm(),
                lifetime: self.lifetime,
                scope: &self.identity.scope(),
            }
            .request(),
            (Provider::OAuth2, Call::Login) => self.login(credentials),
            (Provider::Wyn | Provider::OAuth2, Call::Refetch) => {
                Err(unsupported("OAuth2", "way to have a token again").advice("ask for a new one"))
            }
            (Provider::Wyn | Provider::OAuth2, Call::Validate(token)) => {
                self.verify(token, credentials)
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

    /// What the response to a call says, if the call's request was sent at `sent_at`. Errors quote
    /// the provider, but neither the credentials nor the call's token.
    pub fn read(
        &self,
        call: &Call,
        response: &Response<impl AsRef<[u8]>>,
        sent_at: Timestamp,
        credentials: &Credentials,
    ) -> Answer {
        let pairs = self.pairs(credentials);
        let mut secrets = credentials.texts();
        secrets.extend(pairs.iter().map(|pair| pair.as_str()));
        if let Call::Validate(token) | Call::Revoke(token) = call {
            secrets.push(token.expose());
        }
        let reading = &Reading::of(response).hiding(&secrets);
        match (self.identity.provider(), call) {
            (Provider::Winkas, Call::Login) => Answer::granted(winkas::read_login(
                reading,
                sent_at,
                ErrorKind::CredentialsRejected,
            )),
            (Provider::Winkas, Call::Refetch) => winkas::read_refetch(reading, sent_at),
            (Provider::Winkas, Call::Validate(_)) => {
                Answer::validation(winkas::read_validation(reading))
            }
            (Provider::Wyn | Provider::OAuth2, Call::Login) => {
                Answer::granted(oauth2::wire::granted(reading, sent_at, Stake::Credentials))
            }
            (Provider::Wyn | Provider::OAuth2, Call::Validate(_)) => {
                Answer::validation(if self.userinfo_path.is_some() {
                    oauth2::read_userinfo(reading)
                } else {
                    oauth2::read_introspection(reading)
                })
            }
            (Provider::Wyn | Provider::OAuth2, Call::Revoke(_)) => {
                oauth2::read_revocation(reading).map_or_else(Answer::Failed, |()| Answer::Revoked)
            }
            (Provider::Winkas, Call::Revoke(_)) => {
                Answer::Failed(unsupported("WinKAS Air", "revocation"))
            }
            (Provider::Wyn | Provider::OAuth2, Call::Refetch) => {
                Answer::Failed(unsupported("OAuth2", "way to have a token again"))
            }
        }
    }

    /// What the answer to an API call that was made with a token says about the token.
    pub fn read_api(&self, response: &Response<impl AsRef<[u8]>>) -> ApiAnswer {
        let reading = Reading::of(response);
        match (self.identity.provider(), reading.status.as_u16()) {
            (_, 401) => ApiAnswer::Rejected,
            // It says that the token lacks a right (RFC 6750 section 3.1), but some servers answer
            // no more than that to a dead token.
            (Provider::Wyn | Provider::OAuth2, 403)
                if self.can_validate() && reading.says_nothing_more() =>
            {
                ApiAnswer::Ask
            }
            (Provider::Winkas, 200..=299) if winkas::failed_inside(&reading) => ApiAnswer::Ask,
            _ => ApiAnswer::NotRejected,
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

    /// The server itself, if its provider keeps to the OAuth2 standard.
    fn standard(self, what: &str) -> Result<Self> {
        match self.identity.provider() {
            Provider::Winkas => Err(unsupported("WinKAS Air", what)),
            Provider::Wyn | Provider::OAuth2 => Ok(self),
        }
    }
}

fn given(secret: Option<&Secret>) -> Option<&Secret> {
    secret.filter(|secret| !secret.expose().is_empty())
}

fn missing(what: &str, whose: &str) -> Error {
    Error::new(ErrorKind::Config, format!("no {what} is given, which {whose} needs"))
        .expected(format!("a {what}"))
}

fn unsupported(provider: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{provider} has no {what}"))
}

/// A path below a server's address; none if it is empty.
fn checked(what: &str, path: &str) -> Result<Option<String>> {
    let fits = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\`{}".contains(&byte));
    match path {
        "" => Ok(None),
        _ if path.starts_with('/') && fits => Ok(Some(path.to_owned())),
        _ => Err(Error::new(ErrorKind::Config, format!("the {what} is {path:?}"))
            .expected("a path that starts with / and has no query, such as /connect/token")),
    }
}
