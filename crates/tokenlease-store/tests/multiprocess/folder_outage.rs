//! Folders that can't be read or written, and processes that use them meanwhile.

use std::{fs, os::unix::fs::chown, thread, time::Duration};

use rustix::process::getuid;

use crate::{
    process::{Process, Starter},
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

/// Rule: Outage: in a read-only folder cached and stored leases are served, WinKAS refetches, and
/// Wyn logs in once for each process; when the folder is writable again, new leases are saved.
#[test]
fn in_a_read_only_folder_leases_are_served_winkas_refetches_and_wyn_logs_in_once() {
    let world = World::new();
    let user = nobody(&world);
    let winkas = world.winkas().run_as(user).with("REFRESH", "1000");
    let wyn = world.wyn().run_as(user).with("REFRESH", "1000");
    let (mut holder, token) = holder(&winkas);
    set_mode(&world, 0o500);

    thread::sleep(CHECK_INTERVAL);
    assert_eq!(holder.ask("token").token(), token, "memory");
    let mut reader = winkas.start_one();
    let read = reader.ask("token");
    assert_eq!((read.source(), read.token()), ("Store", &*token), "the record is readable");

    // Without a lock the outage policy decides: a refetch at WinKAS, one login at Wyn.
    let mut without_lease = wyn.start_one();
    let login = without_lease.ask("token");
    assert_eq!(login.source(), "Login");
    thread::sleep(CHECK_INTERVAL);
    assert_eq!(without_lease.ask("token").token(), login.token());
    for record in world.files(".record") {
        set_mode(&world, 0o700);
        fs::remove_file(record).unwrap();
        set_mode(&world, 0o500);
    }
    let refetched = winkas.start_one().ask("token");
    assert_eq!((refetched.source(), refetched.token()), ("Refetch", &*token));
    let counts = world.emulator.counts();
    assert_eq!((counts.winkas.login, counts.wyn.login), (1, 1));

    // The outage ends without a restart, and the new lease is saved.
    set_mode(&world, 0o700);
    thread::sleep(Duration::from_millis(5200));
    assert_eq!(without_lease.ask("token").token(), login.token());
    let shared = wait_until(|| {
        thread::sleep(Duration::from_millis(50));
        let answer = wyn.start_one().ask("explain");
        assert_ne!(world.logins(), 3, "{answer:?}");
        (!world.files(".record").is_empty()).then(|| wyn.start_one().ask("token"))
    });
    assert_eq!(shared.token(), login.token());
    assert_eq!(world.logins(), 2);
}

/// Rule: Outage: on a full disk leases are served, WinKAS gets no login, and no record is torn.
#[test]
fn on_a_full_disk_leases_are_served_and_no_record_is_torn() {
    let world = World::new();
    let (mut holder, token) = holder(&world.winkas().with("REFRESH", "1000"));
    // This process can write no byte to a file, as on a full disk.
    let full = "trap '' XFSZ; ulimit -f 0";
    let without_space = world.winkas().with("REFRESH", "1000").with("DEADLINE", "3000");
    let mut without_space = without_space.after_script(full).start_one();
    assert_eq!(without_space.ask("token").token(), token, "the record is readable");
    world.emulator.end_token(&token);
    assert_eq!(without_space.ask("report-rejected").kind(), "store");
    assert_eq!(world.emulator.counts().winkas.login, 1, "no login without a store at WinKAS");
    // A process that can write replaces the token.
    holder.ask("report-rejected");
    let renewed = holder.ask("token");
    assert!(world.emulator.token_is_active(renewed.token()));
    assert_eq!(world.emulator.counts().winkas.login, 2);
    assert!(world.files(".tmp").is_empty(), "{:?}", world.files(".tmp"));
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
