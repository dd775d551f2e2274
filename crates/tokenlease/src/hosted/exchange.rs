//! One request to the provider and its answer, for a host that keeps tokens itself.

use std::fmt;

use tokenlease_core::{
    Error, ErrorKind, Result, Timestamp,
    http::Request,
    lifecycle::Outcome,
    machine::{Exchange, Outcome as Answered},
    provider::{Answer as Meaning, Call, TokenHeader},
};

use super::{Answer, fetched};
use crate::builder::ClientBuilder;

/// One request to the provider, and the meaning of its answer. It has no token, no store and no state,
/// so nothing bounds the logins of a host that uses it: prefer a [`HostedClient`](super::HostedClient).
///
/// ```
/// use tokenlease::{
///     Client,
///     core::{
///         Credentials, Identity,
///         provider::{Answer as Meaning, Call, Server},
///     },
///     hosted::Answer,
/// };
///
/// let server = Server::new(Identity::wyn("https://wyn.example", "admin", "integration")?);
/// let credentials = Credentials::password("PASSWORD").with_client_secret("SECRET");
/// let exchange = Client::builder(server, credentials).build_exchange(Call::Login)?;
/// assert_eq!(exchange.request().method(), "POST"); // send it with any HTTP library
/// let body = br#"{"access_token":"4E2E","expires_in":3600}"#;
/// let Meaning::Token(granted) = exchange.read(Answer::new(200, b"", body))? else { panic!() };
/// assert_eq!(granted.token.expose(), "4E2E");
/// # Ok::<(), tokenlease::Error>(())
/// ```
pub struct HostedExchange {
    exchange: Exchange,
    request: Request,
    token_header: TokenHeader,
}

impl HostedExchange {
    /// Returns the header in which the server's API takes Bearer tokens.
    pub fn token_header(&self) -> TokenHeader {
        self.token_header
    }

    /// Returns the request to send.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Reads the answer. Times in it count from 0, the moment when the request was sent.
    ///
    /// # Errors
    /// `Config` for an answer without a valid status. A body that can't be used is a
    /// [`Failed`](Meaning::Failed) answer.
    pub fn read(&self, answer: Answer<'_>) -> Result<Meaning> {
        Ok(match answer.read(self.request.uri(), self.exchange.status_is_enough())? {
            Ok(response) => self.exchange.read(&response, Timestamp(0)),
            Err(Answered::NotSent(error) | Answered::Lost(error) | Answered::Unusable(error)) => {
                Meaning::Failed(self.exchange.redact(error))
            }
            Err(_) => Meaning::Failed(Error::new(
                ErrorKind::Internal,
                "an answer was read as the outcome of a store effect",
            )),
        })
    }
}

impl ClientBuilder {
    /// Builds one exchange with the provider, for a host that sends it. It uses the server, the
    /// credentials and the registry's permission for plain HTTP, and no other option. No discovery
    /// document is read: without the option `token_path`, the default paths are used.
    ///
    /// # Errors
    /// `Config` for credentials that the call lacks, and for a server address over which secrets would
    /// be sent unencrypted. `Unsupported` if the provider does not have the call. The errors of the
    /// function that fetches the credentials.
    pub fn build_exchange(self, call: Call) -> Result<HostedExchange> {
        let (registry, _) = self.checked()?;
        let (server, credentials) = self.into_server();
        registry.http().check(server.identity())?;
        let token_header = server.token_header();
        let refused = match Exchange::new(server, call, fetched(&credentials)?) {
            Ok((exchange, request)) => {
                return Ok(HostedExchange { exchange, request, token_header });
            }
            Err(refused) => *refused,
        };
        Err(match refused {
            Outcome::NotSent(error) | Outcome::Answered(Meaning::Failed(error)) => error,
            _ => Error::new(ErrorKind::Internal, "a request was refused without an error"),
        })
    }
}

impl fmt::Debug for HostedExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostedExchange").finish_non_exhaustive()
    }
}
