//! The clocks of the machine, and one to steer.
//!
//! The core takes time as an argument; this is the only place that knows the hour.

mod steered;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokenlease_core::{Now, Timestamp, WallTime};

pub use self::steered::SteeredClock;

/// The longest a [`Clock::sleep`] lasts: timers stop while a machine is suspended, so whoever
/// waits for longer looks at the clock again.
const SLICE: Duration = Duration::from_secs(30);

/// Where a client reads the time and waits. All clients of a process share one, as a rule
/// [`SystemClock`].
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock, and the clock that runs through suspend. Leases end by the second alone.
    fn now(&self) -> Now;

    /// The clock that runs through suspend, alone.
    fn elapsed(&self) -> Timestamp {
        self.now().elapsed
    }

    /// The cheapest clock that never jumps, for the fast path, in nanoseconds. It may be some
    /// milliseconds late, and may stop while the machine is suspended, which the wall clock shows.
    ///
    /// It shows the same for a while, a millisecond at least: as long as it does, a cached token is
    /// served without a look at the wall clock.
    fn coarse_monotonic(&self) -> i64;

    /// The cheapest wall clock, for the fast path, in nanoseconds since 1970-01-01T00:00:00Z. It
    /// may be some milliseconds late.
    fn coarse_wall(&self) -> i64;

    /// Waits for that long, or less: 30 s at most, and a steered clock wakes its sleepers when it
    /// is moved. The caller looks at the clock again.
    ///
    /// The future of the clocks in this crate must be polled inside a tokio runtime with time.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The clock of a registry: the machine's own, which the fast path reads without a call through a
/// table, or another.
#[derive(Clone, Debug)]
pub(crate) enum AnyClock {
    System,
    Other(Arc<dyn Clock>),
}

impl AnyClock {
    pub(crate) fn get(&self) -> &dyn Clock {
        match self {
            Self::System => &SystemClock,
            Self::Other(clock) => clock.as_ref(),
        }
    }

    /// See [`Clock::coarse_monotonic`].
    #[inline]
    pub(crate) fn coarse_monotonic(&self) -> i64 {
        match self {
            Self::System => SystemClock.coarse_monotonic(),
            Self::Other(clock) => clock.coarse_monotonic(),
        }
    }
}

/// What the coarse clocks show, in nanoseconds. Values are compared with values of the same clock and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coarse {
    pub(crate) monotonic: i64,
    pub(crate) wall: i64,
}

impl Coarse {
    /// The monotonic clock first: a jump of the wall clock in between is seen again at its next tick.
    #[inline]
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.coarse_monotonic(), wall: clock.coarse_wall() }
    }

    /// Both clocks after that many milliseconds.
    pub(crate) fn plus(self, millis: i64) -> Self {
        let plus = |clock: i64| clock.saturating_add(nanos(millis));
        Self { monotonic: plus(self.monotonic), wall: plus(self.wall) }
    }
}

/// The machine's own clocks.
///
/// | | Linux, Android | macOS, iOS | Windows |
/// | --- | --- | --- | --- |
/// | `elapsed` | `CLOCK_BOOTTIME` | `CLOCK_MONOTONIC` (runs in sleep) | `QueryPerformanceCounter` |
/// | `wall` | `CLOCK_REALTIME` | `CLOCK_REALTIME` | the system time |
/// | coarse | `CLOCK_MONOTONIC_COARSE`, `CLOCK_REALTIME_COARSE` | as above, in whole milliseconds | as above, in whole milliseconds |
///
/// All are read through the C library, so that what replaces its functions reaches them too.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { wall: WallTime(system::wall()), elapsed: self.elapsed() }
    }

    fn elapsed(&self) -> Timestamp {
        Timestamp(system::elapsed())
    }

    #[inline]
    fn coarse_monotonic(&self) -> i64 {
        system::coarse_monotonic()
    }

    fn coarse_wall(&self) -> i64 {
        system::coarse_wall()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Not made before it is polled: only then there must be a runtime.
        Box::pin(async move { tokio::time::sleep(duration.min(SLICE)).await })
    }
}

/// Of coarse clocks, which show nanoseconds: a division would cost as much as the look.
const fn nanos(millis: i64) -> i64 {
    millis.saturating_mul(1_000_000)
}

