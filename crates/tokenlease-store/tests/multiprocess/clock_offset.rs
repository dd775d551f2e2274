//! A clock that a test can advance. Its offset from real time is in a file in libfaketime's format,
//! so that one change reaches the children and the stores' servers alike.

use std::{
    cell::Cell,
    fs,
    future::Future,
    io::ErrorKind,
    iter,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use tokenlease::{
    Clock, SystemClock,
    core::{Now, Timestamp, WallTime},
};

#[cfg(unix)]
use crate::{process::Starter, world::World};

/// The offset from real time, in whole seconds, in a file.
#[derive(Debug)]
pub(crate) struct ClockOffset {
    folder: tempfile::TempDir,
    seconds: Cell<u64>,
}

impl ClockOffset {
    pub(crate) fn new() -> Self {
        let offset = Self { folder: tempfile::tempdir().unwrap(), seconds: Cell::new(0) };
        offset.write();
        // A server may run as another user.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(offset.folder.path(), open).unwrap();
        }
        offset
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// Returns the time that was added to real time so far.
    pub(crate) fn passed(&self) -> Duration {
        Duration::from_secs(self.seconds.get())
    }

    /// Adds whole seconds to the offset.
    pub(crate) fn pass(&self, time: Duration) {
        assert_eq!(time.subsec_nanos(), 0, "the offset is in whole seconds");
        self.seconds.set(self.seconds.get() + time.as_secs());
        self.write();
    }

    /// Replaces the file by a rename, so that no reader sees a part of it.
    fn write(&self) {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("+{}\n", self.seconds.get())).unwrap();
        // Windows does not replace a file that a child is reading.
        while let Err(error) = fs::rename(&new, self.path()) {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        }
    }
}

/// The system's clocks, plus the offset in the file.
#[derive(Clone, Debug)]
pub(crate) struct OffsetClock(PathBuf);

impl OffsetClock {
    pub(crate) fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }

    fn millis(&self) -> i64 {
        // Windows does not open a file that is being replaced.
        let mut tries = iter::repeat_with(|| fs::read_to_string(&self.0)).take(1000);
        let text = tries.find_map(Result::ok).expect("the file with the clock's offset");
        let seconds: i64 = text.trim().trim_start_matches('+').parse().expect("whole seconds");
        seconds * 1000
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Now {
        let (now, passed) = (SystemClock.now(), self.millis());
        Now { wall: WallTime(now.wall.0 + passed), elapsed: Timestamp(now.elapsed.0 + passed) }
    }

    fn coarse_monotonic(&self) -> i64 {
        SystemClock.coarse_monotonic() + self.millis() * 1_000_000
    }

    fn coarse_wall(&self) -> i64 {
        SystemClock.coarse_wall() + self.millis() * 1_000_000
    }

    /// Sleeps for 20 ms at most, since nothing wakes it when the file changes.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        SystemClock.sleep(duration.min(Duration::from_millis(20)))
    }
}

/// Returns a child's clocks: both wall clocks, then both others.
#[cfg(unix)]
fn clocks(starter: &Starter) -> [i64; 4] {
    let mut process = starter.start_one();
    process.order("clock");
    let numbers = process.answer();
    let numbers: Vec<i64> = numbers.split(' ').map(|text| text.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[cfg(unix)]
#[test]
fn a_faked_wall_clock_leaves_a_clients_elapsed_time_alone() {
    let Some(fake) = tokenlease_test_servers::fake_time() else { return };
    let world = World::new();
    let ten_minutes = 600_000;
    for (sign, skew) in [("+600", ten_minutes), ("-600", -ten_minutes)] {
        let faked = world.winkas().with_env("FAKETIME", sign);
        let faked = fake.iter().fold(faked, |faked, (name, value)| faked.with_env(name, value));
        let [wall, coarse_wall, elapsed, monotonic] = clocks(&world.winkas());
        let far = clocks(&faked);
        let expected = [wall + skew, coarse_wall + skew, elapsed, monotonic];
        for (shown, expected) in far.into_iter().zip(expected) {
            // The coarse clocks are late by some milliseconds.
            let near = expected - 100..expected + 60_000;
            assert!(near.contains(&shown), "{far:?}, not {expected}");
        }
    }
}
