//! One call to the server: its request, and the meaning of the outcome.

use ::http::Response;

use super::Outcome;
use crate::{
    credentials::Credentials,
    error::{Error, ErrorKind},
    http::Request,
    lifecycle,
    provider::{Answer, Call, Server},
    time::Timestamp,
};

/// One call to the server whose request was built. It reads the answer.
#[derive(Debug)]
pub struct Exchange {
    server: Server,
    call: Call,
    credentials: Credentials,
}

impl Exchange {
    /// Makes the exchange of a call, and its request.
    ///
    /// # Errors
    /// The outcome of a call that the server does not have, or whose request can't be built.
    pub fn new(
        server: Server,
        call: Call,
        credentials: Credentials,
    ) -> Result<(Self, Request), Box<lifecycle::Outcome>> {
        Self::check(&server, &call)?;
        match server.request(&call, &credentials) {
            Ok(request) => Ok((Self { server, call, credentials }, request)),
            Err(error) => Err(Box::new(lifecycle::Outcome::NotSent(lasting(error)))),
        }
    }

    /// Checks that the server has the call, which its discovery document may say.
    ///
    /// # Errors
    /// The outcome of a call that the server does not have.
    pub fn check(server: &Server, call: &Call) -> Result<(), Box<lifecycle::Outcome>> {
        if matches!(call, Call::Validate(_)) && !server.can_validate() {
            let error = "the server's discovery document names no call that validates tokens";
            let error = Error::new(ErrorKind::Unsupported, error);
            return Err(Box::new(lifecycle::Outcome::Answered(Answer::Failed(error))));
        }
        Ok(())
    }

    /// Returns the call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Returns whether the status of a success is all that the answer says.
    pub fn status_is_enough(&self) -> bool {
        // All that a revocation is answered is the status (RFC 7009 section 2.2).
        matches!(self.call, Call::Revoke(_))
    }

    /// Reads the answer to the request, which was sent at `sent_at`.
    pub fn read(&self, response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Answer {
        self.server.read(&self.call, response, sent_at, &self.credentials)
    }

    /// Removes the secrets of the request from a text of an HTTP library.
    #[must_use]
    pub fn redact(&self, error: Error) -> Error {
        self.server.redact(error, &self.call, &self.credentials)
    }

    /// Returns the outcome as the lifecycle takes it.
    pub(super) fn outcome(&self, outcome: Outcome<'_>, sent_at: Timestamp) -> lifecycle::Outcome {
        use lifecycle::Outcome as O;
        match outcome {
            Outcome::Answered(response) => O::Answered(self.read(&response, sent_at)),
            Outcome::NotSent(error) => O::NotSent(lasting(error)),
            Outcome::Unusable(error) => O::Answered(Answer::Failed(error)),
            Outcome::Lost(error) | Outcome::Failed(error) => O::Lost(error),
            _ => O::Lost(Error::new(
                ErrorKind::Internal,
                "a request got the outcome of a store effect",
            )),
        }
    }
}

/// Marks an error of the configuration: another attempt does not correct it.
#[must_use]
pub fn lasting(error: Error) -> Error {
    if error.kind() == ErrorKind::Config { error.lasting() } else { error }
}
