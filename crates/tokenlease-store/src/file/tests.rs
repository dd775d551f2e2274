use std::{fs, time::Instant};

use tokenlease::{
    SteeredClock, conformance,
    core::{Identity, StoreTime, lifecycle::Policy},
    store::Stored,
};

use tokenlease::ErrorKind;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

struct Place {
    _temporary: tempfile::TempDir,
    path: PathBuf,
    clock: SteeredClock,
}

impl Place {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("state/tokenlease");
        Self { _temporary: temporary, path, clock: SteeredClock::new() }
    }

    /// Opens the folder as another process does.
    fn open(&self) -> FileStore {
        FileStore::with_clock(&self.path, Arc::new(self.clock.clone())).unwrap()
    }

    fn names(&self, end: &str) -> Vec<String> {
        self.open().0.folder.names(end).unwrap()
    }
}

pub(super) fn name(user: &str) -> RecordName {
    RecordName::new(Identity::wyn("https://wyn.example", user, "c").unwrap())
}

async fn put(store: &FileStore, name: &RecordName, expected: Option<u64>, record: &[u8]) -> u64 {
    match store.swap(name, expected, record, None).await.unwrap() {
        Swapped::Done { revision, .. } => revision,
        Swapped::Conflict(loaded) => panic!("expected the swap to be done, found {loaded:?}"),
    }
}

async fn record(store: &FileStore, name: &RecordName) -> Option<Stored> {
    store.load(name).await.unwrap().record
}

/// Rule: Store: a folder passes the conformance checks of every store.
#[tokio::test]
async fn a_folder_passes_the_conformance_checks() {
    let place = Place::new();
    let pass = async |time| place.clock.advance(time);
    conformance::all(&place.open(), MINUTE, pass).await;
}

/// Rule: Secrets: only their user can read and write the files of a folder, from the moment they
/// are made.
///
/// Reported as dermesser/yup-oauth2#120
#[cfg(unix)]
#[tokio::test]
async fn only_their_user_can_read_and_write_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let store = place.open();
    put(&store, &name("u"), None, b"record").await;
    store.lock(&name("u"), &Owner::new(1), MINUTE).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.path), 0o700);
    let names = place.names("");
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        assert_eq!(mode(&place.path.join(&name)), 0o600, "{name}");
    }
}

/// Rule: Secrets: a folder that other users can write to is an error at the start.
#[cfg(unix)]
#[test]
fn a_folder_that_other_users_can_write_to_is_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let temporary = tempfile::tempdir().unwrap();
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o772)).unwrap();
    let error = FileStore::open(temporary.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[test]
fn a_folder_that_cant_be_made_is_a_config_error_that_names_the_option() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("file");
    fs::write(&file, b"").unwrap();
    let forbidden = if cfg!(unix) { "/proc/tokenlease".into() } else { file.join("a/b") };
    for path in [file.clone(), file.join("below"), forbidden] {
        let error = FileStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("--store"), "{error}");
    }
}

/// Rule: Store: a record's file that is torn at any byte counts as an empty record, and the next
/// write replaces it.
///
/// Reported as aws/aws-cli#10628
#[tokio::test]
async fn a_torn_record_file_is_replaced_by_the_next_write() {
    let place = Place::new();
    let store = place.open();
    put(&store, &name("u"), None, b"record").await;
    let path = place.path.join(&place.names(RECORD_END)[0]);
    let whole = fs::read(&path).unwrap();
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let torn = record(&store, &name("u")).await.unwrap();
        assert_eq!(torn.bytes(), b"", "cut at {end}");
        put(&store, &name("u"), Some(torn.revision()), b"new").await;
        assert_eq!(record(&store, &name("u")).await.unwrap().bytes(), b"new");
    }
}

/// Rule: Store: a record's file of a newer version can't be read and is not changed.
#[tokio::test]
async fn a_record_file_of_a_newer_version_is_not_changed() {
    let place = Place::new();
    let store = place.open();
    put(&store, &name("u"), None, b"record").await;
    let path = place.path.join(&place.names(RECORD_END)[0]);
    let mut newer = fs::read(&path).unwrap();
    newer[4] = 9;
    fs::write(&path, &newer).unwrap();
    assert!(matches!(store.load(&name("u")).await, Err(StoreError::Unreadable(_))));
    let swapped = store.swap(&name("u"), None, b"mine", None).await;
    assert!(matches!(swapped, Err(StoreError::Unreadable(_))), "{swapped:?}");
    assert_eq!(fs::read(&path).unwrap(), newer);
}

