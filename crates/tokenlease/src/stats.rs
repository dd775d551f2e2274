//! The counts of a client. Answers from the cache are not counted, so that they stay cheap.

/// The counts of a client since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Login requests sent.
    pub logins: u64,
    /// Refetch requests sent (WinKAS).
    pub refetches: u64,
    /// Validation requests sent: Validate, userinfo or introspection.
    pub validations: u64,
    /// Revocation requests sent.
    pub revocations: u64,
    /// Calls to the store.
    pub store_calls: u64,
    /// Callers that found no fresh token in the cache.
    pub cache_misses: u64,
    /// Callers that got an error.
    pub errors: u64,
    /// Events that the hook did not get, because more than 256 waited for it.
    pub events_dropped: u64,
}
