//! What can be asked of a provider, and what the answers say.

use crate::{
    error::{Error, Result},
    provider::{granted::Granted, validation::Validation},
    token::Token,
};

/// How an OAuth2 server is asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grant {
    /// For a user, by name and password (RFC 6749 section 4.3).
    Password,
    /// For the client itself (RFC 6749 section 4.4).
    ClientCredentials,
}

/// A call to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A new token.
    Login,
    /// The last active token again (WinKAS).
    Refetch,
    /// Is the token active? WinKAS' Validate, userinfo, or introspection where only that is
    /// configured.
    Validate(Token),
    /// End the token.
    Revoke(Token),
}

impl Call {
    /// Whether the call logs in: its rejection may count against the account.
    pub fn takes_credentials(&self) -> bool {
        matches!(self, Self::Login | Self::Refetch)
    }
}

/// What a provider's response to a [`Call`] says.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A token (Login and Refetch).
    Token(Granted),
    /// There is no token to refetch, or the refetch failed inside the envelope. It says nothing
    /// about the credentials.
    NoToken(Error),
    /// The provider's clear yes to the token (Validate).
    Active,
    /// The provider's clear no to the token (Validate).
    Inactive,
    /// The provider took the revocation. That proves nothing: Validate does.
    Revoked,
    /// Anything else. To Validate it is no word on the token.
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

/// What the answer to a call of the provider's own API says about the token it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiAnswer {
    /// The token was not rejected.
    NotRejected,
    /// The token was rejected (401).
    Rejected,
    /// The call failed inside a WinKAS envelope, or with an empty 403 of another server's, which
    /// does not say why: the token may have been rejected. Validate can tell.
    Ask,
}
