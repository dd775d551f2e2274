//! Keys in the keyrings of this operating system, with real processes. The test program starts
//! itself once more for each process.
#![cfg(all(target_os = "linux", feature = "keyring", feature = "file"))]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use keyring_core::api::CredentialStoreApi as _;
use tempfile::TempDir;
use tokenlease_store::{KeySource, Keyring, StoreOptions, open_blocking};

/// The variable that makes a process a child; its value is the store's URL.
const STORE: &str = "TOKENLEASE_TEST_STORE";
const KEYRING: &str = "TOKENLEASE_TEST_KEYRING";
const MARK: &str = "child: ";

/// The entry point of a child, which opens the store and prints a hash of its key. Without
/// [`STORE`] it does nothing.
#[test]
fn child() {
    let Ok(store) = std::env::var(STORE) else { return };
    let keyring = match std::env::var(KEYRING).as_deref() {
        Ok("kernel") => Keyring::Kernel,
        _ => Keyring::User,
    };
    let options = StoreOptions::new().with_key(KeySource::Keyring(keyring));
    let answer = match open_blocking(&store, &options) {
        Ok(opened) => format!("{:02x?}", opened.key.mac("test", &[])),
        Err(error) => format!("{} {error}", error.kind().as_str()),
    };
    println!("\n{MARK}{answer}");
}

/// Starts processes that open the store at the same time, and returns their answers.
fn children(count: usize, store: &Path, prepare: impl Fn(&mut Command)) -> Vec<String> {
    let all: Vec<Child> = (0..count)
        .map(|_| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["child", "--exact", "--nocapture"]).stdout(Stdio::piped());
            command.env(STORE, format!("file:{}", store.display()));
            prepare(&mut command);
            command.spawn().unwrap()
        })
        .collect();
    let answer = |output: Output| {
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(MARK));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    all.into_iter().map(|child| answer(child.wait_with_output().unwrap())).collect()
}

#[track_caller]
fn one_key(answer: &[String]) -> String {
    assert!(answer.iter().all(|key| key.starts_with('[') && *key == answer[0]), "{answer:#?}");
    answer[0].clone()
}

fn has(program: &str) -> bool {
    tokenlease_test_servers::found(&[program]).is_some()
}

/// A separate session bus with a Secret Service.
struct Desktop {
    daemons: Vec<Child>,
    address: String,
    home: TempDir,
}

impl Desktop {
    /// Starts a desktop whose keyring is unlocked. `None` if the programs are not installed.
    fn open() -> Option<Self> {
        Self::start(&["--unlock"])
    }

    /// Starts a desktop whose keyring is locked, so that only a person could unlock it.
    fn locked() -> Option<Self> {
        Self::start(&[])
    }

    fn start(how: &[&str]) -> Option<Self> {
        if !has("dbus-daemon") || !has("gnome-keyring-daemon") {
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .env("XDG_RUNTIME_DIR", home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let mut desktop = Self { daemons: vec![bus], address: address.trim().to_owned(), home };
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).args(how);
        desktop.apply_to(&mut command);
        let mut keyring = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        keyring.stdin.take().unwrap().write_all(b"password").unwrap();
        // The daemon prints its sockets when it is ready.
        let mut line = String::new();
        BufReader::new(keyring.stdout.take().unwrap()).read_line(&mut line).unwrap();
        desktop.daemons.push(keyring);
        Some(desktop)
    }

    /// Lets a process use this desktop.
    fn apply_to(&self, command: &mut Command) {
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.home.path())
            .env("XDG_DATA_HOME", self.home.path().join("data"));
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// Rule: Secrets: the Secret Service gives all processes of a store one key, also after the store
/// was emptied; another user's keyring, and a store with records of another key, are errors.
#[test]
fn the_secret_service_gives_all_processes_of_a_store_one_key() {
    let Some(desktop) = Desktop::open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let key = one_key(&children(8, &store, |command| desktop.apply_to(command)));
    assert_eq!(one_key(&children(1, &store, |command| desktop.apply_to(command))), key);
    assert!(!store.join("key").exists(), "the folder has no key file");
    // A store that was emptied gets its key again.
    fs::remove_dir_all(&store).unwrap();
    assert_eq!(one_key(&children(1, &store, |command| desktop.apply_to(command))), key);

    // The store's key is not in another user's keyring, and `filled` has records of another key.
    let Some(other) = Desktop::open() else { return };
    let answer = &children(1, &store, |command| other.apply_to(command))[0];
    assert!(answer.starts_with("store ") && answer.contains("keyring has no key"), "{answer}");
    let filled = folder.path().join("filled");
    open_blocking(&format!("file:{}", filled.display()), &StoreOptions::new()).unwrap();
    fs::write(filled.join("x.record"), b"").unwrap();
    let answer = &children(1, &filled, |command| other.apply_to(command))[0];
    assert!(answer.starts_with("store ") && answer.contains("the store holds records"), "{answer}");
}

/// Rule: Deadlines: a locked keyring is an error that asks to unlock it, and no call hangs.
#[test]
fn a_locked_keyring_is_an_error_and_no_hang() {
    let Some(desktop) = Desktop::locked() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let answer = &children(1, &store, |command| desktop.apply_to(command))[0];
    assert!(answer.starts_with("store ") && answer.contains("unlock it"), "{answer}");
    assert!(!store.join("key").exists(), "no other key is used instead");
}

#[test]
fn without_a_secret_service_an_error_names_the_other_ways() {
    let folder = tempfile::tempdir().unwrap();
    let answer = &children(1, &folder.path().join("store"), |command| {
        command
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("HOME", folder.path());
    })[0];
    assert!(answer.starts_with("config "), "{answer}");
    for part in ["Secret Service", "by a file or a passphrase", "a folder's own key"] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
}

/// Rule: Secrets: the kernel's keyring gives all processes of a store one key; a lost key is an
/// error that names it.
#[test]
fn the_kernels_keyring_gives_all_processes_of_a_store_one_key() {
    let kernel = linux_keyutils_keyring_store::Store::new().unwrap();
    // The first entry makes this thread join the keyring; the second one shows whether it works.
    if kernel.build("tokenlease", "newest", None).is_err() {
        println!("skipped: the kernel's keyring can't be used here");
        return;
    }
    let newest = kernel.build("tokenlease", "newest", None).unwrap();
    // A key that this user has already is used, and not removed.
    let had_one = newest.get_password().is_ok();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let of_kernel = |command: &mut Command| {
        command.env(KEYRING, "kernel");
    };
    let key = one_key(&children(8, &store, of_kernel));
    assert_eq!(one_key(&children(1, &store, of_kernel)), key);
    if !had_one {
        let name = newest.get_password().unwrap();
        kernel.build("tokenlease", &name, None).unwrap().delete_credential().unwrap();
        newest.delete_credential().unwrap();
        // The key is lost, as after a boot.
        let answer = &children(1, &store, of_kernel)[0];
        assert!(answer.contains(&format!("has no key {name}")), "{answer}");
        assert!(answer.contains("loses keys at each boot"), "{answer}");
    }
}
