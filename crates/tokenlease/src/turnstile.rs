//! Threads that wait for the same token, some behind the others.
//!
//! A thousand threads that one answer wakes at once contend: for a processor, and in Python for the
//! interpreter's lock. So the first asks, and the others wait here until it has been answered: a
//! few at a time go through, and find the token cached. Where one does not, it asks beside the
//! others, and keeps nobody waiting.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How many go through at a time: one that is not scheduled does not stop them all.
const WIDTH: u32 = 2;

/// Where threads that want the token of one client wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Turnstile {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_asked: bool,
    going_through: u32,
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
        let mut state = self.lock();
        let is_first = !state.is_asked && state.going_through == 0;
        let began = Instant::now();
        while state.is_asked || state.going_through == WIDTH {
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                return None;
            }
            let waited = self.moved.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if is_first {
            state.is_asked = true;
        } else {
            state.going_through += 1;
        }
        Some(Turn { turnstile: self, is_first })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut state = self.turnstile.lock();
        let next = if self.is_first {
            state.is_asked = false;
            WIDTH
        } else {
            state.going_through -= 1;
            1
        };
        drop(state);
        for _ in 0..next {
            self.turnstile.moved.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn the_first_keeps_its_turn_and_then_the_others_go_through() {
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
    fn a_few_go_through_at_a_time() {
        let turnstile = Turnstile::default();
        turnstile.lock().going_through = 1;
        let one = Turn { turnstile: &turnstile, is_first: false };
        let mut turns: Vec<_> = (1..WIDTH).map(|_| turnstile.wait(LONG)).collect();
        assert!(turnstile.wait(Duration::ZERO).is_none());
        drop(turns.pop());
        assert!(turnstile.wait(Duration::ZERO).is_some_and(|turn| !turn.is_first));
        drop((turns, one));
        assert!(turnstile.wait(Duration::ZERO).is_some_and(|turn| turn.is_first));
    }

    #[test]
    fn who_waited_in_vain_keeps_nobody_waiting() {
        let turnstile = Turnstile::default();
        turnstile.lock().going_through = WIDTH;
        let second = Turn { turnstile: &turnstile, is_first: false };
        assert!(second.lead().is_none());
        assert!(turnstile.wait(Duration::ZERO).is_some());
    }
}