/// Rule: Store: no revision of a record is used twice, even after the folder was emptied.
#[tokio::test]
async fn no_revision_is_used_twice_even_after_the_folder_was_emptied() {
    let place = Place::new();
    let store = place.open();
    let mut last = 0;
    for _ in 0..3 {
        let first = put(&store, &name("u"), None, b"one").await;
        let second = put(&store, &name("u"), Some(first), b"two").await;
        assert!(last < first && first < second);
        last = second;
        place.clock.advance(Duration::from_millis(1));
        fs::remove_dir_all(&place.path).unwrap();
        assert_eq!(record(&store, &name("u")).await, None);
    }
}

#[tokio::test]
async fn two_processes_see_each_others_records_at_once() {
    let place = Place::new();
    let (one, other) = (place.open(), place.open());
    let mut revision = put(&one, &name("u"), None, b"0").await;
    for turn in 1..200_u8 {
        let (writer, reader) = if turn % 2 == 0 { (&one, &other) } else { (&other, &one) };
        // These reads fill the cache, which must not outlive a write.
        record(reader, &name("u")).await;
        record(writer, &name("u")).await;
        revision = put(writer, &name("u"), Some(revision), &[turn]).await;
        assert_eq!(record(reader, &name("u")).await, Some(Stored::new(revision, vec![turn])));
        if turn % 50 == 0 {
            std::thread::sleep(Duration::from_millis(110));
        }
    }
}

#[tokio::test]
async fn a_read_of_an_unchanged_record_is_served_from_the_cache() {
    let place = Place::new();
    let store = place.open();
    put(&store, &name("u"), None, &[7; 4096]).await;
    let measure = async |what: &str| {
        let began = Instant::now();
        for _ in 0..1000 {
            assert!(record(&store, &name("u")).await.is_some());
        }
        println!("{what}: {:?} a read", began.elapsed() / 1000);
    };
    assert!(store.0.peek(&name("u")).is_none(), "the record was not read yet");
    measure("just written").await;
    std::thread::sleep(Duration::from_millis(110));
    assert!(store.0.load(&name("u")).is_ok());
    assert!(store.0.peek(&name("u")).is_some(), "an unchanged file is cached");
    measure("unchanged").await;
}

/// Rule: Lock: a folder frees the lock of an owner that has ended at once, and keeps the lock of
/// one that lives.
#[tokio::test]
async fn the_lock_of_an_ended_owner_is_free_at_once() {
    let place = Place::new();
    let (ended, next) = (place.open(), place.open());
    let name = name("u");
    let (one, other) = (Owner::new(1), Owner::new(2));
    assert_eq!(ended.lock(&name, &one, MINUTE).await.unwrap(), Locked::Granted);
    assert_eq!(next.lock(&name, &other, MINUTE).await.unwrap(), Locked::Busy);
    // Dropping the store closes its files, as the end of a process does.
    drop(ended);
    assert_eq!(next.lock(&name, &other, MINUTE).await.unwrap(), Locked::Granted);
    next.unlock(&name, &other).await.unwrap();
    assert_eq!(place.names(lock::OWNER_END), Vec::<String>::new(), "nothing is left behind");
}

/// Rule: Lock: the lock of a paused owner is free when its TTL ends, and the owner can neither
/// renew nor free the lock that another owner took since.
#[tokio::test]
async fn a_paused_owner_loses_its_lock_when_the_ttl_ends() {
    let place = Place::new();
    let (paused, next) = (place.open(), place.open());
    let name = name("u");
    let (one, other) = (Owner::new(1), Owner::new(2));
    assert_eq!(paused.lock(&name, &one, MINUTE).await.unwrap(), Locked::Granted);
    place.clock.advance(MINUTE);
    assert_eq!(next.lock(&name, &other, MINUTE).await.unwrap(), Locked::Granted);
    assert_eq!(paused.renew(&name, &one, MINUTE).await.unwrap(), Locked::Busy);
    paused.unlock(&name, &one).await.unwrap();
    assert_eq!(paused.lock(&name, &one, MINUTE).await.unwrap(), Locked::Busy);
    next.unlock(&name, &other).await.unwrap();
    assert_eq!(paused.lock(&name, &one, MINUTE).await.unwrap(), Locked::Granted);
}

/// Rule: Lock: a lock file that was removed or torn blocks no process.
///
/// Reported as Azure/azure-cli#21744
#[tokio::test]
async fn a_removed_or_torn_lock_file_blocks_no_process() {
    let place = Place::new();
    let store = place.open();
    let (name, owner) = (name("u"), Owner::new(1));
    let path = place.path.join(lock::path(&name));
    for torn in ["", "tokenlease 1 99999999", "\0\0\0\0", "tokenlease 1 x y\n"] {
        fs::write(&path, torn).unwrap();
        assert_eq!(store.lock(&name, &owner, MINUTE).await.unwrap(), Locked::Granted);
        store.unlock(&name, &owner).await.unwrap();
        fs::remove_file(&path).unwrap();
    }
    fs::write(&path, "tokenlease 2 whatever\n").unwrap();
    let error = store.lock(&name, &owner, MINUTE).await.unwrap_err();
    assert!(error.to_string().contains("update this program"), "{error}");
}

