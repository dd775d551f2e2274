//! The program at a limit of threads.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::{Command, Output},
};

use tokenlease_emulator::Emulator;

use crate::support::emulator;

/// Runs `token` in a new folder, for a user who may have that many threads.
fn run(threads: u32, store: &str) -> Output {
    run_in(tempfile::tempdir().expect("a folder").path(), &emulator(), threads, store)
}

/// Runs `token` for a user who may have that many threads, the one of the program included. Its state is
/// in the folder.
fn run_in(folder: &Path, emulator: &Emulator, threads: u32, store: &str) -> Output {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("a mode");
    // The limit does not bind root.
    let is_root = Command::new("id").arg("-u").output().expect("id").stdout == b"0\n";
    let mut command = Command::new(if is_root { "setpriv" } else { "env" });
    if is_root {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    // A copy, because another user may not enter the folder of the build.
    let program = folder.join("program");
    fs::copy(env!("CARGO_BIN_EXE_tokenlease"), &program).expect("a copy");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let (server, user, contract) =
        (emulator.winkas().server(), emulator.winkas().user(), emulator.winkas().contract());
    command
        .args(["prlimit", &format!("--nproc={threads}:{threads}")])
        .arg(&program)
        .args(["token", "--provider", "winkas", "--server", &server, "--user", &user])
        .args(["--contract", &contract, "--store", store, "--deadline", "2s"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").expect("a path"))
        .env("XDG_STATE_HOME", folder)
        .env("TOKENLEASE_PASSWORD", emulator.winkas().password())
        .output()
        .expect("setpriv and prlimit of util-linux")
}

/// Rule: Deadlines: at a limit of threads the program reports an internal error, and does not panic.
///
/// Reported as mozilla/sccache#1972 and tokio-rs/tokio#6167.
#[test]
fn the_program_reports_a_limit_of_threads() {
    for store in ["memory:", "file:"] {
        for threads in 1..6 {
            let run = run(threads, store);
            let text = String::from_utf8(run.stderr).expect("UTF-8");
            assert!(!text.contains("panicked"), "{threads} {store}: {text}");
            if threads == 1 {
                assert_eq!(run.status.code(), Some(70), "{store}: {text}");
                assert!(text.contains("raise the limits on threads"), "{text}");
            } else {
                // The limit may be met at each step, or not at all.
                assert!(run.status.code().is_some(), "{threads} {store}: {text}");
            }
        }
    }
}

/// Rule: Store: the program starts no thread for a token that it finds in a folder on a local disk.
#[test]
fn a_token_in_a_folder_needs_no_thread() {
    let (emulator, folder) = (emulator(), tempfile::tempdir().expect("a folder"));
    let unlimited = 10_000;
    let first = run_in(folder.path(), &emulator, unlimited, "file:");
    assert!(first.status.success(), "{first:?}");
    // A file system without a device may be one of a network: a thread opens the folder.
    let has_device = fs::metadata(folder.path()).expect("a folder").dev() >> 8 != 0;
    let threads = if has_device && cfg!(target_os = "linux") { 1 } else { unlimited };
    let second = run_in(folder.path(), &emulator, threads, "file:");
    assert!(second.status.success(), "{second:?}");
    assert_eq!(second.stdout, first.stdout);
    assert_eq!(emulator.counts().winkas.login, 1);
}
