//! Threads that wait for the token of one client, in a queue.
//!
//! A thousand threads woken by one answer compete for a processor, and in Python for the
//! interpreter's lock. So the first thread asks, and the others wait here for its answer. Then a few
//! are woken. Each finds the token cached and wakes the next one. A thread that finds none asks
//! beside the others, and makes no thread wait.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The longest time that a thread waits for its slot. The thread that holds it may be slow for
/// other reasons, such as a hook that it runs.
pub const MAX_SLOT_WAIT: Duration = Duration::from_secs(1);

/// The queue of the threads that want the token of one client.
#[derive(Debug, Default)]
pub(crate) struct WaitQueue {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_asked: bool,
    waiting: usize,
}

/// A thread's slot in the queue, which ends when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Slot<'a> {
    wait_queue: &'a WaitQueue,
    is_first: bool,
    /// How many threads are woken when the slot ends.
    wakes: usize,
}

impl WaitQueue {
    /// Waits for a slot, for `limit` at most, or until the wait is interrupted. See
    /// [`slot`](crate::bindings::slot).
    pub(crate) fn wait(
        &self,
        limit: Duration,
        wakes: usize,
        is_interrupted: impl Fn() -> bool,
    ) -> Option<Slot<'_>> {
        let mut state = self.lock();
        if !state.is_asked {
            state.is_asked = true;
            return Some(Slot { wait_queue: self, is_first: true, wakes });
        }
        state.waiting += 1;
        let waited = self
            .answered
            .wait_timeout_while(state, limit, |state| state.is_asked && !is_interrupted());
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        let is_ended = waited.timed_out() || is_interrupted();
        (!is_ended).then(|| Slot { wait_queue: self, is_first: false, wakes: 1 })
    }

    /// Lets all waiting threads see whether they are interrupted.
    pub(crate) fn wake_interrupted(&self) {
        // A thread that saw no interrupt has not begun to wait while it has the lock.
        let _state = self.lock();
        self.answered.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot<'_> {
    /// Returns whether the thread waited for another thread's answer, and was woken.
    pub fn has_waited(&self) -> bool {
        !self.is_first
    }

    /// Keeps the slot of the first thread while it asks, and ends the slot of any other thread,
    /// which waited for an answer in vain. Called by a thread that finds no cached token.
    pub fn lead(self) -> Option<Self> {
        self.is_first.then_some(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.wait_queue.lock();
        state.is_asked &= !self.is_first;
        let wakes = self.wakes.min(state.waiting);
        drop(state);
        for _ in 0..wakes {
            self.wait_queue.answered.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_first_thread_keeps_its_slot_and_each_woken_thread_wakes_the_next() {
        let wait_queue = WaitQueue::default();
        let first =
            wait_queue.wait(LONG, 1, || false).and_then(Slot::lead).expect("the slot is free");
        assert!(!first.has_waited() && wait_queue.wait(Duration::ZERO, 1, || false).is_none());
        let (sender, through) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    let slot = wait_queue.wait(LONG, 1, || false);
                    sender
                        .send(slot.map(|slot| (slot.has_waited(), slot.lead().is_some())))
                        .unwrap();
                });
            }
            while wait_queue.lock().waiting < 10 {
                thread::yield_now();
            }
            assert!(through.try_recv().is_err());
            drop(first);
        });
        assert_eq!(through.try_iter().collect::<Vec<_>>(), [Some((true, false)); 10]);
        assert!(wait_queue.wait(Duration::ZERO, 1, || false).and_then(Slot::lead).is_some());
    }

    #[test]
    fn a_woken_thread_that_finds_no_token_makes_no_thread_wait() {
        let wait_queue = WaitQueue::default();
        let woken = Slot { wait_queue: &wait_queue, is_first: false, wakes: 1 };
        assert!(woken.lead().is_none());
        assert!(
            wait_queue.wait(Duration::ZERO, 1, || false).is_some_and(|slot| slot.lead().is_some())
        );
    }
}
