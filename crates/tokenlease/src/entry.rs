//! One proof's machine in this process, and who waits for it.

mod driver;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokenlease_core::{
    Credentials, Error, ErrorKind, Now, Proof, Result, Timestamp,
    lifecycle::{Ask, Event, Lifecycle, Outcome, Pending, Reply, Served},
    time::Moment as _,
};
use tokio::{runtime::Handle, sync::Notify};

use self::driver::Driver;
use crate::{inner::Inner, random};

/// The machine of one proof, and who waits for it.
#[derive(Debug)]
pub(crate) struct Entry {
    proof: Proof,
    /// The credentials, unless a function fetches them.
    credentials: Option<Credentials>,
    /// Tells its tenures of locks from those of all others.
    seed: u64,
    machine: Mutex<Machine>,
    /// A flight or a job ended: those who wait ask again.
    landed: Notify,
    /// Something came back, or someone asks: the driver polls again.
    kicked: Notify,
    /// The provider returned other secrets: who waits here moves on to their entry.
    superseded: AtomicBool,
    /// Explicit jobs come one after the other.
    pub(crate) jobs: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Machine {
    lifecycle: Lifecycle,
    driven: bool,
    landings: u64,
}

impl Entry {
    pub(crate) fn new(inner: &Inner, credentials: &Credentials, keep: bool) -> Result<Self> {
        inner.server.check(credentials)?;
        let key = inner.registry.key();
        let proof = Proof::of(key, credentials);
        let lifecycle =
            Lifecycle::new(&inner.server, proof, key.clone(), inner.policy, random::seed()?);
        Ok(Self {
            proof,
            credentials: keep.then(|| credentials.clone()),
            seed: random::seed()?,
            machine: Mutex::new(Machine { lifecycle, driven: false, landings: 0 }),
            landed: Notify::new(),
            kicked: Notify::new(),
            superseded: AtomicBool::new(false),
            jobs: tokio::sync::Mutex::new(()),
        })
    }

    pub(crate) fn proof(&self) -> Proof {
        self.proof
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Looks at the machine.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&Lifecycle) -> R) -> R {
        look(&self.lock().lifecycle)
    }

    /// Asks the machine once, and sees to it that it is driven.
    pub(crate) fn ask(self: &Arc<Self>, inner: &Arc<Inner>, ask: &Ask) -> Result<Reply> {
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
        inner: &Arc<Inner>,
        change: impl FnOnce(&mut Lifecycle) -> R,
    ) -> Result<R> {
        let mut machine = self.lock();
        let now = inner.now();
        let result = change(&mut machine.lifecycle);
        let news = self.publish(inner, &mut machine, now);
        let start = self.drive(inner, &mut machine);
        drop(machine);
        self.tell(inner, news);
        self.start(inner, start?);
        Ok(result)
    }

    /// Waits until the machine answers the caller; at its deadline it does in any case. `None`: the
    /// caller is to ask the client's new entry.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        ask: &Ask,
    ) -> Option<Result<Served>> {
        loop {
            let landed = self.landed.notified();
            tokio::pin!(landed);
            landed.as_mut().enable();
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
                () = &mut landed => {}
                () = inner.registry.clock().sleep(left) => {}
            }
        }
    }

    /// Waits until `done` gives something, looking whenever a flight or a job ended.
    pub(crate) async fn until<R>(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        deadline: Timestamp,
        mut done: impl FnMut(&mut Lifecycle) -> Option<R>,
    ) -> Result<R> {
        let result = async {
            loop {
                let landed = self.landed.notified();
                tokio::pin!(landed);
                landed.as_mut().enable();
                if let Some(result) = self.with(inner, &mut done)? {
                    return Ok(result);
                }
                let left = deadline.since(inner.elapsed());
                if left.is_zero() {
                    return Err(Error::new(ErrorKind::Deadline, "the call was not done in time")
                        .advice("look at the vendor and the store, or wait longer"));
                }
                tokio::select! {
                    () = &mut landed => {}
                    () = inner.registry.clock().sleep(left) => {}
                }
            }
        };
        inner.runtime()?.within(result).await?
    }

    /// Other secrets are in force: who waits here is to move on.
    pub(crate) fn supersede(&self) {
        self.superseded.store(true, Ordering::Release);
        self.landed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // The machine's own steps leave it whole, even where a hook panicked afterwards.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the driver. If there is work and nobody does it, there must be one: it is started
    /// where the answer says, when the machine is unlocked.
    fn drive(&self, inner: &Inner, machine: &mut Machine) -> Result<Option<&'static Handle>> {
        if machine.driven {
            self.kicked.notify_one();
        } else if machine.lifecycle.has_work() {
            let handle = inner.runtime()?.handle()?;
            machine.driven = true;
            return Ok(Some(handle));
        }
        Ok(None)
    }

    fn start(self: &Arc<Self>, inner: &Arc<Inner>, start: Option<&'static Handle>) {
        if let Some(handle) = start {
            handle.spawn(Driver::new(inner.clone(), self.clone()).run());
        }
    }

    /// After a step: sets the fast path. What is left to tell is told when the machine is
    /// unlocked: a hook may look at its client, and who is woken asks at once.
    #[must_use]
    fn publish(self: &Arc<Self>, inner: &Inner, machine: &mut Machine, now: Now) -> News {
        inner.publish(self, machine.lifecycle.ready(now), now);
        let landings = machine.lifecycle.landings();
        let landed = std::mem::replace(&mut machine.landings, landings) != landings;
        News { events: machine.lifecycle.events(), landed }
    }

    fn tell(&self, inner: &Inner, news: News) {
        for event in news.events {
            inner.happened(event);
        }
        if news.landed {
            self.landed.notify_waiters();
        }
    }

    fn handle(self: &Arc<Self>, inner: &Arc<Inner>, pending: Pending, outcome: Outcome) {
        let mut machine = self.lock();
        let now = inner.now();
        machine.lifecycle.handle(pending, outcome, now);
        let news = self.publish(inner, &mut machine, now);
        // What came late may leave something to save after the driver went. Without a runtime
        // there is no driver to start, and this very task would not run.
        let start = self.drive(inner, &mut machine).unwrap_or_default();
        drop(machine);
        self.tell(inner, news);
        self.start(inner, start);
    }
}

/// What a step leaves to tell: events, and that those who wait should ask again.
struct News {
    events: Vec<Event>,
    landed: bool,
}
