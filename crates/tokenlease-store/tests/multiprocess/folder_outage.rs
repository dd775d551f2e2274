//! Folders that can't be read or written, and processes that use them meanwhile.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use rustix::process::getuid;

use crate::{
    process::{Answer, Process, Starter},
    world::{World, wait_until},
};

/// Longer than the store check interval that these tests set, a second.
const CHECK_INTERVAL: Duration = Duration::from_millis(1100);

/// Gives the folder to `nobody` if the tests run as root, and returns the user for the children:
/// permissions do not apply to root.
fn nobody(world: &World) -> Option<u32> {
    let nobody = getuid().is_root().then_some(65534);
    if let Some(nobody) = nobody {
        chown(world.folder.path(), Some(nobody), Some(nobody)).unwrap();
    }
    nobody
}

fn set_mode(world: &World, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = world.folder.path().join("store");
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

fn holder(starter: &Starter) -> (Process, String) {
    let mut holder = starter.start_one();
    let token = holder.ask("token").token().to_owned();
    (holder, token)
}

/// Rule: Outage: in a read-only folder cached and stored leases are served, and nothing is sent for new
/// ones under any policy; when the folder is writable again, processes work without a restart.
#[test]
fn in_a_read_only_folder_leases_are_served_and_nothing_is_sent() {
    let world = World::new();
    let user = nobody(&world);
    let winkas = world.winkas().run_as(user).with("REFRESH", "1000");
    let wyn = world.wyn().run_as(user).with("REFRESH", "1000").with("OUTAGE", "budget");
    let (mut holder, token) = holder(&winkas);
    set_mode(&world, 0o500);

    thread::sleep(CHECK_INTERVAL);
    assert_eq!(holder.ask("token").token(), token, "memory");
    let mut reader = winkas.start_one();
    let read = reader.ask("token");
    assert_eq!((read.source(), read.token()), ("Store", &*token), "the record is readable");

    // No process can take the lock.
    let mut without_lease = wyn.start_one();
    assert_rejected(&without_lease.ask("token"), "Permission denied");
    for record in world.files(".record") {
        set_mode(&world, 0o700);
        fs::remove_file(record).unwrap();
        set_mode(&world, 0o500);
    }
    let counts = world.emulator.counts();
    assert_rejected(&winkas.start_one().ask("token"), "Permission denied");
    assert_eq!(world.emulator.counts(), counts, "neither a refetch nor a login");
    assert_eq!((counts.winkas.login, counts.wyn.login), (1, 0));

    // The folder is corrected, and the processes need no restart.
    set_mode(&world, 0o700);
    let login = wait_until(|| match without_lease.ask("token") {
        Answer::Error { .. } => {
            thread::sleep(Duration::from_millis(50));
            None
        }
        answer => Some(answer),
    });
    assert_eq!(wyn.start_one().ask("token").token(), login.token());
    assert_eq!(world.emulator.counts().wyn.login, 1);
}

/// Asserts that the error is the store's, and names the cause.
fn assert_rejected(answer: &Answer, cause: &str) {
    assert_eq!(answer.kind(), "store", "{answer:?}");
    assert!(format!("{answer:?}").contains(cause), "{answer:?}");
}

/// Rule: Outage: a process that may write no byte serves stored leases, sends nothing for new ones, and
/// tears no record.
#[test]
fn a_process_that_may_write_no_byte_serves_leases_and_sends_nothing() {
    let world = World::new();
    let (mut holder, token) = holder(&world.winkas().with("REFRESH", "1000"));
    // This process can write no byte to a file, as on a full disk.
    let full = "trap '' XFSZ; ulimit -f 0";
    let without_space = world.winkas().with("REFRESH", "1000").with("DEADLINE", "3000");
    let mut without_space = without_space.after_script(full).start_one();
    assert_eq!(without_space.ask("token").token(), token, "the record is readable");
    world.emulator.end_token(&token);
    let refetches = world.emulator.counts().winkas.refetch;
    assert_rejected(&without_space.ask("report-rejected"), "File too large");
    let counts = world.emulator.counts().winkas;
    assert_eq!((counts.login, counts.refetch), (1, refetches));
    // A process that can write replaces the token.
    holder.ask("report-rejected");
    let renewed = holder.ask("token");
    assert!(world.emulator.token_is_active(renewed.token()));
    assert_eq!(world.emulator.counts().winkas.login, 2);
    assert!(world.files(".tmp").is_empty(), "{:?}", world.files(".tmp"));
}

/// A small file system in memory, at the store's folder.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(world: &World) -> Self {
        let folder = world.folder.path().join("store");
        fs::create_dir(&folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs"]).arg(&folder);
        assert!(mount.status().unwrap().success());
        Self(folder)
    }

    /// Fills the disk but for so many pages.
    fn fill_but(&self, pages: u64) {
        let error = fs::write(self.0.join("filler"), vec![0; 300 * 1024]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        let filler = fs::File::options().write(true).open(self.0.join("filler")).unwrap();
        filler.set_len(filler.metadata().unwrap().len() - pages * 4096).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Rule: Outage: on a full disk processes that start send nothing, because they could not save a token:
/// the lock is granted only if there is room for a record.
///
/// It mounts a small file system, and so needs root.
#[test]
fn on_a_full_disk_nothing_is_sent() {
    if !getuid().is_root() {
        return;
    }
    for is_winkas in [true, false] {
        let world = World::new();
        let disk = SmallDisk::mount(&world);
        let starter = if is_winkas { world.winkas() } else { world.wyn().with("OUTAGE", "budget") };
        // All files exist, as after the jobs of earlier days.
        let (holder, token) = holder(&starter);
        drop(holder);
        fs::remove_file(world.files(".record").remove(0)).unwrap();
        let counts = world.emulator.counts();
        // On a page there is room for the lock, and none for a record beside it.
        for pages in [0, 1, 1] {
            disk.fill_but(pages);
            assert_rejected(&starter.start_one().ask("token"), "No space left");
        }
        assert_eq!(world.emulator.counts(), counts);
        assert!(world.files(".tmp").is_empty() && world.files(".owner").is_empty());
        disk.free();
        let answer = starter.start_one().ask("token");
        assert_eq!(answer.token() == token, is_winkas, "a refetch returns it");
        assert_eq!(starter.start_one().ask("token").source(), "Store");
    }
}

/// Rule: Outage: a record, a key or a folder of another user, as after one run with `sudo`, is an error of
/// the store that names it, and nothing is sent.
///
/// It runs processes as `nobody`, and so needs root.
#[test]
fn files_of_another_user_are_named_and_nothing_is_sent() {
    const NOBODY: Option<u32> = Some(65534);
    if !getuid().is_root() {
        return;
    }
    let world = World::new();
    nobody(&world);
    let starters = [world.winkas(), world.wyn().with("OUTAGE", "budget")]
        .map(|starter| starter.with("REFRESH", "1000").with("KEY", ""));
    // Root makes the folder, the key and the records.
    let tokens = starters.each_ref().map(|starter| starter.start_one().ask("token"));
    let counts = world.emulator.counts();
    let folder = world.folder.path().join("store");
    let give = |path: &Path| chown(path, NOBODY, NOBODY).unwrap();
    let assert_named = |what: &str| {
        for starter in &starters {
            let mut process = starter.clone().run_as(NOBODY).start();
            // A key or a folder is an error at the start.
            let answer = match process.take() {
                Answer::Other(text) if text == "ready" => process.ask("token"),
                answer => answer,
            };
            assert_rejected(&answer, what);
        }
        assert_eq!(world.emulator.counts(), counts, "{what}");
    };
    assert_named(&folder.display().to_string());
    give(&folder);
    for (end, what) in [("boot.", "boot."), ("key", "/key"), (".record", ".record")] {
        assert_named(what);
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy();
            if name.starts_with(end) || name.ends_with(end) {
                give(&path);
            }
        }
    }
    for (starter, token) in starters.iter().zip(tokens) {
        let read = starter.clone().run_as(NOBODY).start_one().ask("token");
        assert_eq!((read.source(), read.token()), ("Store", token.token()));
    }
    assert_eq!(world.emulator.counts(), counts);
}

/// Rule: Store: a torn record counts as none, and the next write replaces it; at WinKAS it costs a
/// refetch and no login.
///
/// Reported as aws/aws-cli#10628
#[test]
fn a_torn_record_costs_a_refetch_and_no_login() {
    let world = World::new();
    let (_, token) = holder(&world.winkas());
    let record = world.files(".record").remove(0);
    let whole = fs::read(&record).unwrap();
    for cut in [0, 3, 20, whole.len() / 2, whole.len() - 1] {
        fs::write(&record, &whole[..cut]).unwrap();
        let mut next = world.winkas().start_one();
        assert_eq!(next.ask("token").token(), token);
        drop(next);
        assert_eq!(world.winkas().start_one().ask("token").source(), "Store");
    }
    assert_eq!(world.logins(), 1);
}

/// Rule: Languages: a folder that can't be used is an error at the start that names the option.
#[test]
fn an_unusable_folder_is_an_error_at_the_start_that_names_the_option() {
    let world = World::with_store("file:/proc/tokenlease".into());
    let mut process = world.winkas().start();
    let answer = process.take();
    assert_eq!(answer.kind(), "config");
    assert!(format!("{answer:?}").contains("--store"), "{answer:?}");
    assert_eq!(world.logins(), 0);
}

/// Rule: Languages: without a home directory the error asks for a store's name.
///
/// It runs as `nobody`, which has no home directory, and so needs root.
#[test]
fn without_a_home_directory_the_error_names_the_store_option() {
    if !getuid().is_root() {
        return;
    }
    let world = World::with_store("file:".into());
    let homeless = world.winkas().run_as(Some(65534));
    let answer = homeless.without_env("HOME").without_env("XDG_STATE_HOME").start().take();
    assert_eq!(answer.kind(), "config");
    assert!(format!("{answer:?}").contains("--store"), "{answer:?}");
}
