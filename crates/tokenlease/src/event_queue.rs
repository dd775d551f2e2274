//! Delivers events to hooks, which are code of the program: they may panic, block, or call their
//! client.
//!
//! A driver only puts events into the queue of its client. Hooks run on threads that do nothing else.
//! These threads start when an event waits, and end when none does. There are few of them, so that
//! the hooks of many clients don't exhaust the threads of the process. If hooks block all of them,
//! other hooks wait, the oldest events of full queues are dropped, and no client waits.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokenlease_core::lifecycle::Event;
use tokio::sync::Notify;

use crate::{
    callbacks::Owner,
    log::{LogEntry, Logged},
    runtime::{ProgramSignals, spawn_thread},
};

/// A function of the program, with the signal mask of the thread that passed it.
pub(crate) struct Hook<T> {
    call: Arc<dyn Fn(&T) + Send + Sync>,
    signals: ProgramSignals,
}

impl<T> Clone for Hook<T> {
    fn clone(&self) -> Self {
        Self { call: self.call.clone(), signals: self.signals }
    }
}

impl<T> Hook<T> {
    pub(crate) fn new(call: impl Fn(&T) + Send + Sync + 'static) -> Self {
        Self { call: Arc::new(call), signals: ProgramSignals::of_this_thread() }
    }

    fn call(&self, argument: &T) {
        self.signals.apply(|| (self.call)(argument));
    }
}

/// The functions of a program that are called with each event, and with each entry of the log.
#[derive(Clone, Default)]
pub(crate) struct ProgramHooks {
    pub(crate) event: Option<Hook<Event>>,
    pub(crate) log: Option<Hook<LogEntry>>,
}

impl ProgramHooks {
    pub(crate) fn is_empty(&self) -> bool {
        self.event.is_none() && self.log.is_none()
    }

    fn call(&self, Logged { event, entry }: &Logged) {
        if let (Some(hook), Some(event)) = (&self.event, event) {
            hook.call(event);
        }
        if let Some(hook) = &self.log {
            hook.call(entry);
        }
    }
}

/// The most events of a client that wait for its hooks.
const MAX_WAITING: usize = 256;

/// The most threads of a process on which hooks run.
const MAX_THREADS: usize = 4;

/// The events of one client that wait for its hook.
pub(crate) struct EventQueue {
    hooks: ProgramHooks,
    /// The owner of the hooks.
    pub(crate) id: Owner,
    waiting: Mutex<Waiting>,
    /// How many events were dropped because the queue was full.
    dropped: AtomicU64,
    /// Wakes callers that wait until all events are delivered.
    delivered: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Logged>,
    /// Whether a thread has the queue, or will take it. It delivers one event at a time, in order.
    is_scheduled: bool,
}

impl EventQueue {
    pub(crate) fn new(hooks: ProgramHooks) -> Self {
        Self {
            hooks,
            id: Owner::new(),
            waiting: Mutex::default(),
            dropped: AtomicU64::new(0),
            delivered: Notify::new(),
        }
    }

    /// Returns an empty queue of the same hook, for a forked child.
    pub(crate) fn after_fork(&self) -> Self {
        Self::new(self.hooks.clone())
    }

