//! The clocks of the machine, and one to steer.
//!
//! The core takes time as an argument; this is the only file that knows the hour.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokenlease_core::{Now, Timestamp, WallTime};
use tokio::sync::watch;

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

impl From<Option<Arc<dyn Clock>>> for AnyClock {
    /// By default the system's.
    fn from(clock: Option<Arc<dyn Clock>>) -> Self {
        clock.map_or(Self::System, Self::Other)
    }
}

/// What the coarse clocks show. Values are compared with values of the same clock and never stored.
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
/// | coarse | `CLOCK_MONOTONIC_COARSE`, `CLOCK_REALTIME_COARSE` | as above | as above |
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

/// The machine's clocks and an offset to steer by: for tests, demonstrations, and the simulation
/// of a day in a second. Clones share the offset.
#[derive(Clone, Debug)]
pub struct SteeredClock(Arc<Offsets>);

#[derive(Debug)]
struct Offsets {
    elapsed: AtomicI64,
    wall: AtomicI64,
    /// One for each move, so that a coarse clock shows that there was one.
    ticks: AtomicI64,
    moves: watch::Sender<()>,
}

impl SteeredClock {
    /// A clock that shows the machine's time.
    pub fn new() -> Self {
        Self(Arc::new(Offsets {
            elapsed: AtomicI64::new(0),
            wall: AtomicI64::new(0),
            ticks: AtomicI64::new(0),
            moves: watch::Sender::new(()),
        }))
    }

    /// Lets time pass: every clock moves, and sleepers wake to look at it.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        add(&self.0.elapsed, millis);
        self.jump_wall(millis);
    }

    /// Sets the wall clock forward (or back) by milliseconds, as an administrator or a time server
    /// does: no time passes.
    pub fn jump_wall(&self, millis: i64) {
        add(&self.0.wall, millis);
        add(&self.0.ticks, 1);
        self.0.moves.send_replace(());
    }

    fn elapsed_offset(&self) -> i64 {
        self.0.elapsed.load(Ordering::Acquire)
    }

    fn wall_offset(&self) -> i64 {
        self.0.wall.load(Ordering::Acquire)
    }
}

impl Default for SteeredClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SteeredClock {
    fn now(&self) -> Now {
        let wall = system::wall().saturating_add(self.wall_offset());
        Now { wall: WallTime(wall), elapsed: self.elapsed() }
    }

    fn elapsed(&self) -> Timestamp {
        Timestamp(system::elapsed().saturating_add(self.elapsed_offset()))
    }

    fn coarse_monotonic(&self) -> i64 {
        let ticks = self.0.ticks.load(Ordering::Acquire);
        let moved = nanos(self.elapsed_offset()).saturating_add(ticks);
        SystemClock.coarse_monotonic().saturating_add(moved)
    }

    fn coarse_wall(&self) -> i64 {
        SystemClock.coarse_wall().saturating_add(nanos(self.wall_offset()))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Subscribed here, so that a move between this call and the first poll wakes too.
        let mut moves = self.0.moves.subscribe();
        Box::pin(async move {
            tokio::select! {
                () = SystemClock.sleep(duration) => {}
                _ = moves.changed() => {}
            }
        })
    }
}

fn add(offset: &AtomicI64, millis: i64) {
    let add = |old: i64| Some(old.saturating_add(millis));
    // The closure never refuses, so there is no other case.
    let _ = offset.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
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

    const HOUR: i64 = 3_600_000;
    const MILLI: i64 = 1_000_000;

    fn near(left: i64, right: i64) -> bool {
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

    #[test]
    fn a_registrys_clock_is_the_machines_unless_another_is_given() {
        let steered = SteeredClock::new();
        steered.advance(Duration::from_secs(3600));
        let (own, other) = (AnyClock::from(None), AnyClock::Other(Arc::new(steered)));
        for (clock, ahead) in [(own, 0), (other, HOUR)] {
            let monotonic = clock.coarse_monotonic() - SystemClock.coarse_monotonic();
            assert!(near(monotonic / MILLI, ahead));
            assert!(near(clock.get().now().wall.0 - SystemClock.now().wall.0, ahead));
        }
    }

    #[test]
    fn lesson_10_a_jump_of_the_wall_clock_lets_no_time_pass() {
        let clock = SteeredClock::new();
        let (now, coarse) = (clock.now(), Coarse::of(&clock));
        clock.jump_wall(-HOUR);
        assert!(clock.coarse_monotonic() > coarse.monotonic, "who looks once a tick looks again");
        assert!(near(clock.now().wall.0, now.wall.0 - HOUR));
        assert!(near(Coarse::of(&clock).wall / MILLI, coarse.wall / MILLI - HOUR));
        assert!(near(clock.now().elapsed.0, now.elapsed.0));
        assert!(near(Coarse::of(&clock).monotonic / MILLI, coarse.monotonic / MILLI));
    }

    #[test]
    fn lesson_12_the_end_of_time_overflows_nothing() {
        let clock = SteeredClock::new();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now().elapsed, Timestamp::MAX);
        let end = Coarse { monotonic: i64::MAX, wall: i64::MAX };
        assert_eq!(Coarse::of(&clock), end);
        assert_eq!(Coarse::of(&SystemClock).plus(i64::MAX), end);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved_even_before_it_is_polled() {
        let clock = SteeredClock::new();
        let sleep = clock.sleep(Duration::from_secs(3600));
        clock.advance(Duration::from_secs(1));
        sleep.await;

        let sleep = clock.sleep(Duration::from_secs(3600));
        tokio::join!(sleep, async { clock.jump_wall(1) });
    }

    #[tokio::test]
    async fn a_sleep_ends_by_itself_too() {
        SteeredClock::new().sleep(Duration::from_millis(1)).await;
        SystemClock.sleep(Duration::ZERO).await;
    }
}