/// Milliseconds since 1970, negative before.
fn unix_millis(time: SystemTime) -> i64 {
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => millis(since),
        Err(before) => -millis(before.duration()),
    }
}

#[cfg(unix)]
mod system {
    use rustix::time::{ClockId, clock_gettime};

    #[cfg(any(target_os = "linux", target_os = "android"))]
    mod ids {
        use rustix::time::ClockId;

        pub(super) const ELAPSED: ClockId = ClockId::Boottime;
        pub(super) const MONOTONIC: ClockId = ClockId::MonotonicCoarse;
        pub(super) const WALL: ClockId = ClockId::RealtimeCoarse;

        /// They tick with the kernel, each 1 to 10 ms.
        pub(super) fn tick(nanos: i64) -> i64 {
            nanos
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    mod ids {
        use rustix::time::ClockId;

        // Apple's CLOCK_MONOTONIC runs through sleep; std's Instant does not there.
        pub(super) const ELAPSED: ClockId = ClockId::Monotonic;
        pub(super) const MONOTONIC: ClockId = ClockId::Monotonic;
        pub(super) const WALL: ClockId = ClockId::Realtime;

        /// They tick by themselves too often for one look at the wall clock each.
        pub(super) fn tick(nanos: i64) -> i64 {
            nanos - nanos % 1_000_000
        }
    }

    pub(super) fn wall() -> i64 {
        super::unix_millis(std::time::SystemTime::now())
    }

    pub(super) fn elapsed() -> i64 {
        let time = clock_gettime(ids::ELAPSED);
        // No clock shows a time whose milliseconds overflow.
        time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }

    #[inline]
    pub(super) fn coarse_monotonic() -> i64 {
        nanos(ids::MONOTONIC)
    }

    #[inline]
    pub(super) fn coarse_wall() -> i64 {
        nanos(ids::WALL)
    }

    #[inline]
    fn nanos(clock: ClockId) -> i64 {
        let time = clock_gettime(clock);
        ids::tick(time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec))
    }
}

#[cfg(not(unix))]
mod system {
    use std::time::{Instant, SystemTime};

    use once_cell::sync::Lazy;

    // On Windows this is QueryPerformanceCounter, which counts the time in sleep.
    static START: Lazy<Instant> = Lazy::new(Instant::now);

    pub(super) fn wall() -> i64 {
        super::unix_millis(SystemTime::now())
    }

    pub(super) fn elapsed() -> i64 {
        i64::try_from(START.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn coarse_monotonic() -> i64 {
        super::nanos(elapsed())
    }

    pub(super) fn coarse_wall() -> i64 {
        super::nanos(wall())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const HOUR: i64 = 3_600_000;
    pub(super) const MILLI: i64 = 1_000_000;

    pub(super) fn near(left: i64, right: i64) -> bool {
        left.abs_diff(right) < 1000
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lesson_10_elapsed_counts_the_time_in_suspend() {
        // The kernel's uptime includes suspend; CLOCK_MONOTONIC does not.
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "an uptime fits")]
        let millis = (seconds * 1000.0) as i64;
        assert!(near(SystemClock.now().elapsed.0, millis));
    }

    #[test]
    fn the_wall_clocks_agree_and_no_clock_runs_backwards() {
        let (now, coarse) = (SystemClock.now(), Coarse::of(&SystemClock));
        assert!(near(now.wall.0, unix_millis(SystemTime::now())));
        assert!(near(coarse.wall / MILLI, now.wall.0));
        assert!(SystemClock.now().elapsed >= now.elapsed);
        assert!(Coarse::of(&SystemClock).monotonic >= coarse.monotonic);
    }

    #[test]
    fn before_1970_is_negative() {
        assert_eq!(unix_millis(SystemTime::UNIX_EPOCH - Duration::from_millis(5)), -5);
    }

    #[test]
    fn the_machines_clock_is_read_alike_with_and_without_a_table() {
        let steered = SteeredClock::new();
        steered.advance(Duration::from_secs(3600));
        let (own, other) = (AnyClock::System, AnyClock::Other(Arc::new(steered)));
        for (clock, ahead) in [(own, 0), (other, HOUR)] {
            let monotonic = clock.coarse_monotonic() - SystemClock.coarse_monotonic();
            assert!(near(monotonic / MILLI, ahead));
            assert!(near(clock.get().now().wall.0 - SystemClock.now().wall.0, ahead));
        }
    }
}