/// Rule: Lock: waiting for a process that was stopped with a kernel lock ends in an error before
/// the client's timeout for the store, and other identities are not affected.
///
/// Reported as Azure/azure-cli#25485
#[tokio::test]
async fn waiting_for_a_stopped_process_ends_in_an_error() {
    let place = Place::new();
    let store = place.open();
    let _stopped = lock::acquire(&store.0.folder, &lock::path(&name("u"))).unwrap();
    let error = store.lock(&name("u"), &Owner::new(1), MINUTE).await.unwrap_err();
    assert!(error.to_string().contains("may be stopped"), "{error}");
    assert!(lock::KERNEL_LOCK_TIMEOUT < Policy::default().store_timeout);
    put(&store, &name("v"), None, b"another identity").await;
}

/// Rule: Lock: processes that wait for a lock read it without the kernel lock, so that many of them
/// do not keep the owner from giving it back or taking it again.
#[tokio::test]
async fn waiting_processes_read_a_lock_without_the_kernel_lock() {
    let place = Place::new();
    let (owner, waiter) = (place.open(), place.open());
    let (one, other) = (Owner::new(1), Owner::new(2));
    assert_eq!(owner.lock(&name("u"), &one, MINUTE).await.unwrap(), Locked::Granted);
    let kernel_lock = lock::acquire(&owner.0.folder, &lock::path(&name("u"))).unwrap();
    assert_eq!(waiter.lock(&name("u"), &other, MINUTE).await.unwrap(), Locked::Busy);
    drop(kernel_lock);
    let waiting = tokio::spawn(async move {
        for _ in 0..100 {
            if waiter.lock(&name("u"), &other, MINUTE).await.unwrap() == Locked::Granted {
                waiter.unlock(&name("u"), &other).await.unwrap();
            }
        }
    });
    while !waiting.is_finished() {
        if owner.lock(&name("u"), &one, MINUTE).await.unwrap() == Locked::Granted {
            owner.unlock(&name("u"), &one).await.unwrap();
        }
        // The calls return without yielding, so the other task would never run.
        tokio::task::yield_now().await;
    }
    waiting.await.unwrap();
    assert!(place.names(lock::OWNER_END).is_empty());
}

/// Rule: Store: a folder removes expired records and the files of processes that have ended.
///
/// Reported as DuendeArchive/Support#455
#[tokio::test]
async fn the_sweep_removes_expired_records_and_files_of_ended_processes() {
    let place = Place::new();
    let store = place.open();
    put(&store, &name("kept"), None, b"record").await;
    for user in ["a", "b"] {
        store.swap(&name(user), None, b"record", Some(MINUTE)).await.unwrap();
    }
    place.clock.advance(2 * MINUTE);
    assert_eq!(record(&store, &name("a")).await, None);
    assert_eq!(place.names(RECORD_END).len(), 3);
    // Files that ended processes left behind long ago.
    let old = std::time::SystemTime::now() - Duration::from_secs(40 * 86_400);
    for left in ["0123.tmp", "x.host+1+2.owner", "x.lock", "boot.before"] {
        fs::File::create(place.path.join(left)).unwrap().set_modified(old).unwrap();
    }
    fs::write(place.path.join("4567.tmp"), b"of a running process").unwrap();
    sweep::sweep(&store.0.folder, &store.0.clock);
    assert_eq!(place.names(RECORD_END).len(), 1);
    assert_eq!(place.names(".tmp"), ["4567.tmp"]);
    assert_eq!(place.names(".owner").len() + place.names("boot.before").len(), 0);
    assert_eq!(place.names(lock::END).len(), 3, "lock files in use are young");
    assert!(record(&store, &name("kept")).await.is_some());
}

/// Rule: Secrets: errors and Debug of a folder show no record.
#[tokio::test]
async fn errors_and_debug_of_a_folder_show_no_record() {
    let place = Place::new();
    let store = place.open();
    put(&store, &name("u"), None, b"canary").await;
    assert!(!format!("{store:?}").contains("canary"));
    let seen = format!("{:?}", store.load(&name("u")).await);
    assert!(seen.contains("[redacted]") && !seen.contains("canary"), "{seen}");
    assert!(StoreTime::MIN < store.load(&name("u")).await.unwrap().now);
}

mod clocks;
mod daily_sweep;
#[cfg(unix)]
mod hanging_calls;
