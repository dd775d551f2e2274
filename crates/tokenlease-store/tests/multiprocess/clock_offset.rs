//! The hour of a test. It stands in a file as libfaketime reads it, so that one move reaches the
//! children and the stores' servers alike.

use std::{
    cell::Cell,
    fs,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use tokenlease::{
    Clock, SystemClock,
    core::{Now, Timestamp, WallTime},
};

use crate::{
    servers,
    world::{Starter, World},
};

/// Real time, plus what it was moved by.
#[derive(Debug)]
pub(crate) struct Hour {
    folder: tempfile::TempDir,
    seconds: Cell<u64>,
}

impl Hour {
    pub(crate) fn new() -> Self {
        let hour = Self { folder: tempfile::tempdir().unwrap(), seconds: Cell::new(0) };
        hour.write();
        // A server may run as another user.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(hour.folder.path(), open).unwrap();
        }
        hour
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("hour")
    }

    /// What was added to real time so far.
    pub(crate) fn passed(&self) -> Duration {
        Duration::from_secs(self.seconds.get())
    }

    /// Lets whole seconds pass.
    pub(crate) fn pass(&self, time: Duration) {
        assert_eq!(time.subsec_nanos(), 0, "it moves by whole seconds");
        self.seconds.set(self.seconds.get() + time.as_secs());
        self.write();
    }

    /// Whole, whoever reads it meanwhile.
    fn write(&self) {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("+{}\n", self.seconds.get())).unwrap();
        fs::rename(new, self.path()).unwrap();
    }
}

/// The system's clocks, plus what stands in the file.
#[derive(Clone, Debug)]
pub(crate) struct FileClock(PathBuf);

impl FileClock {
    pub(crate) fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }

    fn millis(&self) -> i64 {
        let text = fs::read_to_string(&self.0).expect("the hour stands in a file");
        let seconds: i64 = text.trim().trim_start_matches('+').parse().expect("whole seconds");
        seconds * 1000
    }
}

impl Clock for FileClock {
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

    /// Short, since nothing wakes it when the file changes.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        SystemClock.sleep(duration.min(Duration::from_millis(20)))
    }
}

/// What a client reads, seen from outside of it: both wall clocks, then both others.
fn clocks(starter: &Starter) -> [i64; 4] {
    let mut process = starter.start_many(1).remove(0);
    process.order("clock");
    let numbers = process.answer();
    let numbers: Vec<i64> = numbers.split(' ').map(|text| text.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[test]
fn lesson_27_a_clients_wall_clock_can_be_faked_and_its_elapsed_time_left_alone() {
    let Some(fake) = servers::fake_time() else { return };
    let world = World::new();
    let ten_minutes = 600_000;
    for (sign, skew) in [("+600", ten_minutes), ("-600", -ten_minutes)] {
        let faked = world.winkas().and("FAKETIME", sign);
        let faked = fake.iter().fold(faked, |faked, (name, value)| faked.and(name, value));
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
