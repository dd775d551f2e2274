//! The vendors' exchanges, and the only place that tells vendors apart.
//!
//! Each exchange is one type in one file: a request builder and the parser of its answer, usable
//! alone with any HTTP stack. [`Server`] puts the exchanges of one identity's server behind one
//! face for the machine: a [`Call`] becomes a request, a response becomes an [`Answer`].
//!
//! An answer is read by its error code, then by its status, never by the wording of a description
//! (but for the verdict of WinKAS' Validate, which is a word). What can't be read names the field.
//! Of a repeated key in a JSON object the last one counts.
//!
//! Level 1 alone, with a response that was recorded:
//!
//! ```
//! use tokenlease_core::{Secret, Timestamp, vendor::{Life, winkas}};
//!
//! # fn main() -> tokenlease_core::Result<()> {
//! let password = Secret::from("secret");
//! let issue = winkas::Issue {
//!     server: winkas::DEFAULT_SERVER,
//!     user: "mj",
//!     password: &password,
//!     contract: "1234",
//! };
//! let request = issue.request()?;
//! assert_eq!(request.uri(), "https://air.winkas.net/api/Authentication/Authenticate");
//!
//! // Send it with any HTTP stack, and note when, on a clock that runs through suspend.
//! let sent_at = Timestamp(1_000);
//! let response = http::Response::new(
//!     r#"{ "WinKasData": { "CurrentToken": "U1vT|86Vb-crg_" },
//!          "WinkasErrorCode": 0, "WinKasStatus": 0, "WinKasStatusString": "Okay" }"#,
//! );
//!
//! let granted = winkas::Issue::parse(&response, sent_at)?;
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
mod verdict;
pub mod winkas;
pub mod wyn;

use std::time::Duration;

use ::http::Response;

