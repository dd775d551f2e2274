//! An entry: one set of credentials of a client, with its state machine and its waiting callers.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokenlease_core::{
    BootId, Credentials, CredentialsFingerprint, Key, Result, Timestamp,
    lifecycle::{Lifecycle, Packed, Policy},
    provider::{Call, Server},
};
use tokio::sync::{Notify, futures::Notified};

use crate::{
    log::Troubles,
    random,
    store::{self, Owner, RecordName},
};

/// The state machine of one set of credentials, and the signals between its callers and its driver.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The name of its record in the store.
    pub(crate) name: RecordName,
    /// The credentials that the entry was made with.
    credentials_fingerprint: CredentialsFingerprint,
    /// Under which the leases are kept: the credentials, or the subject of the identity.
    holder: CredentialsFingerprint,
    /// The credentials, unless a function fetches them. Those of a subject may be replaced.
    credentials: Mutex<Option<Credentials>>,
    /// The credentials that the function returned in place of others, for the login that it was called for.
    returned: Mutex<Option<Box<(Timestamp, Credentials)>>>,
    /// A random number that distinguishes this entry's locks from those of every other entry.
    seed: u64,
    machine: Mutex<Machine>,
    /// Wakes the waiting callers: a flight or a job ended, so they ask again.
    completed: Notify,
    /// Wakes the driver: an effect completed, or a caller asked.
    pub(crate) woken: Notify,
    /// Tells a driver that waits for its turn to log in that there is something else to do.
    pub(crate) called: Arc<Notify>,
    /// Whether the credentials changed. A waiting caller then moves on to the client's new entry.
    superseded: AtomicBool,
    /// Whether the flight waits for its turn to log in.
    waiting_for_turn: AtomicBool,
    /// Held during a validation, refetch or revocation that a caller named: one at a time.
    pub(crate) jobs: tokio::sync::Mutex<()>,
}

/// The state machine and what the client keeps beside it, under one lock.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) lifecycle: Lifecycle,
    /// Whether a driver is running.
    pub(crate) driven: bool,
    /// The number of completions of which the waiting callers were notified.
    pub(crate) completions: u64,
    pub(crate) troubles: Troubles,
}

/// An entry without work and without callers, in few bytes.
#[derive(Debug)]
pub(crate) struct PackedEntry {
    machine: Packed,
}

impl PackedEntry {
    /// Returns the entry as it was. `kept` are its credentials, unless a function fetches them.
    pub(crate) fn unpack(
        &self,
        server: &Server,
        key: &Key,
        policy: &Arc<Policy>,
        kept: Option<Credentials>,
    ) -> Entry {
        Entry::of_machine(server, self.machine(server, key, policy), kept)
    }

    /// Returns the state machine as it was.
    pub(crate) fn machine(&self, server: &Server, key: &Key, policy: &Arc<Policy>) -> Lifecycle {
        let mut lifecycle = self.machine.unpack(server, key.clone(), policy.clone());
        lifecycle.set_process(store::host(), std::process::id());
        lifecycle
    }

    pub(crate) fn credentials_fingerprint(&self) -> CredentialsFingerprint {
        self.machine.credentials_fingerprint()
    }
}

impl Entry {
    /// Creates the entry of these credentials. `keep` keeps the credentials themselves in it.
    pub(crate) fn new(
        server: &Server,
        key: &Key,
        policy: &Arc<Policy>,
        credentials: &Credentials,
        keep: bool,
        boot: Option<BootId>,
    ) -> Result<Self> {
        if !policy.without_login {
            server.check(credentials)?;
        }
        let fingerprint = CredentialsFingerprint::of(key, credentials);
        Self::of_fingerprint(server, key, policy, fingerprint, keep.then_some(credentials), boot)
    }

    /// Creates the entry of credentials that only their fingerprint is known of.
    pub(crate) fn of_fingerprint(
        server: &Server,
        key: &Key,
        policy: &Arc<Policy>,
        credentials_fingerprint: CredentialsFingerprint,
        kept: Option<&Credentials>,
        boot: Option<BootId>,
    ) -> Result<Self> {
        let mut lifecycle = Lifecycle::new(
            server,
            credentials_fingerprint,
            key.clone(),
            policy.clone(),
            random::seed()?,
        );
        if let Some(boot) = boot {
            lifecycle = lifecycle.with_boot(boot);
        }
        lifecycle.set_process(store::host(), std::process::id());
        Ok(Self::of_machine(server, lifecycle, kept.cloned()))
    }

