//! Which signals are blocked, as the kernel tells.

use std::{fs, sync::Arc, thread};

use nix::sys::signal::{SigSet, Signal};
use tokenlease_core::{Credentials, lifecycle::Event};
use tokio::sync::Semaphore;

use super::*;
use crate::{
    callbacks::Owner,
    credentials_source::CredentialsSource,
    event_queue::{EventQueue, Hook, HookThreads, ProgramHooks},
    log::Logged,
    runtime::{Runtime, run_blocking},
};

/// Returns the mask of the calling thread.
fn mask() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

fn blocks(mask: u64, signal: Signal) -> bool {
    mask & 1 << (signal as i32 - 1) != 0
}

/// Asserts that a thread with that mask dies neither from SIGPIPE nor runs a handler of the program.
fn assert_is_blocked(mask: u64, place: &str) {
    for signal in Signal::iterator() {
        let is_unblockable = matches!(signal, Signal::SIGKILL | Signal::SIGSTOP);
        let is_fault = matches!(
            signal,
            Signal::SIGBUS
                | Signal::SIGFPE
                | Signal::SIGILL
                | Signal::SIGSEGV
                | Signal::SIGSYS
                | Signal::SIGTRAP
        );
        assert_eq!(blocks(mask, signal), !is_unblockable && !is_fault, "{signal} {place}");
    }
}

/// Runs a test on a thread that blocks exactly one signal.
fn on_a_thread_of_the_program(test: impl FnOnce(u64) + Send + 'static) {
    let thread = thread::spawn(|| {
        SigSet::from(Signal::SIGUSR2).thread_set_mask().unwrap();
        let before = mask();
        assert_eq!(before, 1 << (Signal::SIGUSR2 as i32 - 1));
        test(before);
        assert_eq!(mask(), before, "the program's own thread is as before");
    });
    thread.join().unwrap();
}

/// Rule: Signals: the threads of the library block all signals but those of a fault, and a thread of
/// the program keeps its own mask.
#[test]
fn the_threads_of_the_library_block_signals() {
    on_a_thread_of_the_program(|_| {
        let runtime = Runtime::current().unwrap();
        assert_is_blocked(runtime.block_on(async { mask() }).unwrap(), "in a task");
        assert_is_blocked(spawn_thread("test", mask).unwrap().join().unwrap(), "on a thread");
        let work = run_blocking(None, mask);
        assert_is_blocked(runtime.block_on(work).unwrap().unwrap(), "in blocking work");
        // From a thread of the program: tokio starts the thread there.
        let pooled = runtime.handle().unwrap().spawn_blocking(mask);
        assert_is_blocked(runtime.block_on(pooled).unwrap().unwrap(), "in tokio's blocking work");
    });
}

/// Rule: Signals: functions of the program run with the signal mask of the thread that passed them, so
/// that processes which they start inherit no other one.
#[test]
fn functions_of_the_program_run_with_its_own_mask() {
    on_a_thread_of_the_program(|before| {
        let runtime = Runtime::current().unwrap();
        let source = CredentialsSource::from_fn(|| Ok(Credentials::password(mask().to_string())));
        let at_once = Arc::new(Semaphore::new(1));
        let fetch = async move { source.fetch(Owner::new(), &at_once).await };
        let fetched = runtime.block_on(fetch).unwrap().unwrap();
        assert_eq!(fetched.password.unwrap().expose(), before.to_string());

        let (sender, masks) = std::sync::mpsc::channel();
        let hook = move |_: &Event| sender.send(mask()).unwrap();
        let hooks = ProgramHooks { event: Some(Hook::new(hook)), log: None };
        let queue = Arc::new(EventQueue::new(hooks));
        let threads = Arc::new(HookThreads::default());
        // As a driver does.
        let push = move || queue.push(&threads, &Logged::test(Event::CircuitClosed));
        spawn_thread("test", push).unwrap().join().unwrap();
        assert_eq!(masks.recv().unwrap(), before);
    });
}
