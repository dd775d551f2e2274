//! One proof's machine in this process, and the task that drives it.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokenlease_core::{
    Credentials, Error, ErrorKind, Now, Proof, Result, Timestamp,
    lifecycle::{Ask, Effect, Event, Lifecycle, Outcome, Pending, Reply, Served, Step},
    record::{DecodeError, Record},
    time::Moment as _,
    vendor::Call,
};
use tokio::{runtime::Handle, sync::Notify};

use crate::{
    inner::Inner,
    random,
    store::{Loaded, Locked, Owner, StoreError, Stored, Swapped},
    transport::SendError,
};

/// How long an answer is still waited for after the machine gave it up: a token that comes late
/// is a token.
const LATE: Duration = Duration::from_secs(20);

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
        let start = self.drive(inner, &mut machine, now)?;
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
        let start = self.drive(inner, &mut machine, now);
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

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // The machine's own steps leave it whole, even where a hook panicked afterwards.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the driver. If there is work and nobody does it, there must be one: it is started
    /// where the answer says, when the machine is unlocked.
    fn drive(
        &self,
        inner: &Inner,
        machine: &mut Machine,
        now: Now,
    ) -> Result<Option<&'static Handle>> {
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
            handle.spawn(Driver { inner: inner.clone(), entry: self.clone() }.run());
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
        let start = self.drive(inner, &mut machine, now).unwrap_or_default();
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

/// Drives an entry's machine until it has nothing to do. It is a task of its own, so no caller
/// that gives up takes it along.
struct Driver {
    inner: Arc<Inner>,
    entry: Arc<Entry>,
}

impl Driver {
    async fn run(self) {
        loop {
            let (inner, entry) = (&self.inner, &self.entry);
            let kicked = entry.kicked.notified();
            let (step, now) = {
                let mut machine = entry.lock();
                let now = inner.now();
                let step = machine.lifecycle.poll(now);
                let mut news = entry.publish(inner, &mut machine, now);
                if matches!(step, Step::Done) {
                    machine.driven = false;
                    news.landed = true;
                }
                drop(machine);
                entry.tell(inner, news);
                (step, now.elapsed)
            };
            match step {
                Step::Done => return,
                Step::Wait(until) => {
                    tokio::select! {
                        () = kicked => {}
                        () = inner.registry.clock().sleep(until.since(now)) => {}
                    }
                }
                Step::Do(Effect::Send(call), pending) => {
                    let until = pending.deadline();
                    let sending = {
                        let (inner, entry) = (inner.clone(), entry.clone());
                        Box::pin(async move {
                            let outcome = entry.send(&inner, call, until.since(now) + LATE).await;
                            entry.handle(&inner, pending, outcome);
                        })
                    };
                    self.until(until, sending).await;
                }
                Step::Do(effect, pending) => {
                    let limit = pending.deadline().since(now);
                    let performed = entry.perform(inner, pending.tenure(), effect);
                    let outcome = tokio::time::timeout(limit, performed).await;
                    let outcome = outcome.unwrap_or_else(|_| {
                        Outcome::Failed(
                            Error::new(ErrorKind::Store, "the store did not answer in time")
                                .advice("look at the store and the network to it"),
                        )
                    });
                    entry.handle(inner, pending, outcome);
                }
            }
        }
    }
}

impl Driver {
    /// Awaits an exchange until the machine gives it up. From then on it is a task of its own: an
    /// answer that comes late is still brought to the machine.
    async fn until(&self, until: Timestamp, mut sending: Pin<Box<dyn Future<Output = ()> + Send>>) {
        loop {
            let left = until.since(self.inner.elapsed());
            if left.is_zero() {
                tokio::spawn(sending);
                return;
            }
            tokio::select! {
                () = &mut sending => return,
                () = self.inner.registry.clock().sleep(left) => {}
            }
        }
    }
}

impl Drop for Driver {
    /// Where the runtime ends in the middle of a flight, the next caller's driver takes over.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.entry.lock().driven = false;
            self.entry.landed.notify_waiters();
        }
    }
}

impl Entry {
    /// The name under which this entry takes locks.
    fn owner(&self, tenure: u64) -> Owner {
        Owner::new(self.seed.wrapping_add(tenure))
    }

    async fn perform(&self, inner: &Inner, tenure: u64, effect: Effect) -> Outcome {
        inner.counters.store_called();
        let (store, name) = (inner.registry.store(), &inner.name);
        let outcome = match effect {
            Effect::Load => store.load(name).await.and_then(|loaded| {
                let (stored, now) = decoded(loaded)?;
                Ok(Outcome::Loaded { stored, now })
            }),
            Effect::Lock { life } => store.lock(name, &self.owner(tenure), life).await.map(granted),
            Effect::Renew { life } => {
                store.renew(name, &self.owner(tenure), life).await.map(granted)
            }
            Effect::Save { expected, record, keep } => {
                let bytes = record.encode();
                match store.swap(name, expected, &bytes, keep).await {
                    Ok(Swapped::Done { revision, now }) => Ok(Outcome::Saved { revision, now }),
                    Ok(Swapped::Conflict(loaded)) => {
                        decoded(loaded).map(|(stored, now)| Outcome::Conflict { stored, now })
                    }
                    Err(error) => Err(error),
                }
            }
            Effect::Unlock => {
                store.unlock(name, &self.owner(tenure)).await.map(|()| Outcome::Unlocked)
            }
            effect => {
                let why = format!("the effect `{effect}` is unknown to this client");
                Ok(Outcome::Failed(Error::new(ErrorKind::Internal, why)))
            }
        };
        outcome.unwrap_or_else(|error| match error {
            StoreError::Away(error) => Outcome::Failed(error),
            StoreError::Unreadable(error) => Outcome::Unreadable(error),
        })
    }

    async fn send(self: &Arc<Self>, inner: &Arc<Inner>, call: Call, limit: Duration) -> Outcome {
        let credentials = match inner.credentials_for(self, &call).await {
            Ok(credentials) => credentials,
            Err(error) => return Outcome::NotSent(error),
        };
        let request = match inner.server.request(&call, &credentials) {
            Ok(request) => request,
            Err(error) => return Outcome::NotSent(error),
        };
        inner.counters.sent(&call);
        let sent_at = inner.elapsed();
        match inner.registry.http().send(request, limit).await {
            Ok(response) => {
                Outcome::Answered(inner.server.read(&call, &response, sent_at, &credentials))
            }
            Err(SendError::NotSent(error)) => Outcome::NotSent(error),
            Err(SendError::Lost(error)) => Outcome::Lost(error),
        }
    }

    /// Other secrets are in force: who waits here is to move on.
    pub(crate) fn supersede(&self) {
        self.superseded.store(true, Ordering::Release);
        self.landed.notify_waiters();
    }
}

fn granted(locked: Locked) -> Outcome {
    match locked {
        Locked::Granted => Outcome::Locked,
        Locked::Busy => Outcome::Busy,
    }
}

type Decoded = (Option<(u64, Record)>, tokenlease_core::StoreTime);

fn decoded(loaded: Loaded) -> Result<Decoded, StoreError> {
    let record = |stored: Stored| match Record::decode(stored.bytes()) {
        Ok(record) => Ok((stored.revision(), record)),
        // A torn record is set aside by the next write over it.
        Err(DecodeError::Torn) => Ok((stored.revision(), Record::default())),
        Err(error) => Err(StoreError::Unreadable(
            Error::new(ErrorKind::Store, error.to_string())
                .advice("until then, nothing is issued for this identity"),
        )),
    };
    Ok((loaded.record.map(record).transpose()?, loaded.now))
}