pub use self::{
    call::{Answer, ApiAnswer, Call, Grant},
    granted::{Granted, Life},
    oauth2::ClientAuth,
    verdict::Verdict,
};
use self::{oauth2::wire::Stake, reading::Reading};
use crate::{
    credentials::Credentials,
    error::{Error, ErrorKind, Result},
    http::Request,
    identity::{Identity, VendorName},
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
    /// The server of an identity, with its vendor's defaults.
    ///
    /// - WinKAS Air: the documented paths.
    /// - Wyn Enterprise: `/connect/token`, `/connect/revocation`, `/connect/userinfo`; the client
    ///   in the body of a token's request, and in a Basic header of a revocation.
    /// - OAuth2: `/token`, the standard naming none; no revocation, introspection or userinfo until
    ///   their paths are set; the client in a Basic header; the client credentials grant where the
    ///   identity has no user.
    pub fn new(identity: Identity) -> Self {
        let path = |path: &str| Some(path.to_owned());
        let (token, revocation, userinfo) = match identity.vendor() {
            VendorName::Winkas => ("", None, None),
            VendorName::Wyn => {
                (wyn::TOKEN_PATH, path(wyn::REVOCATION_PATH), path(wyn::USERINFO_PATH))
            }
            VendorName::OAuth2 => ("/token", None, None),
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
        match self.identity.vendor() {
            VendorName::Wyn => {
                wyn::whole_seconds(lifetime)?;
                self.lifetime = Some(lifetime);
                Ok(self)
            }
            VendorName::Winkas => Err(unsupported("WinKAS Air", "requested lifetime")
                .advice("the agreement with the vendor sets it")),
            VendorName::OAuth2 => Err(unsupported("OAuth2", "requested lifetime")
                .advice("the server's configuration sets it")),
        }
    }

    /// Sets how tokens are asked for (OAuth2; Wyn knows the password grant only).
    pub fn with_grant(mut self, grant: Grant) -> Result<Self> {
        let (user, client) = (self.identity.user(), self.identity.client());
        match (self.identity.vendor(), grant) {
            (VendorName::Winkas, _) => return Err(unsupported("WinKAS Air", "choice of grants")),
            (VendorName::Wyn, Grant::ClientCredentials) => {
                return Err(unsupported("Wyn Enterprise", "client credentials grant")
                    .advice("use the password grant"));
            }
            (VendorName::OAuth2, Grant::Password) if user.is_empty() => {
                return Err(missing("user name", "the password grant"));
            }
            (VendorName::OAuth2, Grant::ClientCredentials) if client.is_empty() => {
                return Err(missing("client id", "the client credentials grant"));
            }
            (VendorName::OAuth2, Grant::ClientCredentials) if !user.is_empty() => {
                let detail = "the client credentials grant has no user, but the identity has one";
                return Err(Error::new(ErrorKind::Config, detail)
                    .expected("an identity without a user")
                    .advice("drop the user, or use the password grant"));
            }
            (VendorName::Wyn | VendorName::OAuth2, _) => self.grant = grant,
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
        self.identity.vendor() == VendorName::Winkas
    }

    /// Whether the server can be asked for its word on a token.
    pub fn can_verify(&self) -> bool {
        match self.identity.vendor() {
            VendorName::Winkas => true,
            VendorName::Wyn | VendorName::OAuth2 => {
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
        self.identity.vendor() != VendorName::Winkas
    }

    /// Whether a new token ends the identity's older ones.
    pub fn new_token_ends_old(&self) -> bool {
        self.new_token_ends_old
    }

    /// The kind of the server's tokens.
    pub fn token_kind(&self) -> TokenKind {
        match self.identity.vendor() {
            VendorName::Winkas => TokenKind::Winkas,
            VendorName::Wyn | VendorName::OAuth2 => TokenKind::Bearer,
        }
    }

    /// Whether the credentials hold what this server is asked with; the error names what is
    /// missing.
    pub fn check(&self, credentials: &Credentials) -> Result<()> {
        match (self.identity.vendor(), self.grant) {
            (VendorName::Wyn, _) => {
                self.password(credentials)?;
                self.client_secret(credentials).map(drop)
            }
            (VendorName::Winkas, _) | (VendorName::OAuth2, Grant::Password) => {
                self.password(credentials).map(drop)
            }
            (VendorName::OAuth2, Grant::ClientCredentials) => {
                self.client_secret(credentials).map(drop)
            }
        }
    }

    /// The request of a call. What the vendor has no call for is
    /// [`Unsupported`](ErrorKind::Unsupported), naming what there is instead.
    pub fn request(&self, call: &Call, credentials: &Credentials) -> Result<Request> {
        if call.takes_credentials() {
            self.check(credentials)?;
        }
        match (self.identity.vendor(), call) {
            (VendorName::Winkas, Call::Issue) => winkas::Issue {
                server: self.identity.server(),
                user: self.identity.user(),
                password: self.password(credentials)?,
                contract: self.identity.realm(),
            }
            .request(),
            (VendorName::Winkas, Call::Refetch) => winkas::Refetch {
                server: self.identity.server(),
                user: self.identity.user(),
                password: self.password(credentials)?,
                contract: self.identity.realm(),
            }
            .request(),
            (VendorName::Winkas, Call::Verify(token)) => {
                winkas::Validate { server: self.identity.server(), token }.request()
            }
            (VendorName::Winkas, Call::Revoke(_)) => Err(unsupported("WinKAS Air", "revocation")
                .advice("`forget` stops using the token; it ends by itself")),
            (VendorName::Wyn, Call::Issue) => wyn::Issue {
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
            (VendorName::OAuth2, Call::Issue) => self.issue(credentials),
            (VendorName::Wyn | VendorName::OAuth2, Call::Refetch) => {
                Err(unsupported("OAuth2", "way to have a token again").advice("ask for a new one"))
            }
            (VendorName::Wyn | VendorName::OAuth2, Call::Verify(token)) => {
                self.verify(token, credentials)
            }
            (VendorName::Wyn, Call::Revoke(token)) => wyn::Revoke {
                server: self.identity.server(),
                path: self.revocation()?,
                token,
                client: self.client(credentials, ClientAuth::Basic),
            }
            .request(),
            (VendorName::OAuth2, Call::Revoke(token)) => self.revoke(token, credentials),
        }
    }

    /// What the response to a call says, if the call's request was sent at `sent_at`. Errors quote
    /// the vendor, but neither the credentials nor the call's token.
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
        if let Call::Verify(token) | Call::Revoke(token) = call {
            secrets.push(token.expose());
        }
        let reading = &Reading::of(response).hiding(&secrets);
        match (self.identity.vendor(), call) {
            (VendorName::Winkas, Call::Issue) => {
                Answer::granted(winkas::read_issue(reading, sent_at, ErrorKind::CredentialsRefused))
            }
            (VendorName::Winkas, Call::Refetch) => winkas::read_refetch(reading, sent_at),
            (VendorName::Winkas, Call::Verify(_)) => Answer::verdict(winkas::read_verdict(reading)),
            (VendorName::Wyn | VendorName::OAuth2, Call::Issue) => {
                Answer::granted(oauth2::wire::granted(reading, sent_at, Stake::Credentials))
            }
            (VendorName::Wyn | VendorName::OAuth2, Call::Verify(_)) => {
                Answer::verdict(if self.userinfo_path.is_some() {
                    oauth2::read_userinfo(reading)
                } else {
                    oauth2::read_introspection(reading)
                })
            }
            (VendorName::Wyn | VendorName::OAuth2, Call::Revoke(_)) => {
                oauth2::read_revocation(reading).map_or_else(Answer::Failed, |()| Answer::Revoked)
            }
            (VendorName::Winkas, Call::Revoke(_)) => {
                Answer::Failed(unsupported("WinKAS Air", "revocation"))
            }
            (VendorName::Wyn | VendorName::OAuth2, Call::Refetch) => {
                Answer::Failed(unsupported("OAuth2", "way to have a token again"))
            }
        }
    }

    /// What the answer to an API call that was made with a token says about the token.
    pub fn read_api(&self, response: &Response<impl AsRef<[u8]>>) -> ApiAnswer {
        let reading = Reading::of(response);
        match (self.identity.vendor(), reading.status.as_u16()) {
            (_, 401) => ApiAnswer::Refused,
            // It says that the token lacks a right (RFC 6750 section 3.1), but some servers answer
            // no more than that to a dead token.
            (VendorName::Wyn | VendorName::OAuth2, 403)
                if self.can_verify() && reading.says_nothing_more() =>
            {
                ApiAnswer::Ask
            }
            (VendorName::Winkas, 200..=299) if winkas::failed_inside(&reading) => ApiAnswer::Ask,
            _ => ApiAnswer::NotRefused,
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

    /// The server itself, if its vendor keeps to the OAuth2 standard.
    fn standard(self, what: &str) -> Result<Self> {
        match self.identity.vendor() {
            VendorName::Winkas => Err(unsupported("WinKAS Air", what)),
            VendorName::Wyn | VendorName::OAuth2 => Ok(self),
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

fn unsupported(vendor: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{vendor} has no {what}"))
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
