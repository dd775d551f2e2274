//! What a world is made of, what breaks in it, who asks, and what is counted.

use std::{collections::BTreeMap, time::Duration};

use tokenlease_core::{ErrorKind, lifecycle::Policy};

use crate::{H, Kind, Password, S, planted::Bug};

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// All chance comes from it.
    pub seed: u64,
    /// Whose ways the provider has.
    pub kind: Kind,
    /// The life of its tokens.
    pub life: i64,
    /// Hosts.
    pub hosts: usize,
    /// Processes on each host.
    pub processes: usize,
    /// How far the wall clocks of the hosts are off; the rest are right.
    pub walls: Vec<i64>,
    /// How the machines behave.
    pub policy: Policy,
    /// A new token ends the one before.
    pub kill: bool,
    /// The provider's refetch does not tell wrong credentials from no token.
    pub vague: bool,
    /// The provider has no validation on tokens.
    pub mute: bool,
    /// A bug that is planted around the machines.
    pub bug: Option<Bug>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            kind: Kind::Winkas,
            life: 12 * H,
            hosts: 1,
            processes: 2,
            walls: Vec::new(),
            policy: Policy::default(),
            kill: false,
            vague: false,
            mute: false,
            bug: None,
        }
    }
}

/// What is broken for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store fails at once.
    Store,
    /// The store takes up to four seconds.
    SlowStore,
    /// Of all calls, one in seven is lost on the way there, and one in seven on the way back.
    Lossy,
    /// The provider answers 503.
    Provider,
    /// The provider can't be reached.
    Unreachable,
    /// The provider answers credentials with 429, to wait for a minute.
    Throttle,
    /// Half of the provider's answers take up to 20 seconds more.
    Slow,
    /// The refetch alone answers 503.
    Refetch,
    /// The validation alone answers 503.
    Validate,
    /// Credentials are answered 403.
    Forbid,
    /// Credentials are answered with an error that only another configuration mends.
    Config,
    /// The store lost its data at the beginning of it.
    Flush,
    /// Calls to the store are lost at random, as often as the world says.
    StoreCalls,
    /// The provider answers 503, to come again after half a minute.
    Busy,
    /// One in five requests arrives twice.
    Duplicate,
}

/// Who asks, and how.
#[derive(Clone, Debug)]
pub struct Caller {
    /// With another password than the process's.
    pub password: Option<Password>,
    /// How long it waits.
    pub wait: i64,
    /// Whether it asks again when its call is rejected.
    pub replay: bool,
    /// The life that it wants left.
    pub min_remaining: Option<Duration>,
    /// How long after it was answered it uses the token.
    pub uses_after: i64,
}

impl Default for Caller {
    fn default() -> Self {
        Self { password: None, wait: 20 * S, replay: true, min_remaining: None, uses_after: 0 }
    }
}

impl Caller {
    /// One with that password.
    pub fn with(password: &str) -> Self {
        Self { password: Some(password.into()), ..Self::default() }
    }
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Calls for a lease.
    pub asks: u64,
    /// Leases served.
    pub served: u64,
    /// Of these, dead when they were served.
    pub dead: u64,
    /// Errors answered, by kind.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// The logins that an all-knowing client would have sent.
    pub minimum: u32,
    /// Sends of credentials while told to wait.
    pub hammered: u64,
    /// Calls that the provider received while it was down.
    pub into_the_dark: u64,
    /// Credentials that were answered 403, or that the configuration is wrong.
    pub forbidden: u64,
    /// When each answer was given.
    pub answered: Vec<i64>,
    /// Logins beside a good token, by cause.
    pub extra: BTreeMap<&'static str, u64>,
    /// Rejections that were answered with "still active": no replay.
    pub still_active: u64,
}

impl Stats {
    /// Errors of all kinds.
    pub fn errors(&self) -> u64 {
        self.errors.values().sum()
    }
}
