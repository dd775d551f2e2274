//! A record's lock: an intent that is written under a kernel lock held for that alone, and a file
//! of the owner's own that the kernel frees when the owner dies.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokenlease::{
    core::{StoreTime, time::Moment as _},
    store::{Locked, Owner, RecordName, StoreError},
};

use super::{
    boot::BootClock,
    folder::{self, Folder},
};

pub(super) const END: &str = ".lock";
pub(super) const OWNER_END: &str = ".owner";
/// How long to wait for others who read or write the same intent: microseconds, as a rule.
pub(super) const PATIENCE: Duration = Duration::from_millis(1500);
const LONGEST_SLICE: Duration = Duration::from_millis(8);

/// The owners' files that this process holds, by name.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<BTreeMap<String, File>>);

impl Locks {
    pub(super) fn lock(
        &self,
        folder: &Folder,
        clock: &BootClock,
        name: &RecordName,
        owner: &Owner,
        life: Duration,
    ) -> Result<Locked, StoreError> {
        let mut file = acquire(folder, &path(name))?;
        let now = clock.now(folder)?;
        match Taken::read(&mut file, folder, name, owner, now)? {
            Taken::ByAnother => return Ok(Locked::Busy),
            // Its owner can't be about to hold it again: that is done under the kernel lock.
            Taken::ByTheDead(theirs) => _ = fs::remove_file(theirs),
            Taken::No => {}
        }
        self.hold(folder, &owner_file(name, owner.as_str()))?;
        let intent = Intent { owner: owner.as_str().to_owned(), until: now.plus(life) };
        intent.write(&mut file).map_err(failed(folder, name))?;
        Ok(Locked::Granted)
    }

    pub(super) fn renew(
        folder: &Folder,
        clock: &BootClock,
        name: &RecordName,
        owner: &Owner,
        life: Duration,
    ) -> Result<Locked, StoreError> {
        let mut file = acquire(folder, &path(name))?;
        let now = clock.now(folder)?;
        match Intent::read(&mut file).map_err(failed(folder, name))? {
            Some(intent) if intent.owner == owner.as_str() && now < intent.until => {
                let intent = Intent { until: now.plus(life), ..intent };
                intent.write(&mut file).map_err(failed(folder, name))?;
                Ok(Locked::Granted)
            }
            _ => Ok(Locked::Busy),
        }
    }

    pub(super) fn unlock(
        &self,
        folder: &Folder,
        name: &RecordName,
        owner: &Owner,
    ) -> Result<(), StoreError> {
        // First of all: if the intent can't be reached, the others see that nobody stands
        // behind it.
        self.release(folder, &owner_file(name, owner.as_str()));
        let mut file = acquire(folder, &path(name))?;
        match Intent::read(&mut file).map_err(failed(folder, name))? {
            Some(intent) if intent.owner == owner.as_str() => {
                file.set_len(0).map_err(failed(folder, name))
            }
            _ => Ok(()),
        }
    }

    /// Holds the owner's own file, if this process does not hold it already.
    fn hold(&self, folder: &Folder, name: &str) -> Result<(), StoreError> {
        let mut held = self.held();
        if held.contains_key(name) {
            return Ok(());
        }
        let path = folder.join(name);
        let file =
            folder.open_or_make(name).map_err(|error| folder::away("making", &path, error))?;
        // Whoever looks whether its owner is alive has it for a moment.
        wait_for(&file).map_err(|error| folder::away("locking", &path, error))?;
        held.insert(name.to_owned(), file);
        Ok(())
    }

