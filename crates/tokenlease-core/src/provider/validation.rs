//! The provider's word on a token.

/// The provider's clear word on a token. A parser that finds neither answers an error: no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// The token is active.
    Active,
    /// The token is not active, and will not be again.
    Inactive,
}
