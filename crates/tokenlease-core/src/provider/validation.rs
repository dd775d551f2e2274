//! The result of a validation.

/// The result of a validation. A parser that finds neither returns an error: inconclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// The token is active.
    Active,
    /// The token is not active, and will not become active again.
    Inactive,
}
