use super::*;
use crate::FolderAccess;

/// Rule: Lock: where a kernel lock denies reading, as on Windows, a lock that another process is just
/// changing costs no error, and is known right after.
#[test]
fn a_lock_that_is_just_changed_is_known_right_after() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(&temporary.path().join("tokens"), FolderAccess::User).unwrap();
    let clock = BootClock::new(std::sync::Arc::new(tokenlease::SystemClock), Some("one"));
    let name = tokenlease::core::Identity::wyn("https://wyn.example", "u", "c").unwrap();
    let name = RecordName::new(name);
    let (locks, ttl) = (Locks::default(), Duration::from_secs(60));
    let granted = locks.lock(&folder, &clock, &name, &Owner::new(1), ttl).unwrap();
    assert!(matches!(granted, Locked::Granted));
    let now = clock.now(&folder).unwrap();
    let is_taken = || is_taken(&folder, &name, &Owner::new(2), now);
    let changing = acquire(&folder, &path(&name)).unwrap();
    let seen = is_taken();
    drop(changing);
    assert!(seen || cfg!(windows), "Unix denies no reading");
    assert!(is_taken());
}

/// Rule: Lock: a file system that gives a file another number each time is an error, not a loop.
#[test]
fn a_lock_file_that_is_another_one_each_time_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Folder::open(folder.path(), FolderAccess::User).unwrap();
    let error = acquire_while(&folder, "x.lock", |_, _| false).unwrap_err();
    assert!(error.to_string().contains("another file"), "{error}");
    assert!(acquire_file(&folder, "x.lock").is_ok());
}

/// Rule: Fork: a child that is forked while its parent has a kernel lock does not keep it.
#[test]
fn a_child_that_is_forked_under_a_kernel_lock_does_not_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Folder::open(folder.path(), FolderAccess::User).unwrap();
    let held = acquire_file(&folder, "x.lock").unwrap();
    // A forked child has a copy of the descriptor, as this is.
    let of_child = held.try_clone().unwrap();
    drop(held);
    drop(acquire_file(&folder, "x.lock").unwrap());
    drop(of_child);
    // Nor does it keep the lock of a check of whether an owner lives.
    let owner = folder.open_or_make("x.owner").unwrap();
    assert!(!is_alive(&folder, "x.owner"));
    owner.try_lock().unwrap();
    assert!(is_alive(&folder, "x.owner"));
}