    fn of_machine(server: &Server, lifecycle: Lifecycle, kept: Option<Credentials>) -> Self {
        Self {
            name: RecordName::new(server.identity().clone()),
            credentials_fingerprint: lifecycle.credentials_fingerprint(),
            holder: lifecycle.holder(),
            credentials: Mutex::new(kept),
            returned: Mutex::new(None),
            seed: lifecycle.seed(),
            machine: Mutex::new(Machine {
                lifecycle,
                driven: false,
                completions: 0,
                troubles: Troubles::default(),
            }),
            completed: Notify::new(),
            woken: Notify::new(),
            called: Arc::default(),
            superseded: AtomicBool::new(false),
            waiting_for_turn: AtomicBool::new(false),
            jobs: tokio::sync::Mutex::new(()),
        }
    }

    /// Packs the entry, without its credentials. `None` if it has work, or a trouble that the log
    /// will end.
    pub(crate) fn pack(&mut self, now: Timestamp) -> Option<PackedEntry> {
        let machine = self.machine.get_mut().unwrap_or_else(PoisonError::into_inner);
        let returned = self.returned.get_mut().unwrap_or_else(PoisonError::into_inner);
        if machine.driven || machine.troubles.are_open() || returned.is_some() {
            return None;
        }
        Some(PackedEntry { machine: machine.lifecycle.pack(now)? })
    }

    pub(crate) fn credentials_fingerprint(&self) -> CredentialsFingerprint {
        self.credentials_fingerprint
    }

    /// Returns the fingerprint under which the leases are kept.
    pub(crate) fn holder(&self) -> CredentialsFingerprint {
        self.holder
    }

    /// Returns whether the leases are kept for a subject, whatever its credentials are.
    pub(crate) fn has_subject(&self) -> bool {
        self.holder != self.credentials_fingerprint
    }

    pub(crate) fn credentials(&self) -> Option<Credentials> {
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the credentials of the subject; `None` if a function fetches them. `then` runs before
    /// other credentials can replace these.
    pub(crate) fn replace_credentials<R>(
        &self,
        credentials: Option<Credentials>,
        then: impl FnOnce() -> R,
    ) -> R {
        let mut kept = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = credentials;
        then()
    }

    /// Keeps credentials that the function has just returned, until the next login or that time.
    pub(crate) fn keep_returned(&self, until: Timestamp, credentials: Credentials) {
        *self.returned.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Box::new((until, credentials)));
    }

    /// Returns the kept credentials. Those for a login are not kept longer.
    pub(crate) fn returned(&self, call: &Call, now: Timestamp) -> Option<Credentials> {
        let mut kept = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take_if(|kept| kept.0 <= now);
        match call {
            Call::Login => kept.take(),
            _ => kept.clone(),
        }
        .map(|kept| kept.1)
    }

    /// Returns the name under which this entry takes the lock of that epoch.
    pub(crate) fn owner(&self, lock_epoch: u64) -> Owner {
        Owner::new(self.seed.wrapping_add(lock_epoch))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Machine> {
        // Each step of the machine leaves it consistent, even if a log's subscriber panicked afterwards.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the machine without changing it.
    pub(crate) fn peek<R>(&self, read: impl FnOnce(&Lifecycle) -> R) -> R {
        read(&self.lock().lifecycle)
    }

    /// Returns a future that is ready after the next call of [`notify_callers`](Self::notify_callers).
    pub(crate) fn completion(&self) -> Notified<'_> {
        self.completed.notified()
    }

    /// Makes the waiting callers ask again.
    pub(crate) fn notify_callers(&self) {
        self.completed.notify_waiters();
    }

    /// Marks the credentials as replaced, and moves the waiting callers to the client's new entry.
    pub(crate) fn supersede(&self) {
        self.superseded.store(true, Ordering::Release);
        self.notify_callers();
    }

    pub(crate) fn set_waiting_for_turn(&self, waiting: bool) {
        self.waiting_for_turn.store(waiting, Ordering::Release);
    }

    pub(crate) fn is_waiting_for_turn(&self) -> bool {
        self.waiting_for_turn.load(Ordering::Acquire)
    }

    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Acquire)
    }
}
