//! One credentials fingerprint's machine in this process, and who waits for it.

mod driver;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokenlease_core::{
    Credentials, CredentialsFingerprint, Error, ErrorKind, Now, Result, Timestamp,
    lifecycle::{Ask, Event, Lifecycle, Outcome, Receipt, Reply, Served},
    time::Moment as _,
};
use tokio::{runtime::Handle, sync::Notify};

use self::driver::Driver;
use crate::{random, state::ClientState};

/// The machine of one credentials fingerprint, and who waits for it.
#[derive(Debug)]
pub(crate) struct Entry {
    credentials_fingerprint: CredentialsFingerprint,
    /// The credentials, unless a function fetches them.
    credentials: Option<Credentials>,
    /// Tells its lock_epochs of locks from those of all others.
    seed: u64,
    machine: Mutex<Machine>,
    /// A flight or a job ended: those who wait ask again.
    completed: Notify,
    /// Something came back, or someone asks: the driver polls again.
    woken: Notify,
    /// The provider returned other secrets: who waits here moves on to their entry.
    superseded: AtomicBool,
    /// Explicit jobs come one after the other.
    pub(crate) jobs: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Machine {
    lifecycle: Lifecycle,
    driven: bool,
    completions: u64,
}

impl Entry {
    pub(crate) fn new(inner: &ClientState, credentials: &Credentials, keep: bool) -> Result<Self> {
        inner.server.check(credentials)?;
        let key = inner.registry.key();
        let credentials_fingerprint = CredentialsFingerprint::of(key, credentials);
        let lifecycle = Lifecycle::new(
            &inner.server,
            credentials_fingerprint,
            key.clone(),
            inner.policy,
            random::seed()?,
        );
        Ok(Self {
            credentials_fingerprint,
            credentials: keep.then(|| credentials.clone()),
            seed: random::seed()?,
            machine: Mutex::new(Machine { lifecycle, driven: false, completions: 0 }),
            completed: Notify::new(),
            woken: Notify::new(),
            superseded: AtomicBool::new(false),
            jobs: tokio::sync::Mutex::new(()),
        })
    }

    pub(crate) fn credentials_fingerprint(&self) -> CredentialsFingerprint {
        self.credentials_fingerprint
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Looks at the machine.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&Lifecycle) -> R) -> R {
        look(&self.lock().lifecycle)
    }

    /// Asks the machine once, and sees to it that it is driven.
    pub(crate) fn ask(self: &Arc<Self>, inner: &Arc<ClientState>, ask: &Ask) -> Result<Reply> {
        let mut machine = self.lock();
        let now = inner.now();
        let reply = machine.lifecycle.ask(ask, now);
        let start = self.drive(inner, &mut machine)?;
        drop(machine);
        self.start(inner, start);
        Ok(reply)
    }

    /// Does something to the machine, and sees to it that what follows from it is done.
    pub(crate) fn with<R>(
        self: &Arc<Self>,
        inner: &Arc<ClientState>,
        change: impl FnOnce(&mut Lifecycle) -> R,
    ) -> Result<R> {
        let mut machine = self.lock();
        let now = inner.now();
        let result = change(&mut machine.lifecycle);
        let progress = self.publish(inner, &mut machine, now);
        let start = self.drive(inner, &mut machine);
        drop(machine);
        self.tell(inner, progress);
        self.start(inner, start?);
        Ok(result)
    }

    /// Waits until the machine answers the caller; at its deadline it does in any case. `None`: the
    /// caller is to ask the client's new entry.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        inner: &Arc<ClientState>,
        ask: &Ask,
    ) -> Option<Result<Served>> {
        loop {
            let completed = self.completed.notified();
            tokio::pin!(completed);
            completed.as_mut().enable();
            match self.ask(inner, ask) {
                Ok(Reply::Lease(served)) => return Some(Ok(served)),
                Ok(Reply::Error(error)) | Err(error) => return Some(Err(error)),
                Ok(Reply::Later) => {}
            }
            if self.superseded.load(Ordering::Acquire) {
                return None;
            }
            let left = ask.deadline.since(inner.elapsed());
            tokio::select! {
                () = &mut completed => {}
                () = inner.registry.clock().sleep(left) => {}
            }
        }
    }

    /// Waits until `done` gives something, looking whenever a flight or a job ended.
    pub(crate) async fn until<R>(
        self: &Arc<Self>,
        inner: &Arc<ClientState>,
        deadline: Timestamp,
        mut done: impl FnMut(&mut Lifecycle) -> Option<R>,
    ) -> Result<R> {
        let result = async {
            loop {
                let completed = self.completed.notified();
                tokio::pin!(completed);
                completed.as_mut().enable();
                if let Some(result) = self.with(inner, &mut done)? {
                    return Ok(result);
                }
                let left = deadline.since(inner.elapsed());
                if left.is_zero() {
                    return Err(Error::new(
                        ErrorKind::DeadlineExceeded,
                        "the call was not done in time",
                    )
                    .advice("look at the provider and the store, or wait longer"));
                }
                tokio::select! {
                    () = &mut completed => {}
                    () = inner.registry.clock().sleep(left) => {}
                }
            }
        };
        inner.runtime()?.within(result).await?
    }

    /// Other secrets are in force: who waits here is to move on.
    pub(crate) fn supersede(&self) {
        self.superseded.store(true, Ordering::Release);
        self.completed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // The machine's own steps leave it whole, even where a hook panicked afterwards.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the driver. If there is work and nobody does it, there must be one: it is started
    /// where the answer says, when the machine is unlocked.
    fn drive(&self, inner: &ClientState, machine: &mut Machine) -> Result<Option<&'static Handle>> {
        if machine.driven {
            self.woken.notify_one();
        } else if machine.lifecycle.has_work() {
            let handle = inner.runtime()?.handle()?;
            machine.driven = true;
            return Ok(Some(handle));
        }
        Ok(None)
    }

    fn start(self: &Arc<Self>, inner: &Arc<ClientState>, start: Option<&'static Handle>) {
        if let Some(handle) = start {
            handle.spawn(Driver::new(inner.clone(), self.clone()).run());
        }
    }

    /// After a step: sets the fast path. What is left to tell is told when the machine is
    /// unlocked: a hook may look at its client, and who is woken asks at once.
    #[must_use]
    fn publish(self: &Arc<Self>, inner: &ClientState, machine: &mut Machine, now: Now) -> Progress {
        inner.publish(self, machine.lifecycle.ready(now), now);
        let completions = machine.lifecycle.completions();
        let completed = std::mem::replace(&mut machine.completions, completions) != completions;
        Progress { events: machine.lifecycle.events(), completed }
    }

    fn tell(&self, inner: &ClientState, progress: Progress) {
        for event in progress.events {
            inner.happened(event);
        }
        if progress.completed {
            self.completed.notify_waiters();
        }
    }

    fn handle(self: &Arc<Self>, inner: &Arc<ClientState>, pending: Receipt, outcome: Outcome) {
        let mut machine = self.lock();
        let now = inner.now();
        machine.lifecycle.handle(pending, outcome, now);
        let progress = self.publish(inner, &mut machine, now);
        // What came late may leave something to save after the driver went. Without a runtime
        // there is no driver to start, and this very task would not run.
        let start = self.drive(inner, &mut machine).unwrap_or_default();
        drop(machine);
        self.tell(inner, progress);
        self.start(inner, start);
    }
}

/// What a step leaves to tell: events, and that those who wait should ask again.
struct Progress {
    events: Vec<Event>,
    completed: bool,
}
