//! A clock that tests can move.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokenlease_core::{Now, Timestamp, WallTime};
use tokio::sync::watch;

use super::{Clock, SystemClock, nanos, system};

/// The system's clocks with an offset that can be changed. For tests, demonstrations, and the
/// simulation of a day in a second. Clones share the offset.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use tokenlease::{Clock, Registry, SteeredClock};
///
/// let clock = SteeredClock::new();
/// let registry = Registry::builder().clock(Arc::new(clock.clone())).build()?;
/// let before = clock.elapsed();
/// clock.advance(Duration::from_secs(12 * 3600)); // the registry's tokens are 12 hours older
/// assert!(clock.elapsed().0 - before.0 >= 12 * 3600 * 1000);
/// # let _ = registry;
/// # Ok::<(), tokenlease::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SteeredClock(Arc<Offsets>);

#[derive(Debug)]
struct Offsets {
    /// The offsets of both clocks, moved together: clocks that part mean that a host was frozen.
    moved: RwLock<Moved>,
    /// Counts the moves, so that the coarse clock changes with each of them.
    ticks: AtomicI64,
    moves: watch::Sender<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    elapsed: i64,
    wall: i64,
}

impl SteeredClock {
    /// Creates a clock that shows the system's time.
    pub fn new() -> Self {
        Self(Arc::new(Offsets {
            moved: RwLock::default(),
            ticks: AtomicI64::new(0),
            moves: watch::Sender::new(()),
        }))
    }

    /// Lets time pass: moves every clock forward, and wakes the sleepers.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.move_by(millis, millis);
    }

    /// Moves the wall clock by that many milliseconds, back if negative, as an administrator or a
    /// time server does. No time passes.
    pub fn jump_wall(&self, millis: i64) {
        self.move_by(0, millis);
    }

    fn move_by(&self, elapsed: i64, wall: i64) {
        {
            let mut moved = self.0.moved.write().unwrap_or_else(PoisonError::into_inner);
            moved.elapsed = moved.elapsed.saturating_add(elapsed);
            moved.wall = moved.wall.saturating_add(wall);
        }
        self.0.ticks.fetch_add(1, Ordering::AcqRel);
        self.0.moves.send_replace(());
    }

    fn moved(&self) -> Moved {
        *self.0.moved.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SteeredClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SteeredClock {
    fn now(&self) -> Now {
        let moved = self.moved();
        let now = SystemClock.now();
        Now {
            wall: WallTime(now.wall.0.saturating_add(moved.wall)),
            elapsed: Timestamp(now.elapsed.0.saturating_add(moved.elapsed)),
        }
    }

    fn elapsed(&self) -> Timestamp {
        Timestamp(system::elapsed().saturating_add(self.moved().elapsed))
    }

    fn coarse_monotonic(&self) -> i64 {
        let ticks = self.0.ticks.load(Ordering::Acquire);
        let moved = nanos(self.moved().elapsed).saturating_add(ticks);
        SystemClock.coarse_monotonic().saturating_add(moved)
    }

    fn coarse_wall(&self) -> i64 {
        SystemClock.coarse_wall().saturating_add(nanos(self.moved().wall))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Subscribed here, so that a move between this call and the first poll also wakes it.
        let mut moves = self.0.moves.subscribe();
        Box::pin(async move {
            tokio::select! {
                () = SystemClock.sleep(duration) => {}
                _ = moves.changed() => {}
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{
        Coarse,
        tests::{HOUR, MILLI, near},
    };

    #[test]
    fn advancing_moves_every_clock_of_every_clone() {
        let clock = SteeredClock::new();
        let (now, coarse) = (clock.now(), Coarse::of(&clock));
        clock.clone().advance(Duration::from_secs(3600));
        let (later, later_coarse) = (clock.now(), Coarse::of(&clock));
        assert!(near(later.wall.0 - now.wall.0, HOUR));
        assert!(near(later.elapsed.0 - now.elapsed.0, HOUR));
        assert!(near((later_coarse.wall - coarse.wall) / MILLI, HOUR));
        assert!(near((later_coarse.monotonic - coarse.monotonic) / MILLI, HOUR));
    }

    /// Rule: Clocks: a jump of the wall clock lets no time pass.
    /// Reported as librespot-org/librespot#1617 and pizauth#47.
    #[test]
    fn a_jump_of_the_wall_clock_lets_no_time_pass() {
        let clock = SteeredClock::new();
        let (now, coarse) = (clock.now(), Coarse::of(&clock));
        clock.jump_wall(-HOUR);
        assert!(clock.coarse_monotonic() > coarse.monotonic, "a move counts as a tick");
        assert!(near(clock.now().wall.0, now.wall.0 - HOUR));
        assert!(near(Coarse::of(&clock).wall / MILLI, coarse.wall / MILLI - HOUR));
        assert!(near(clock.now().elapsed.0, now.elapsed.0));
        assert!(near(Coarse::of(&clock).monotonic / MILLI, coarse.monotonic / MILLI));
    }

    /// Rule: Clocks: no clock overflows, however far it is moved.
    /// Reported as directus/directus#4054 and keycloak-js#107.
    #[test]
    fn the_largest_duration_overflows_no_clock() {
        let clock = SteeredClock::new();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now().elapsed, Timestamp::MAX);
        let end = Coarse { monotonic: i64::MAX, wall: i64::MAX };
        assert_eq!(Coarse::of(&clock), end);
        assert_eq!(Coarse::of(&SystemClock).plus(i64::MAX), end);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved_even_before_its_first_poll() {
        let clock = SteeredClock::new();
        let sleep = clock.sleep(Duration::from_secs(3600));
        clock.advance(Duration::from_secs(1));
        sleep.await;

        let sleep = clock.sleep(Duration::from_secs(3600));
        tokio::join!(sleep, async { clock.jump_wall(1) });
    }

    #[tokio::test]
    async fn a_sleep_ends_by_itself() {
        SteeredClock::new().sleep(Duration::from_millis(1)).await;
        SystemClock.sleep(Duration::ZERO).await;
    }
}
