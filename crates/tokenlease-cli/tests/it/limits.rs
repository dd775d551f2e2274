//! The program at a limit of threads and of memory.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::ExitStatusExt as _,
    },
    path::PathBuf,
    process::{Command, Output},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;
use tokenlease_emulator::Emulator;

use crate::support::{emulator, folder};

/// The limit on threads counts those of all processes of the user.
static ALONE: Mutex<()> = Mutex::new(());

/// A user with a copy of the program, because another user may not enter the folder of the build.
struct Host {
    _alone: MutexGuard<'static, ()>,
    emulator: Emulator,
    folder: TempDir,
    program: PathBuf,
    is_root: bool,
}

impl Host {
    fn new() -> Self {
        let folder = folder();
        let mode = fs::Permissions::from_mode;
        fs::set_permissions(folder.path(), mode(0o777)).expect("a mode");
        let program = folder.path().join("program");
        fs::copy(env!("CARGO_BIN_EXE_tokenlease"), &program).expect("a copy");
        fs::set_permissions(&program, mode(0o755)).expect("a mode");
        let is_root = Command::new("id").arg("-u").output().expect("id").stdout == b"0\n";
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { _alone: alone, emulator: emulator(), folder, program, is_root }
    }

    /// Runs the program with a limit that `prlimit` sets. A limit of threads does not bind root.
    fn run(&self, limit: &str, args: &[&str]) -> Output {
        let mut command = Command::new(if self.is_root { "setpriv" } else { "env" });
        if self.is_root {
            command.args(["--reuid=65533", "--regid=65533", "--clear-groups"]);
        }
        command
            .args(["prlimit", limit])
            .arg(&self.program)
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a path"))
            .env("XDG_STATE_HOME", self.folder.path())
            .env("TOKENLEASE_PASSWORD", self.emulator.winkas().password())
            .output()
            .expect("setpriv and prlimit of util-linux")
    }

    fn token(&self, limit: &str, store: &str) -> Output {
        let winkas = self.emulator.winkas();
        let (server, user, contract) = (winkas.server(), winkas.user(), winkas.contract());
        let account = ["--server", &server, "--user", &user, "--contract", &contract];
        let mut args = vec!["token", "--provider", "winkas", "--store", store, "--deadline", "2s"];
        args.extend(account);
        self.run(limit, &args)
    }
}

/// Rule: Deadlines: at a limit of threads the program reports an internal error, and does not panic.
///
/// Reported as mozilla/sccache#1972 and tokio-rs/tokio#6167.
#[test]
fn the_program_reports_a_limit_of_threads() {
    for store in ["memory:", "file:"] {
        for threads in 1..6 {
            // The one of the program included.
            let run = Host::new().token(&format!("--nproc={threads}:{threads}"), store);
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

/// Rule: Deadlines: a thread that the system refuses, also for a DNS lookup, is an internal error at once.
///
/// Reported as mozilla/sccache#1972 and tokio-rs/tokio#6167.
#[test]
fn each_thread_that_is_refused_is_an_error_at_once() {
    let host = Host::new();
    let winkas = host.emulator.winkas();
    // A name, which has to be looked up.
    let server = winkas.server().replace("127.0.0.1", "localhost");
    let (user, contract) = (winkas.user(), winkas.contract());
    let mut codes = Vec::new();
    while codes.last() != Some(&0) && codes.len() < 8 {
        let limit = format!("--nproc={0}:{0}", codes.len() + 1);
        let args = ["token", "--provider", "winkas", "--server", &server, "--user", &user];
        // A minute: a thread that never comes would be waited for.
        let more = ["--contract", &contract, "--store", "memory:", "--deadline", "60s"];
        let run = host.run(&limit, &[&args[..], &more[..]].concat());
        let text = String::from_utf8(run.stderr).expect("UTF-8");
        assert!(!text.contains("panicked"), "{limit}: {text}");
        let code = run.status.code().expect("an exit code");
        if code != 0 {
            assert_eq!(code, 70, "{limit}: {text}");
            assert!(text.contains("raise the limits on threads"), "{limit}: {text}");
        }
        codes.push(code);
    }
    // The main thread, two of the runtime, and that of the lookup.
    assert_eq!(codes, [70, 70, 70, 0]);
}

/// Rule: Store: the program starts no thread for a token that it finds in a folder on a local disk.
#[test]
fn a_token_in_a_folder_needs_no_thread() {
    let host = Host::new();
    let unlimited = "--nproc=10000:10000";
    let first = host.token(unlimited, "file:");
    assert!(first.status.success(), "{first:?}");
    // A file system without a device may be one of a network: a thread opens the folder.
    let has_device = fs::metadata(host.folder.path()).expect("a folder").dev() >> 8 != 0;
    let one = has_device && cfg!(target_os = "linux");
    let second = host.token(if one { "--nproc=1:1" } else { unlimited }, "file:");
    assert!(second.status.success(), "{second:?}");
    assert_eq!(second.stdout, first.stdout);
    assert_eq!(host.emulator.counts().winkas.login, 1);
}

/// The steps in which a limit of memory grows: less than a thread's stack.
const STEP: u64 = 256 << 10;

/// Rule: Deadlines: at a limit of memory the program prints a token, or exits with 70.
#[test]
fn the_program_reports_a_limit_of_memory() {
    let host = Host::new();
    let limit = |steps: u64| format!("--as={}", steps * STEP);
    // A program that is larger than the limit can't be started. From here on, its main function runs.
    let (mut no, mut yes) = (0, 4096);
    while yes - no > 1 {
        let middle = u64::midpoint(no, yes);
        let starts = host.run(&limit(middle), &["--version"]).status.success();
        (no, yes) = if starts { (no, middle) } else { (middle, yes) };
    }
    for store in ["memory:", "file:"] {
        let (mut failed, mut succeeded) = (0, 0);
        // The main thread's stack grows in memory, too. A limit below that ends the program by a signal.
        let segv = |steps: u64| host.token(&limit(steps), store).status.signal() == Some(11);
        let first = (yes..yes + 64).find(|steps| !segv(*steps)).expect("a stack in 16 MiB");
        for steps in first.. {
            let run = host.token(&limit(steps), store);
            let text = String::from_utf8_lossy(&run.stderr);
            // The standard library panics where it starts a thread and has no memory left.
            let panics = text.split(") panicked at ").skip(1);
            let of_std = panics.into_iter().all(|place| place.starts_with("/rustc/"));
            assert!(of_std, "{steps} {store}: {text}");
            match run.status.code() {
                Some(0) => succeeded += 1,
                Some(70) => {
                    failed += 1;
                    assert!(text.contains("memory"), "{steps} {store}: {text}");
                }
                _ => panic!("{steps} {store}: {:?} {text}", run.status),
            }
            if succeeded == 5 {
                break;
            }
        }
        assert!(failed > 5, "the limit is met: {failed} times");
    }
}
