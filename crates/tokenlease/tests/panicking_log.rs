//! A test of a log that panics. It is alone in its process, because it sets the subscriber of all
//! threads.

mod common;

use std::{
    cell::Cell,
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use common::World;
use tokenlease::SteeredClock;
use tokenlease_emulator::Emulator;
use tracing_subscriber::filter::LevelFilter;

thread_local! {
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

/// Writes no log, and panics on a thread that asked for it.
struct Log;

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if PANICS.get() {
            resume_unwind(Box::new("on purpose"));
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Rule: Events: a call in which the program's log panics leaves the client usable.
#[test]
fn a_call_in_which_the_log_panics_leaves_the_client_usable() {
    tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).with_writer(|| Log).init();
    let emulator = Emulator::builder().start_blocking().unwrap();
    let world = World { emulator, clock: SteeredClock::new() };
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let client = world.wyn(&world.registry(), Duration::from_secs(3600));
    let token = executor.block_on(client.token()).unwrap();
    // `forget` makes an event and a change to save in one step, on its caller's thread.
    PANICS.set(true);
    let forgotten = catch_unwind(AssertUnwindSafe(|| executor.block_on(client.forget())));
    PANICS.set(false);
    assert!(forgotten.is_err(), "the log was not called");
    assert_ne!(executor.block_on(client.token()).unwrap(), token);
}
