//! Threads that wait for the same token, some behind the others.
//!
//! A thousand threads that one answer wakes at once contend: for a processor, and in Python for the
//! interpreter's lock. So the first asks, and the others wait here until it has been answered. Then
//! a few are woken, each finds the token cached, and wakes the next one. Where one does not, it asks
//! beside the others, and keeps nobody waiting.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Where threads that want the token of one client wait for their slot.
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

/// The turn of a thread, until it is dropped: see [`Client::turn`](crate::Client::slot).
#[derive(Debug)]
#[must_use]
pub struct Slot<'a> {
    wait_queue: &'a WaitQueue,
    is_first: bool,
    /// How many are woken when it ends.
    wakes: usize,
}

impl WaitQueue {
    pub(crate) fn wait(&self, limit: Duration, wakes: usize) -> Option<Slot<'_>> {
        let mut state = self.lock();
        if !state.is_asked {
            state.is_asked = true;
            return Some(Slot { wait_queue: self, is_first: true, wakes });
        }
        state.waiting += 1;
        let waited = self.answered.wait_timeout_while(state, limit, |state| state.is_asked);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        (!waited.timed_out()).then(|| Slot { wait_queue: self, is_first: false, wakes: 1 })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot<'_> {
    /// Whether the thread has waited for another one's answer, and was woken.
    pub fn has_waited(&self) -> bool {
        !self.is_first
    }

    /// To be called by who finds no token cached. The first keeps its turn while it asks; any other
    /// one has waited for that in vain, and gives its turn away.
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
    fn the_first_keeps_its_turn_and_then_each_wakes_the_next() {
        let wait_queue = WaitQueue::default();
        let first = wait_queue.wait(LONG, 1).and_then(Slot::lead).expect("nobody has the turn");
        assert!(!first.has_waited() && wait_queue.wait(Duration::ZERO, 1).is_none());
        let (sender, through) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    let slot = wait_queue.wait(LONG, 1);
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
        assert!(wait_queue.wait(Duration::ZERO, 1).and_then(Slot::lead).is_some());
    }

    #[test]
    fn who_was_woken_and_asks_beside_the_others_keeps_nobody_waiting() {
        let wait_queue = WaitQueue::default();
        let woken = Slot { wait_queue: &wait_queue, is_first: false, wakes: 1 };
        assert!(woken.lead().is_none());
        assert!(wait_queue.wait(Duration::ZERO, 1).is_some_and(|slot| slot.lead().is_some()));
    }
}
