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

/// Where threads that want the token of one client wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Turnstile {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_asked: bool,
    waiting: usize,
}

/// The turn of a thread, until it is dropped: see [`Client::turn`](crate::Client::turn).
#[derive(Debug)]
#[must_use]
pub struct Turn<'a> {
    turnstile: &'a Turnstile,
    is_first: bool,
    /// How many are woken when it ends.
    wakes: usize,
}

impl Turnstile {
    pub(crate) fn wait(&self, limit: Duration, wakes: usize) -> Option<Turn<'_>> {
        let mut state = self.lock();
        if !state.is_asked {
            state.is_asked = true;
            return Some(Turn { turnstile: self, is_first: true, wakes });
        }
        state.waiting += 1;
        let waited = self.answered.wait_timeout_while(state, limit, |state| state.is_asked);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        (!waited.timed_out()).then(|| Turn { turnstile: self, is_first: false, wakes: 1 })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
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

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turnstile.lock();
        state.is_asked &= !self.is_first;
        let wakes = self.wakes.min(state.waiting);
        drop(state);
        for _ in 0..wakes {
            self.turnstile.answered.notify_one();
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
        let turnstile = Turnstile::default();
        let first = turnstile.wait(LONG, 1).and_then(Turn::lead).expect("nobody has the turn");
        assert!(!first.has_waited() && turnstile.wait(Duration::ZERO, 1).is_none());
        let (sender, through) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    let turn = turnstile.wait(LONG, 1);
                    sender
                        .send(turn.map(|turn| (turn.has_waited(), turn.lead().is_some())))
                        .unwrap();
                });
            }
            while turnstile.lock().waiting < 10 {
                thread::yield_now();
            }
            assert!(through.try_recv().is_err());
            drop(first);
        });
        assert_eq!(through.try_iter().collect::<Vec<_>>(), [Some((true, false)); 10]);
        assert!(turnstile.wait(Duration::ZERO, 1).and_then(Turn::lead).is_some());
    }

    #[test]
    fn who_was_woken_and_asks_beside_the_others_keeps_nobody_waiting() {
        let turnstile = Turnstile::default();
        let woken = Turn { turnstile: &turnstile, is_first: false, wakes: 1 };
        assert!(woken.lead().is_none());
        assert!(turnstile.wait(Duration::ZERO, 1).is_some_and(|turn| turn.lead().is_some()));
    }
}
