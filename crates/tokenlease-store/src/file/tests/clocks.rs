//! The folder's time, by clocks that move only when a test moves them. The system's clocks drift
//! apart by milliseconds, and a test may be paused for seconds.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicI64, Ordering},
};

use tokenlease::core::{Now, Timestamp, WallTime};

use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The clocks of a host, in milliseconds. Clones are moved together.
#[derive(Clone, Debug)]
struct StoppedClock(Arc<Clocks>);

#[derive(Debug)]
struct Clocks {
    wall: AtomicI64,
    elapsed: AtomicI64,
}

impl StoppedClock {
    fn new() -> Self {
        let (wall, elapsed) = (AtomicI64::new(1_800_000_000_000), AtomicI64::new(HOUR));
        Self(Arc::new(Clocks { wall, elapsed }))
    }

    /// Lets milliseconds pass.
    fn advance(&self, millis: i64) {
        self.0.elapsed.fetch_add(millis, Ordering::AcqRel);
        self.jump_wall(millis);
    }

    /// Sets the wall clock, as an administrator does.
    fn jump_wall(&self, millis: i64) {
        self.0.wall.fetch_add(millis, Ordering::AcqRel);
    }

    /// The host starts again: the clock since its start begins at zero.
    fn restart(&self) {
        self.0.elapsed.store(0, Ordering::Release);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Now {
        Now {
            wall: WallTime(self.0.wall.load(Ordering::Acquire)),
            elapsed: Timestamp(self.0.elapsed.load(Ordering::Acquire)),
        }
    }

    fn coarse_monotonic(&self) -> i64 {
        self.now().elapsed.0 * 1_000_000
    }

    fn coarse_wall(&self) -> i64 {
        self.now().wall.0 * 1_000_000
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::task::yield_now())
    }
}

struct Host {
    place: Place,
    clock: StoppedClock,
}

impl Host {
    fn new() -> Self {
        Self { place: Place::new(), clock: StoppedClock::new() }
    }

    /// Opens the folder in a process of that start of the host.
    fn boot(&self, boot: &str) -> FileStore {
        self.open(Some(boot))
    }

    fn open(&self, boot: Option<&str>) -> FileStore {
        FileStore::on_boot(&self.place.path, Arc::new(self.clock.clone()), boot).unwrap()
    }
}

/// The store's time in milliseconds.
async fn time(store: &FileStore) -> i64 {
    store.load(&name("u")).await.unwrap().now.0
}

/// Rule: Clocks: on a system without a boot id the wall clock is the store's clock, and the store's
/// time never goes back.
#[tokio::test]
async fn without_a_boot_id_the_wall_clock_is_the_stores_clock() {
    let host = Host::new();
    let store = host.open(None);
    let pass = async |time: Duration| host.clock.advance(i64::try_from(time.as_millis()).unwrap());
    conformance::all(&store, MINUTE, pass).await;
    let before = time(&store).await;
    assert_eq!(before, host.clock.now().wall.0);
    host.clock.jump_wall(-HOUR);
    assert_eq!(time(&store).await, before, "the store's time never goes back");
    host.clock.jump_wall(2 * HOUR);
    assert_eq!(time(&store).await, before + HOUR);
}

/// Rule: Clocks: a folder's time continues over a boot by the wall clock, and never goes back.
#[tokio::test]
async fn the_stores_time_continues_over_a_boot_and_never_goes_back() {
    let host = Host::new();
    let first = host.boot("one");
    put(&first, &name("u"), None, b"record").await;
    let before = time(&first).await;
    // The host is down for an hour, by the wall clock.
    host.clock.jump_wall(HOUR);
    host.clock.restart();
    let second = host.boot("two");
    assert_eq!(time(&second).await, before + HOUR);
    // All processes of a boot agree, even after a jump of the wall clock.
    host.clock.jump_wall(DAY);
    host.clock.advance(1000);
    assert_eq!(time(&second).await, before + HOUR + 1000);
    assert_eq!(time(&host.boot("two")).await, before + HOUR + 1000);
    // If the wall clock was set back, only the time without a running process is not counted.
    put(&second, &name("v"), None, b"record").await;
    host.clock.jump_wall(-10 * DAY);
    host.clock.restart();
    assert_eq!(time(&host.boot("three")).await, before + HOUR + 1000);
}

/// Rule: Clocks: a jump of the wall clock does not change the store's time.
///
/// Reported as ltratt/pizauth#47
#[tokio::test]
async fn a_jump_of_the_wall_clock_does_not_change_the_stores_time() {
    let host = Host::new();
    let store = host.boot("one");
    let before = time(&store).await;
    host.clock.jump_wall(DAY);
    assert_eq!(time(&store).await, before);
    assert_eq!(time(&host.boot("one")).await, before);
}
