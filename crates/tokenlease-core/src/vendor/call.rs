//! What can be asked of a vendor, and what the answers say.

use crate::{
    error::{Error, Result},
    token::Token,
    vendor::{granted::Granted, verdict::Verdict},
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

/// A call to a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A new token.
    Issue,
    /// The last active token again (WinKAS).
    Refetch,
    /// Is the token active? WinKAS' Validate, userinfo, or introspection where only that is
    /// configured.
    Verify(Token),
    /// End the token.
    Revoke(Token),
}

impl Call {
    /// Whether the call logs in: its refusal may count against the account.
    pub fn takes_credentials(&self) -> bool {
        matches!(self, Self::Issue | Self::Refetch)
    }
}

/// What a vendor's response to a [`Call`] says.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A token (Issue and Refetch).
    Token(Granted),
    /// There is no token to refetch, or the refetch failed inside the envelope. It says nothing
    /// about the credentials.
    NoToken(Error),
    /// The vendor's clear yes to the token (Verify).
    Active,
    /// The vendor's clear no to the token (Verify).
    Inactive,
    /// The vendor took the revocation. That proves nothing: Verify does.
    Revoked,
    /// Anything else. To Verify it is no word on the token.
    Failed(Error),
}

impl Answer {
    pub(super) fn granted(result: Result<Granted>) -> Self {
        result.map_or_else(Self::Failed, Self::Token)
    }

    pub(super) fn verdict(result: Result<Verdict>) -> Self {
        match result {
            Ok(Verdict::Active) => Self::Active,
            Ok(Verdict::Inactive) => Self::Inactive,
            Err(error) => Self::Failed(error),
        }
    }
}

/// What the answer to a call of the vendor's own API says about the token it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiAnswer {
    /// The token was not refused.
    NotRefused,
    /// The token was refused (401).
    Refused,
    /// The call failed inside a WinKAS envelope, or with an empty 403 of another server's, which
    /// does not say why: the token may have been refused. Verify can tell.
    Ask,
}