    /// Nobody else makes a file of that name, so it can go while it is held.
    fn release(&self, folder: &Folder, name: &str) {
        if let Some(file) = self.held().remove(name) {
            let _ = fs::remove_file(folder.join(name));
            // A process that was forked off has the same lock in hand: it is freed for both.
            let _ = file.unlock();
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, File>> {
        // Each change is one insertion or removal, so a panic elsewhere spoils nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another has the lock, seen without the kernel lock: so nobody waits for a crowd that
/// looks. What is seen may be old; that costs another look, and nothing is granted for it.
pub(super) fn is_taken(folder: &Folder, name: &RecordName, owner: &Owner, now: StoreTime) -> bool {
    let Ok(mut file) = File::open(folder.join(&path(name))) else { return false };
    matches!(Taken::read(&mut file, folder, name, owner, now), Ok(Taken::ByAnother))
}

/// The file with a record's intent.
pub(super) fn path(name: &RecordName) -> String {
    format!("{}{END}", name.key())
}

fn owner_file(name: &RecordName, owner: &str) -> String {
    // Windows has no colons in names; in owners they part what has none.
    format!("{}.{}{OWNER_END}", name.key(), owner.replace(':', "+"))
}

/// Takes the kernel lock on a file of that name, or fails in time. What happens until the file is
/// dropped happens to nobody else at the same time.
pub(super) fn acquire(folder: &Folder, name: &str) -> Result<File, StoreError> {
    let path = folder.join(name);
    let away = |error| folder::away("locking", &path, error);
    loop {
        let file = folder.open_or_make(name).map_err(away)?;
        wait_for(&file).map_err(away)?;
        // Else it was swept away between the opening and the locking.
        if is_still(&file, &path) {
            return Ok(file);
        }
    }
}

/// Takes the kernel lock on a file, or fails in time.
fn wait_for(file: &File) -> io::Result<()> {
    let began = Instant::now();
    let mut slice = Duration::from_micros(100);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {}
            Err(TryLockError::WouldBlock) => {
                let why = "another process keeps it locked; it may be stopped";
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        thread::sleep(slice);
        slice = (slice * 2).min(LONGEST_SLICE);
    }
}

/// Whether the name still means the file that was opened by it.
#[cfg(unix)]
pub(super) fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(opened), Ok(there)) => (opened.dev(), opened.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Lock files are never removed here.
#[cfg(not(unix))]
pub(super) fn is_still(_: &File, _: &Path) -> bool {
    true
}

/// Who has a record's lock, to one who wants it.
enum Taken {
    No,
    ByAnother,
    /// Its owner's file is left over.
    ByTheDead(PathBuf),
}

impl Taken {
    fn read(
        file: &mut File,
        folder: &Folder,
        name: &RecordName,
        owner: &Owner,
        now: StoreTime,
    ) -> Result<Self, StoreError> {
        let intent = Intent::read(file).map_err(failed(folder, name))?;
        let Some(intent) = intent.filter(|intent| intent.owner != owner.as_str()) else {
            return Ok(Self::No);
        };
        let theirs = folder.join(&owner_file(name, &intent.owner));
        Ok(match is_alive(&theirs) {
            true if now < intent.until => Self::ByAnother,
            true => Self::No,
            false => Self::ByTheDead(theirs),
        })
    }
}

/// Whether a process stands behind an owner's file.
fn is_alive(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    // Shared, so that those who look do not take each other for the owner.
    match file.try_lock_shared() {
        Ok(()) => false,
        // Where it can't be told, the lock ends by time.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
    }
}

/// Who holds a record's lock, as one line of text: `tokenlease 1 UNTIL OWNER`.
struct Intent {
    owner: String,
    until: StoreTime,
}

impl Intent {
    /// The intent there, if there is one. A torn one was its owner's last act: nobody's.
    fn read(file: &mut File) -> io::Result<Option<Self>> {
        let mut text = String::new();
        file.seek(io::SeekFrom::Start(0))?;
        match file.take(1024).read_to_string(&mut text) {
            Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
            _ => {}
        }
        let Some(line) = text.strip_suffix('\n') else { return Ok(None) };
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("tokenlease"), Some("1"), Some(until), Some(owner)) => Ok(until
                .parse()
                .ok()
                .map(|until| Self { owner: owner.to_owned(), until: StoreTime(until) })),
            (Some("tokenlease"), Some(_), ..) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a newer version wrote it; update this program",
            )),
            _ => Ok(None),
        }
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        let line = format!("tokenlease 1 {} {}\n", self.until.0, self.owner);
        // Shorter first: a line that is cut off has no end, and is nobody's.
        file.set_len(0)?;
        file.seek(io::SeekFrom::Start(0))?;
        file.write_all(line.as_bytes())
    }
}

fn failed(folder: &Folder, name: &RecordName) -> impl Fn(io::Error) -> StoreError {
    let path = folder.join(&path(name));
    move |error| folder::away("locking", &path, error)
}
