//! The options of the state machine.

use std::time::Duration;

use super::outage::OnStoreOutage;

/// How the state machine behaves. [`Policy::default`] has the documented defaults.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether there is a store. Without one the state machine answers its own store effects.
    /// Default: `true`.
    pub store: bool,
    /// How long callers may be answered from memory before the record is read again. Default: 30 s.
    pub store_check_interval: Duration,
    /// The time limit of a store effect. Default: 2 s.
    pub store_timeout: Duration,
    /// The time limit of a request to the server. Default: 10 s.
    pub request_timeout: Duration,
    /// How long a lock lives, counted from when it was requested. Default: 30 s.
    pub lock_ttl: Duration,
    /// The policy for a store outage. Default: by provider, see [`OnStoreOutage`].
    pub on_store_outage: Option<OnStoreOutage>,
    /// The lifetime of tokens whose expiry nobody states (`WinKAS`), as agreed with the operator of the
    /// server. Default: 12 hours.
    pub agreed_lifetime: Option<Duration>,
    /// An upper limit for a token's lifetime. Default: none.
    pub max_lifetime: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            store: true,
            store_check_interval: Duration::from_secs(30),
            store_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(10),
            lock_ttl: Duration::from_secs(30),
            on_store_outage: None,
            agreed_lifetime: None,
            max_lifetime: None,
        }
    }
}
