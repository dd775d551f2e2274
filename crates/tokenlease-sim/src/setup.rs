//! The parameters of a world, its faults, its callers and its statistics.

use std::{collections::BTreeMap, time::Duration};

use tokenlease_core::{ErrorKind, lifecycle::Policy};

use crate::{H, Kind, Password, Quirk, S, bugs::Bug};

/// The parameters of a world.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "options of a world")]
pub struct Setup {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The provider to simulate.
    pub kind: Kind,
    /// The lifetime of its tokens, in milliseconds.
    pub lifetime: i64,
    /// The number of hosts.
    pub hosts: usize,
    /// The number of processes on each host.
    pub processes: usize,
    /// The errors of the hosts' wall clocks, in milliseconds. Hosts without an entry have none.
    pub wall_offsets: Vec<i64>,
    /// The policy of each state machine.
    pub policy: Policy,
    /// Whether a new token ends the previous one.
    pub new_token_ends_old: bool,
    /// Whether a refetch with rejected credentials is answered as if there were no token.
    pub refetch_hides_rejection: bool,
    /// Whether the provider offers no validation of tokens.
    pub without_validation: bool,
    /// How the provider differs from the usual one.
    pub quirk: Option<Quirk>,
    /// Whether the identity has a subject, and each login sends a new ticket.
    pub subject: bool,
    /// A bug to inject around the state machines.
    pub bug: Option<Bug>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            kind: Kind::Winkas,
            lifetime: 12 * H,
            hosts: 1,
            processes: 2,
            wall_offsets: Vec::new(),
            policy: Policy::default(),
            new_token_ends_old: false,
            refetch_hides_rejection: false,
            without_validation: false,
            quirk: None,
            subject: false,
            bug: None,
        }
    }
}

/// A fault that lasts for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Calls to the store fail at once.
    Store,
    /// The store rejects all calls, as with a wrong password.
    StoreRejects,
    /// The store can be read, and rejects locks and writes, as on a full disk.
    StoreFull,
    /// Half of the calls to the store take up to four seconds more.
    SlowStore,
    /// Of all calls, 15 % of the requests and 15 % of the answers are lost.
    Lossy,
    /// The provider answers 503.
    Provider,
    /// Connections to the provider are refused.
    Unreachable,
    /// The provider answers credentials with 429 and `Retry-After` of a minute.
    Throttle,
    /// Half of the calls to the provider take up to 20 seconds more.
    Slow,
    /// Only the refetch answers 503.
    Refetch,
    /// Only the validation answers 503.
    Validate,
    /// The provider answers credentials with 403.
    Forbid,
    /// The provider answers credentials with an error that only another configuration corrects.
    Config,
    /// The store lost its data when the fault began, or its record can't be read.
    Flush,
    /// A percentage of the calls to the store are lost.
    StoreCalls,
    /// The provider answers 503 with `Retry-After` of half a minute.
    Busy,
    /// One in five requests arrives twice.
    Duplicate,
}

/// A caller, and how it asks for a token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The caller's password, if it is not the one of the process.
    pub password: Option<Password>,
    /// Its timeout, in milliseconds.
    pub timeout: i64,
    /// Whether it asks for another token and repeats its API call when the API rejects the token.
    pub replay: bool,
    /// The remaining lifetime that it requests.
    pub min_remaining: Option<Duration>,
    /// How long after the answer it calls the API, in milliseconds.
    pub use_delay: i64,
}

impl Default for Caller {
    fn default() -> Self {
        Self { password: None, timeout: 20 * S, replay: true, min_remaining: None, use_delay: 0 }
    }
}

impl Caller {
    /// Returns a caller with this password.
    pub fn with(password: &str) -> Self {
        Self { password: Some(password.into()), ..Self::default() }
    }
}

/// The statistics of a world.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Calls for a token.
    pub asks: u64,
    /// Tokens served.
    pub served: u64,
    /// Tokens that were inactive when they were served.
    pub inactive_served: u64,
    /// Calls answered with an error, by kind.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// The logins that a client with complete knowledge would have sent.
    pub minimum: u32,
    /// Sends of credentials before the provider's `Retry-After` had passed.
    pub sent_in_backoff: u64,
    /// Sends of credentials that the provider answered with 503.
    pub sent_while_down: u64,
    /// Sends of credentials that were answered with 403 or with a configuration error.
    pub forbidden: u64,
    /// The time of each answer.
    pub answer_times: Vec<i64>,
    /// Logins while a usable token was active, by cause.
    pub extra_logins: BTreeMap<&'static str, u64>,
    /// Rejections that the client answered with "still active", so that callers repeat nothing.
    pub still_active: u64,
}

impl Stats {
    /// Returns the number of errors of all kinds.
    pub fn errors(&self) -> u64 {
        self.errors.values().sum()
    }
}
