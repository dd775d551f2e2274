//! The calls to a server, and the answers to them.

use crate::{
    error::{Error, Result},
    provider::{granted::Granted, validation::Validation},
    token::Token,
};

/// The grant that an OAuth2 login uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grant {
    /// A user's name and password (RFC 6749 section 4.3).
    Password,
    /// The client's own credentials (RFC 6749 section 4.4).
    ClientCredentials,
}

/// A call to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Requests a new token.
    Login,
    /// Requests the last active token (WinKAS).
    Refetch,
    /// Asks whether the token is active: by WinKAS' Validate, by introspection, or by userinfo where no
    /// introspection is configured.
    Validate(Token),
    /// Revokes the token.
    Revoke(Token),
}

impl Call {
    /// Returns whether the call sends the user's or the client's credentials for a token.
    ///
    /// A rejection of such a call may count against the account.
    pub fn takes_credentials(&self) -> bool {
        matches!(self, Self::Login | Self::Refetch)
    }
}

/// The answer to a [`Call`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// A token (Login and Refetch).
    Token(Granted),
    /// There is no token to refetch, or the refetch failed inside the envelope. Neither tells anything
    /// about the credentials.
    NoToken(Error),
    /// The token is active (Validate).
    Active,
    /// The token is not active (Validate).
    Inactive,
    /// The server accepted the revocation. Only a validation proves that the token is inactive.
    Revoked,
    /// The server refused the revocation: the token was not revoked.
    NotRevoked(Error),
    /// Any other response. For Validate it is inconclusive.
    Failed(Error),
}

impl Answer {
    pub(super) fn granted(result: Result<Granted>) -> Self {
        result.map_or_else(Self::Failed, Self::Token)
    }

    pub(super) fn validation(result: Result<Validation>) -> Self {
        match result {
            Ok(Validation::Active) => Self::Active,
            Ok(Validation::Inactive) => Self::Inactive,
            Err(error) => Self::Failed(error),
        }
    }
}
