//! Keys in the keyrings of this operating system, with real processes: the test program runs itself
//! again for each.
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

/// Says that a process is to be a child, and of what store.
const STORE: &str = "TOKENLEASE_TEST_STORE";
const KEYRING: &str = "TOKENLEASE_TEST_KEYRING";
const MARK: &str = "child: ";

/// No test: a process that opens a store and tells a mark of its key.
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

/// Processes that open the store at the same time, and what they said.
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
    let said = |output: Output| {
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(MARK));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    all.into_iter().map(|child| said(child.wait_with_output().unwrap())).collect()
}

#[track_caller]
fn one_key(said: &[String]) -> String {
    assert!(said.iter().all(|key| key.starts_with('[') && *key == said[0]), "{said:#?}");
    said[0].clone()
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).exists());
    if !found {
        println!("skipped: {program} is not on the PATH");
    }
    found
}

/// A session bus with a Secret Service on it, both of their own.
struct Desktop {
    daemons: Vec<Child>,
    address: String,
    home: TempDir,
}

impl Desktop {
    /// With a keyring that is open. None where the programs are not installed.
    fn open() -> Option<Self> {
        Self::start(&["--unlock"])
    }

    /// With one that only a person could open.
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
        desktop.belongs(&mut command);
        let mut keyring = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        keyring.stdin.take().unwrap().write_all(b"password").unwrap();
        // It tells of its sockets once it is there.
        let mut line = String::new();
        BufReader::new(keyring.stdout.take().unwrap()).read_line(&mut line).unwrap();
        desktop.daemons.push(keyring);
        Some(desktop)
    }

    /// Has a process live on this desktop.
    fn belongs(&self, command: &mut Command) {
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

#[test]
fn the_secret_service_gives_all_processes_of_a_store_one_key() {
    let Some(desktop) = Desktop::open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let key = one_key(&children(8, &store, |command| desktop.belongs(command)));
    assert_eq!(one_key(&children(1, &store, |command| desktop.belongs(command))), key);
    assert!(!store.join("key").exists(), "the folder has no key of its own");
    // An emptied store finds its key again.
    fs::remove_dir_all(&store).unwrap();
    assert_eq!(one_key(&children(1, &store, |command| desktop.belongs(command))), key);

    // The store of another user's keyring, and one under another key.
    let Some(other) = Desktop::open() else { return };
    let said = &children(1, &store, |command| other.belongs(command))[0];
    assert!(said.starts_with("store ") && said.contains("keyring has no key"), "{said}");
    let filled = folder.path().join("filled");
    open_blocking(&format!("file:{}", filled.display()), &StoreOptions::new()).unwrap();
    fs::write(filled.join("x.record"), b"").unwrap();
    let said = &children(1, &filled, |command| other.belongs(command))[0];
    assert!(said.starts_with("store ") && said.contains("the store holds records"), "{said}");
}

#[test]
fn a_keyring_that_is_locked_is_an_error_and_no_hang() {
    let Some(desktop) = Desktop::locked() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let said = &children(1, &store, |command| desktop.belongs(command))[0];
    assert!(said.starts_with("store ") && said.contains("unlock it"), "{said}");
    assert!(!store.join("key").exists(), "nothing is used in its place");
}

#[test]
fn without_a_secret_service_an_error_names_the_other_ways() {
    let folder = tempfile::tempdir().unwrap();
    let said = &children(1, &folder.path().join("store"), |command| {
        command
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("HOME", folder.path());
    })[0];
    assert!(said.starts_with("config "), "{said}");
    for part in ["Secret Service", "by a file or a passphrase", "leave a folder's key"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn the_kernel_s_keyring_gives_all_processes_of_a_store_one_key() {
    let kernel = linux_keyutils_keyring_store::Store::new().unwrap();
    // The first entry of a thread joins it, and the second is found.
    if kernel.build("tokenlease", "newest", None).is_err() {
        println!("skipped: the kernel's keyring can't be used here");
        return;
    }
    let newest = kernel.build("tokenlease", "newest", None).unwrap();
    // Keys of this user's are used and left alone.
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
        // As after a boot.
        let said = &children(1, &store, of_kernel)[0];
        assert!(said.contains(&format!("has no key {name}")), "{said}");
        assert!(said.contains("forgets at each boot"), "{said}");
    }
}
