//! Stores that fail, and those who hold a lease meanwhile.

use std::{fs, os::unix::fs::chown, thread, time::Duration};

use rustix::process::getuid;

use crate::world::{Process, Starter, World};

const SOON: Duration = Duration::from_millis(60);

/// Whom children run as where the tests run as root, whom no permission stops: `nobody`.
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
    let mut holder = starter.start_many(1).remove(0);
    let token = holder.ask("token").token().to_owned();
    (holder, token)
}

#[test]
fn lesson_20_in_a_read_only_folder_leases_serve_winkas_refetches_and_wyn_logs_in_once() {
    let world = World::new();
    let user = nobody(&world);
    let winkas = world.winkas().by(user).with("REFRESH", "20");
    let wyn = world.wyn().by(user).with("REFRESH", "20");
    let (mut holder, token) = holder(&winkas);
    set_mode(&world, 0o500);

    thread::sleep(SOON);
    assert_eq!(holder.ask("token").token(), token, "memory");
    let mut reader = winkas.start_many(1).remove(0);
    let read = reader.ask("token");
    assert_eq!((read.source(), read.token()), ("Store", &*token), "it can still be read");

    // What needs a lock goes by the policy: the running token at WinKAS, one login at Wyn.
    let mut stranger = wyn.start_many(1).remove(0);
    let issued = stranger.ask("token");
    assert_eq!(issued.source(), "Login");
    thread::sleep(SOON);
    assert_eq!(stranger.ask("token").token(), issued.token());
    for record in world.files(".record") {
        set_mode(&world, 0o700);
        fs::remove_file(record).unwrap();
        set_mode(&world, 0o500);
    }
    let mut late = winkas.start_many(1).remove(0);
    let refetched = late.ask("token");
    assert_eq!((refetched.source(), refetched.token()), ("Refetch", &*token));
    let counts = world.emulator.counts();
    assert_eq!((counts.winkas.login, counts.wyn.login), (1, 1));

    // It comes back by itself, and what was got meanwhile is saved.
    set_mode(&world, 0o700);
    thread::sleep(Duration::from_millis(5200));
    assert_eq!(stranger.ask("token").token(), issued.token());
    let shared = crate::death::until(|| {
        thread::sleep(Duration::from_millis(50));
        let answer = wyn.start_many(1).remove(0).ask("explain");
        assert_ne!(world.logins(), 3, "{answer:?}");
        (!world.files(".record").is_empty()).then(|| wyn.start_many(1).remove(0).ask("token"))
    });
    assert_eq!(shared.token(), issued.token());
    assert_eq!(world.logins(), 2);
}

#[test]
fn lesson_20_on_a_full_disk_leases_serve_and_nothing_is_torn() {
    let world = World::new();
    let (mut holder, token) = holder(&world.winkas().with("REFRESH", "20"));
    // No file may get a byte from here on: as where the disk is full.
    let full = "trap '' XFSZ; ulimit -f 0";
    let starved = world.winkas().with("REFRESH", "20").with("DEADLINE", "3000").after(full);
    let mut starved = starved.start_many(1).remove(0);
    assert_eq!(starved.ask("token").token(), token, "it can still be read");
    world.emulator.end_token(&token);
    assert_eq!(starved.ask("report-rejected").kind(), "store");
    assert_eq!(world.emulator.counts().winkas.login, 1, "no login without a store at WinKAS");
    // Who has room goes on.
    holder.ask("report-rejected");
    let renewed = holder.ask("token");
    assert!(world.emulator.token_is_active(renewed.token()));
    assert_eq!(world.emulator.counts().winkas.login, 2);
    assert!(world.files(".tmp").is_empty(), "{:?}", world.files(".tmp"));
}

#[test]
fn lesson_15_a_torn_record_costs_a_refetch_and_no_login() {
    let world = World::new();
    let (_, token) = holder(&world.winkas());
    let record = world.files(".record").remove(0);
    let whole = fs::read(&record).unwrap();
    for cut in [0, 3, 20, whole.len() / 2, whole.len() - 1] {
        fs::write(&record, &whole[..cut]).unwrap();
        let mut next = world.winkas().start_many(1).remove(0);
        assert_eq!(next.ask("token").token(), token);
        drop(next);
        assert_eq!(world.winkas().start_many(1).remove(0).ask("token").source(), "Store");
    }
    assert_eq!(world.logins(), 1);
}

#[test]
fn a_folder_that_is_of_no_use_stops_the_start_with_the_options_name() {
    let world = World::with_store("file:/proc/tokenlease".into());
    let mut process = world.winkas().start();
    let answer = process.take();
    assert_eq!(answer.kind(), "config");
    assert!(format!("{answer:?}").contains("--store"), "{answer:?}");
    assert_eq!(world.logins(), 0);
}

/// Root's home can be written to, and so it is only tried as `nobody`, who has none.
#[test]
fn who_has_no_home_is_told_to_name_a_store() {
    if !getuid().is_root() {
        return;
    }
    let world = World::with_store("file:".into());
    let homeless = world.winkas().by(Some(65534)).without("HOME").without("XDG_STATE_HOME");
    let answer = homeless.start().take();
    assert_eq!(answer.kind(), "config");
    assert!(format!("{answer:?}").contains("--store"), "{answer:?}");
}
