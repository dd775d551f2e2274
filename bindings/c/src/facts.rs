//! The facts about a token: when it expires, how that is known, its age, source and generation.

use tokenlease::{
    Clock as _, SystemClock,
    core::lease::{ExpiryBasis, Source},
};

use crate::{constants::TOKENLEASE_NONE, token::tokenlease_token};

/// How a token's expiry is known. Later versions may add numbers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_expiry {
    /// Nothing is known of the token, or the result for NULL.
    TOKENLEASE_EXPIRY_NONE = 0,
    /// The provider stated it.
    TOKENLEASE_EXPIRY_STATED = 1,
    /// The option "max_lifetime" ends it before the provider does.
    TOKENLEASE_EXPIRY_CAPPED = 2,
    /// The agreed lifetime (winkas): from then on the token is validated before it is returned.
    TOKENLEASE_EXPIRY_ASSUMED = 3,
    /// Like TOKENLEASE_EXPIRY_ASSUMED, but learned from earlier tokens.
    TOKENLEASE_EXPIRY_LEARNED = 4,
    /// A refetch returned the token, and its login is not known.
    TOKENLEASE_EXPIRY_UNKNOWN = 5,
    /// The provider states none, and no rule gives one.
    TOKENLEASE_EXPIRY_UNSTATED = 6,
    /// The provider stated a lifetime of zero or less.
    TOKENLEASE_EXPIRY_EXPIRED_ON_ARRIVAL = 7,
}

/// Where this process got a token. Later versions may add numbers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_source {
    /// Nothing is known of the token, or the result for NULL.
    TOKENLEASE_SOURCE_NONE = 0,
    /// The memory of this process.
    TOKENLEASE_SOURCE_MEMORY = 1,
    /// The store.
    TOKENLEASE_SOURCE_STORE = 2,
    /// A request for the running token.
    TOKENLEASE_SOURCE_REFETCH = 3,
    /// A login.
    TOKENLEASE_SOURCE_LOGIN = 4,
    /// tokenlease_client_adopt.
    TOKENLEASE_SOURCE_ADOPTED = 5,
}

/// Returns when the token expires, in milliseconds since 1970-01-01T00:00:00Z, as it was known when
/// the client returned the token. TOKENLEASE_NONE if it is not known, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_expires_at_ms(token: Option<&tokenlease_token>) -> i64 {
    let facts = token.and_then(|token| token.facts);
    facts.and_then(|facts| facts.expires_at).map_or(TOKENLEASE_NONE, |at| at.0.max(0))
}

/// Returns how the token's expiry is known. TOKENLEASE_EXPIRY_NONE for a token of another client, and
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_expiry(token: Option<&tokenlease_token>) -> tokenlease_expiry {
    match token.and_then(|token| token.facts).map(|facts| facts.expiry) {
        Some(ExpiryBasis::Stated) => tokenlease_expiry::TOKENLEASE_EXPIRY_STATED,
        Some(ExpiryBasis::Capped) => tokenlease_expiry::TOKENLEASE_EXPIRY_CAPPED,
        Some(ExpiryBasis::Assumed) => tokenlease_expiry::TOKENLEASE_EXPIRY_ASSUMED,
        Some(ExpiryBasis::Learned) => tokenlease_expiry::TOKENLEASE_EXPIRY_LEARNED,
        Some(ExpiryBasis::Unstated) => tokenlease_expiry::TOKENLEASE_EXPIRY_UNSTATED,
        Some(ExpiryBasis::ExpiredOnArrival) => {
            tokenlease_expiry::TOKENLEASE_EXPIRY_EXPIRED_ON_ARRIVAL
        }
        Some(_) => tokenlease_expiry::TOKENLEASE_EXPIRY_UNKNOWN,
        None => tokenlease_expiry::TOKENLEASE_EXPIRY_NONE,
    }
}

/// Returns the milliseconds since the request for the token was sent. TOKENLEASE_NONE if it is not
/// known, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_age_ms(token: Option<&tokenlease_token>) -> i64 {
    let facts = token.and_then(|token| token.facts);
    facts.map_or(TOKENLEASE_NONE, |facts| {
        let age = facts.age(SystemClock.now().wall);
        i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Returns where this process got the token. TOKENLEASE_SOURCE_NONE for a token of another client, and
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_source(token: Option<&tokenlease_token>) -> tokenlease_source {
    match token.and_then(|token| token.facts).map(|facts| facts.source) {
        Some(Source::Memory) => tokenlease_source::TOKENLEASE_SOURCE_MEMORY,
        Some(Source::Store) => tokenlease_source::TOKENLEASE_SOURCE_STORE,
        Some(Source::Refetch) => tokenlease_source::TOKENLEASE_SOURCE_REFETCH,
        Some(Source::Login) => tokenlease_source::TOKENLEASE_SOURCE_LOGIN,
        Some(Source::Adopted) => tokenlease_source::TOKENLEASE_SOURCE_ADOPTED,
        Some(_) | None => tokenlease_source::TOKENLEASE_SOURCE_NONE,
    }
}

/// Returns the number of tokens of the identity up to and including this one. 0 if it is not known,
/// and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_generation(token: Option<&tokenlease_token>) -> u64 {
    token.and_then(|token| token.facts).map_or(0, |facts| facts.generation)
}
