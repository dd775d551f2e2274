//! Threads that wait for the same token, one behind the other.
//!
//! A thousand threads that one answer wakes at once contend: for a processor, and in Python for the
//! interpreter's lock. So the first asks, and the others wait here until it has been answered:
//! each lets the next through, and finds the token cached. Where one does not, it asks beside the
//! others, and lets the next through before.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Where threads that want the token of one client wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Turnstile {
    is_taken: Mutex<bool>,
    freed: Condvar,
}

/// The turn of a thread, until it is dropped: see [`Client::turn`](crate::Client::turn).
#[derive(Debug)]
#[must_use]
pub struct Turn<'a> {
    turnstile: &'a Turnstile,
    is_first: bool,
}

impl Turnstile {
    pub(crate) fn wait(&self, limit: Duration) -> Option<Turn<'_>> {
        let mut is_taken = self.lock();
        let (is_first, began) = (!*is_taken, Instant::now());
        while *is_taken {
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                return None;
            }
            let waited = self.freed.wait_timeout(is_taken, left);
            is_taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *is_taken = true;
        Some(Turn { turnstile: self, is_first })
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// To be called by who finds no token cached. The first keeps its turn while it asks; any other
    /// one has waited for that in vain, and gives its turn away.
    pub fn lead(self) -> Option<Self> {
        self.is_first.then_some(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.turnstile.lock() = false;
        self.turnstile.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn the_first_keeps_its_turn_and_the_others_go_through_one_by_one() {
        let turnstile = Turnstile::default();
        let first = turnstile.wait(LONG).and_then(Turn::lead).expect("nobody has the turn");
        assert!(turnstile.wait(Duration::ZERO).is_none());
        let (sender, through) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    let turn = turnstile.wait(LONG);
                    sender.send(()).unwrap();
                    drop(turn);
                });
            }
            assert!(through.try_recv().is_err());
            drop(first);
        });
        assert_eq!(through.try_iter().count(), 10);
        assert!(turnstile.wait(Duration::ZERO).is_some());
    }

    #[test]
    fn who_waited_in_vain_keeps_nobody_waiting() {
        let turnstile = Turnstile::default();
        let _ = std::mem::ManuallyDrop::new(turnstile.wait(LONG));
        let second = Turn { turnstile: &turnstile, is_first: false };
        assert!(second.lead().is_none());
        assert!(turnstile.wait(Duration::ZERO).is_some());
    }
}
