//! The clocks of the operating system, and one for tests.
//!
//! The core takes the time as an argument. Only this module reads a clock.

mod boot;
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

/// The longest time of one [`Clock::sleep`]. Timers stop while the machine is suspended, so a longer
/// wait must read the clock again.
const SLICE: Duration = Duration::from_secs(30);

/// A source of time and timers. All clients of a registry share one; the default is
/// [`SystemClock`].
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the wall clock, and the clock that runs through suspend. Only the second one decides
    /// when a lease expires.
    fn now(&self) -> Now;

    /// Returns only the clock that runs through suspend.
    fn elapsed(&self) -> Timestamp {
        self.now().elapsed
    }

    /// Returns the name of this start of the host, if the system has one: all processes with that name
    /// read the same clocks. Then a process recognizes from a stored token that the host was frozen
    /// since.
    fn boot(&self) -> Option<&str> {
        boot::name()
    }

    /// Returns the cheapest clock that never jumps, in nanoseconds, for serving cached tokens.
    ///
    /// It may be some milliseconds late. It may stop while the machine is suspended; the wall clock
    /// shows that. Each value must last for a millisecond at least: a cached token is served without
    /// reading the wall clock until the value changes.
    fn coarse_monotonic(&self) -> i64;

    /// Returns the cheapest wall clock, in nanoseconds since 1970-01-01T00:00:00Z, for serving cached
    /// tokens. It may be some milliseconds late.
    fn coarse_wall(&self) -> i64;

    /// Waits for that long or less, for 30 s at most. A steered clock wakes its sleepers when it is
    /// moved. The caller must read the clock again.
    ///
    /// The futures of the clocks in this crate must be polled inside a tokio runtime with time
    /// enabled.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The clock of a registry: the system's, which the cache reads without dynamic dispatch, or
/// another.
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

/// The values of the coarse clocks, in nanoseconds. They are compared with values of the same clock,
/// and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coarse {
    pub(crate) monotonic: i64,
    pub(crate) wall: i64,
}

impl Coarse {
    /// Reads the monotonic clock first: a jump of the wall clock in between shows at its next tick.
    #[inline]
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.coarse_monotonic(), wall: clock.coarse_wall() }
    }

    /// Returns both clocks as they will be after that many milliseconds.
    pub(crate) fn plus(self, millis: i64) -> Self {
        let plus = |clock: i64| clock.saturating_add(nanos(millis));
        Self { monotonic: plus(self.monotonic), wall: plus(self.wall) }
    }
}

/// The clocks of the operating system.
///
/// | | Linux, Android | macOS, iOS | Windows |
/// | --- | --- | --- | --- |
/// | `elapsed` | `CLOCK_BOOTTIME` | `CLOCK_MONOTONIC` (runs in sleep) | `GetTickCount64` (runs in sleep) |
/// | `wall` | `CLOCK_REALTIME` | `CLOCK_REALTIME` | the system time |
/// | coarse | `CLOCK_MONOTONIC_COARSE`, `CLOCK_REALTIME_COARSE` | as above, in whole milliseconds | as above, in whole milliseconds |
/// | `boot` | `boot_id` of `/proc/sys/kernel/random` | `kern.bootsessionuuid` (macOS) | the time of a volatile key of the registry |
///
/// `elapsed` counts from the host's start in all processes of that start. `GetTickCount64` advances in
/// steps of 10 to 16 ms. All are read through the C library, so that tools that replace its functions, such as
/// libfaketime, affect them too.
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
        // Created at the first poll: only then there must be a runtime.
        Box::pin(async move { tokio::time::sleep(duration.min(SLICE)).await })
    }
}

/// Converts to the unit of the coarse clocks. A division of their values would cost as much as
/// reading them.
const fn nanos(millis: i64) -> i64 {
    millis.saturating_mul(1_000_000)
}

/// Returns the milliseconds since 1970, negative for earlier times.
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

        /// They tick with the kernel, every 1 to 10 ms.
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

        /// Cut to whole milliseconds: these clocks tick too often to read the wall clock at each tick.
        pub(super) fn tick(nanos: i64) -> i64 {
            nanos - nanos % 1_000_000
        }
    }

    pub(super) fn wall() -> i64 {
        super::unix_millis(std::time::SystemTime::now())
    }

    pub(super) fn elapsed() -> i64 {
        let time = clock_gettime(ids::ELAPSED);
        // No clock shows a time whose milliseconds overflow an i64.
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

#[cfg(windows)]
mod system {
    use std::time::SystemTime;

    pub(super) fn wall() -> i64 {
        super::unix_millis(SystemTime::now())
    }

    /// The time since the host's start. It includes the time in sleep and hibernation, and is the same
    /// in all processes; std's Instant hides its zero.
    pub(super) fn elapsed() -> i64 {
        i64::try_from(winsafe::GetTickCount64()).unwrap_or(i64::MAX)
    }

    #[inline]
    pub(super) fn coarse_monotonic() -> i64 {
        super::nanos(elapsed())
    }

    pub(super) fn coarse_wall() -> i64 {
        super::nanos(wall())
    }
}

#[cfg(not(any(unix, windows)))]
mod system {
    use std::time::{Instant, SystemTime};

    use once_cell::sync::Lazy;

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

    /// Both clocks are read while time passes, and a busy machine may pause a test for seconds.
    pub(super) fn near(left: i64, right: i64) -> bool {
        left.abs_diff(right) < 60_000
    }

    #[cfg(target_os = "linux")]
    /// Rule: Clocks: the clock that ends leases includes the time in suspend.
    /// Reported as librespot-org/librespot#1617 and pizauth#47.
    #[test]
    fn elapsed_time_includes_the_time_in_suspend() {
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
    fn a_time_before_1970_is_negative() {
        assert_eq!(unix_millis(SystemTime::UNIX_EPOCH - Duration::from_millis(5)), -5);
    }

    #[test]
    fn the_system_clock_shows_the_same_with_and_without_dynamic_dispatch() {
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
