//! The options of the state machine, and which of their values can work.

use std::time::Duration;

use super::outage::OnStoreOutage;
use crate::{
    error::{Error, ErrorKind, Result},
    provider::Server,
};

/// The shortest timeout of a request. Half of it is for the connection.
const MIN_REQUEST_TIMEOUT: Duration = Duration::from_millis(100);
/// The longest timeout of a request. The lock lives twice as long by default.
const MAX_REQUEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// The shortest time limit of a store effect.
const MIN_STORE_TIMEOUT: Duration = Duration::from_millis(10);
/// The longest life of a lock. A process that crashes keeps its lock for as long.
const MAX_LOCK_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest time between two reads of the record.
const MIN_STORE_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest lifetime to which tokens may be limited, and the shortest agreed one.
const MIN_LIFETIME: Duration = Duration::from_secs(60);
/// The shortest deadline that every call may have.
const MIN_DEADLINE: Duration = Duration::from_millis(10);

/// How the state machine behaves. [`Policy::default`] has the documented defaults.
///
/// [`check`](Self::check) rejects values with which the state machine can't work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether there is a store. Without one the state machine answers its own store effects.
    /// Default: `true`.
    pub store: bool,
    /// How long callers may be answered from memory before the record is read again. Default: 30 s,
    /// minimum: 1 s.
    pub store_check_interval: Duration,
    /// The time limit of a store effect. Default: 2 s.
    pub store_timeout: Duration,
    /// The time limit of a request to the server. Default: 10 s, from 100 ms to an hour.
    pub request_timeout: Duration,
    /// How long a lock lives, counted from when it was requested. Default: 30 s. Minimum: the time
    /// limit of a request and twice that of a store effect. Maximum: a day.
    pub lock_ttl: Duration,
    /// The policy for a store outage. Default: by provider, see [`OnStoreOutage`].
    pub on_store_outage: Option<OnStoreOutage>,
    /// The lifetime of tokens whose expiry nobody states (`WinKAS`), as agreed with the operator of the
    /// server. Default: 12 hours, minimum: a minute.
    pub agreed_lifetime: Option<Duration>,
    /// An upper limit for a token's lifetime. Default: none. Minimum: a minute, and longer than the
    /// time limit of a request.
    pub max_lifetime: Option<Duration>,
    /// Whether nothing that needs the user's credentials is ever sent: neither a login nor a refetch. Then
    /// none are needed. Default: `false`.
    pub without_login: bool,
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
            without_login: false,
        }
    }
}

impl Policy {
    /// The default policy for that time limit of a request: a login completes within the lock's TTL.
    pub fn for_request_timeout(timeout: Duration) -> Self {
        let policy = Self::default();
        let lock_ttl = policy.lock_ttl.max(timeout.saturating_mul(2));
        Self { request_timeout: timeout, lock_ttl, ..policy }
    }

    /// Checks that the state machine can work with these options. `deadline` is that of callers who
    /// set none.
    ///
    /// # Errors
    /// `Config` with the option, the reason, and a value that works.
    pub fn check(&self, server: &Server, deadline: Duration) -> Result<()> {
        self.check_request_timeout()?;
        at_least(
            "store_timeout",
            self.store_timeout,
            MIN_STORE_TIMEOUT,
            "no call to a store completes within it",
        )?;
        self.check_lock_ttl()?;
        at_least(
            "store_check_interval",
            self.store_check_interval,
            MIN_STORE_CHECK_INTERVAL,
            "a token would have to be checked again before it can be used, and the store would be \
             read without a pause",
        )?;
        if let Some(lifetime) = self.agreed_lifetime {
            let why = "each call would validate its token first";
            at_least("agreed_lifetime", lifetime, MIN_LIFETIME, why)?;
        }
        if let Some(lifetime) = self.max_lifetime {
            let why = "tokens would expire at once, and each use would need a login";
            at_least("max_lifetime", lifetime, MIN_LIFETIME, why)?;
            if lifetime <= self.request_timeout {
                let limit = self.request_timeout;
                return Err(bad(
                    &format!("max_lifetime is {lifetime:?} and timeout is {limit:?}"),
                    "a token could expire before the answer to its login arrives",
                )
                .expected(format!("a max_lifetime of more than {limit:?}"))
                .advice("raise max_lifetime or lower timeout"));
            }
        }
        at_least("deadline", deadline, MIN_DEADLINE, "a call could end before its work begins")?;
        if self.on_store_outage == Some(OnStoreOutage::RefetchOnly) && !server.can_refetch() {
            return Err(bad(
                "on_store_outage is refetch-only",
                "this server has no call that returns its running token",
            )
            .expected("fail or login-within-budget")
            .advice("set one of them, or leave on_store_outage out: the default fits the server"));
        }
        Ok(())
    }

    /// Checks the time limit of a request alone, which is known before the other options.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_request_timeout(&self) -> Result<()> {
        let why = "no request to a server completes within it";
        at_least("timeout", self.request_timeout, MIN_REQUEST_TIMEOUT, why)?;
        let why = "each process would wait that long for a server that does not answer";
        at_most("timeout", self.request_timeout, MAX_REQUEST_TIMEOUT, why)
    }

    fn check_lock_ttl(&self) -> Result<()> {
        // The answers to the lock and to the read under it may each take the limit of the store. The
        // request that follows must end before the lock does.
        let needed = self.store_timeout.saturating_mul(2).saturating_add(self.request_timeout);
        if self.lock_ttl < needed {
            let timeout = self.request_timeout;
            return Err(bad(
                &format!("lock_ttl is {:?} and timeout is {timeout:?}", self.lock_ttl),
                "a login could outlast the lock under which it is sent, so none would be sent",
            )
            .expected(format!("a lock_ttl of at least {needed:?}"))
            .advice("raise lock_ttl, lower timeout, or leave lock_ttl out: the default fits"));
        }
        let why = "a process that crashes keeps its lock that long, and the others wait";
        at_most("lock_ttl", self.lock_ttl, MAX_LOCK_TTL, why)
    }
}

fn at_least(option: &str, value: Duration, min: Duration, why: &str) -> Result<()> {
    if value >= min {
        return Ok(());
    }
    let value = if value.is_zero() { "0s".into() } else { format!("{value:?}") };
    Err(bad(&format!("{option} is {value}"), why)
        .expected(format!("at least {min:?}"))
        .advice(format!("raise {option}, or leave it out: the default works")))
}

fn at_most(option: &str, value: Duration, max: Duration, why: &str) -> Result<()> {
    if value <= max {
        return Ok(());
    }
    Err(bad(&format!("{option} is {value:?}"), why)
        .expected(format!("at most {max:?}"))
        .advice(format!("lower {option}, or leave it out: the default works")))
}

fn bad(what: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{what}: {why}"))
}