    /// Returns how many events were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Adds an event, and drops the oldest one of a full queue. Never blocks.
    pub(crate) fn push(self: &Arc<Self>, threads: &Arc<HookThreads>, logged: &Logged) {
        if logged.event.is_none() && self.hooks.log.is_none() {
            return;
        }
        let mut waiting = self.lock();
        if waiting.events.len() == MAX_WAITING {
            waiting.events.pop_front();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        waiting.events.push_back(logged.clone());
        let is_scheduled = std::mem::replace(&mut waiting.is_scheduled, true);
        drop(waiting);
        if !is_scheduled && !threads.schedule(self) {
            // The system allows no thread. The next event tries again.
            self.lock().is_scheduled = false;
        }
    }

    /// Waits until the hook has returned from all events.
    pub(crate) async fn all_delivered(&self) {
        loop {
            let delivered = self.delivered.notified();
            tokio::pin!(delivered);
            delivered.as_mut().enable();
            if !self.lock().is_scheduled {
                return;
            }
            delivered.await;
        }
    }

    /// Calls the hook with the next event. Returns whether more events wait.
    fn deliver_next(&self) -> bool {
        let logged = self.lock().events.pop_front();
        if let Some(logged) = logged
            && catch_unwind(AssertUnwindSafe(|| self.id.run(|| self.hooks.call(&logged)))).is_err()
        {
            let event = logged.entry.event;
            tracing::error!(target: "tokenlease", "a hook panicked at the event `{event}`");
        }
        let mut waiting = self.lock();
        waiting.is_scheduled = !waiting.events.is_empty();
        let is_more = waiting.is_scheduled;
        drop(waiting);
        if !is_more {
            self.delivered.notify_waiters();
        }
        is_more
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No hook runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for EventQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventQueue").field("dropped", &self.dropped).finish_non_exhaustive()
    }
}

/// The threads of a process on which hooks run.
#[derive(Debug, Default)]
pub(crate) struct HookThreads(Mutex<Threads>);

#[derive(Debug, Default)]
struct Threads {
    /// The queues that wait for a thread.
    queues: VecDeque<Arc<EventQueue>>,
    running: usize,
}

impl HookThreads {
    /// Lets a thread take the queue. Returns whether one will.
    fn schedule(self: &Arc<Self>, queue: &Arc<EventQueue>) -> bool {
        let mut threads = self.lock();
        threads.queues.push_back(queue.clone());
        if threads.running < MAX_THREADS {
            let shared = self.clone();
            if spawn_thread("tokenlease-hook", move || shared.run()).is_ok() {
                threads.running += 1;
            } else if threads.running == 0 {
                threads.queues.pop_back();
                return false;
            }
        }
        true
    }

    /// Delivers events until none waits.
    fn run(&self) {
        while let Some(queue) = self.next() {
            if queue.deliver_next() {
                // Behind the queues of other clients.
                self.lock().queues.push_back(queue);
            }
        }
    }

    fn next(&self) -> Option<Arc<EventQueue>> {
        let mut threads = self.lock();
        let next = threads.queues.pop_front();
        if next.is_none() {
            threads.running -= 1;
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, Threads> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    fn queue(hook: impl Fn(&Event) + Send + Sync + 'static) -> Arc<EventQueue> {
        Arc::new(EventQueue::new(ProgramHooks { event: Some(Hook::new(hook)), log: None }))
    }

    /// Rule: Events: hooks that block hold up other hooks, and no more than four threads run them.
    #[tokio::test]
    async fn hooks_run_on_four_threads_at_most() {
        let threads = Arc::new(HookThreads::default());
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let blocked = || {
            let released = released.clone();
            queue(move |_: &Event| {
                let _ = released.lock().unwrap().recv();
            })
        };
        let queues: Vec<_> = std::iter::repeat_with(blocked).take(16).collect();
        for queue in &queues {
            queue.push(&threads, &Logged::test(Event::CircuitClosed));
            queue.push(&threads, &Logged::test(Event::LoginLost));
        }
        assert!(threads.lock().running <= MAX_THREADS);
        drop(release);
        for queue in &queues {
            queue.all_delivered().await;
            assert_eq!(queue.dropped(), 0);
        }
    }

    /// Rule: Events: the hook of a client gets its events in their order, one at a time.
    #[tokio::test]
    async fn a_hook_gets_its_events_in_order() {
        let threads = Arc::new(HookThreads::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let of_hook = seen.clone();
        let hook = move |event: &Event| of_hook.try_lock().unwrap().push(*event);
        let queue = queue(hook);
        let sent: Vec<_> =
            (0..100).map(|time| Event::BackedOff(tokenlease_core::Timestamp(time))).collect();
        for event in &sent {
            queue.push(&threads, &Logged::test(*event));
        }
        queue.all_delivered().await;
        assert_eq!(*seen.lock().unwrap(), sent);
    }
}
