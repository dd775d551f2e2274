//! A record's lock. It consists of an intent, which is written under a short kernel lock, and of
//! the owner's file, whose kernel lock the kernel releases when the owner dies.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    ops::{Deref, DerefMut},
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
/// The longest wait for other processes that read or write the same intent. They normally take
/// microseconds.
pub(super) const KERNEL_LOCK_TIMEOUT: Duration = Duration::from_millis(1500);
/// How often a lock file may be replaced while a process locks it. A sweep does so once a day; a file
/// system without stable numbers of files would seem to do so each time.
const MAX_REPLACED: u32 = 100;
const MAX_POLL_INTERVAL: Duration = Duration::from_millis(8);
/// More bytes than a record and a lock have.
const RECORD_ROOM: usize = 32 * 1024;

/// The owners' files that this process has locked, by name.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<BTreeMap<String, File>>);

impl Locks {
    pub(super) fn lock(
        &self,
        folder: &Folder,
        clock: &BootClock,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        let mut file = acquire(folder, &path(name))?;
        let now = clock.now(folder)?;
        match Taken::read(&mut file, folder, name, owner, now)? {
            Taken::ByAnother => return Ok(Locked::Busy),
            // No owner can lock this file again meanwhile: that needs the kernel lock.
            Taken::ByEndedOwner(owner_file) => _ = fs::remove_file(owner_file),
            Taken::No => {}
        }
        let owner_file = owner_file(name, owner.as_str());
        self.lock_owner_file(folder, &owner_file)?;
        let intent = Intent { owner: owner.as_str().to_owned(), until: now.plus(ttl) };
        if let Err(error) = intent.write(&mut file) {
            self.release_owner_file(folder, &owner_file);
            return Err(failed(folder, name)(error));
        }
        Ok(Locked::Granted)
    }

    pub(super) fn renew(
        folder: &Folder,
        clock: &BootClock,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        let mut file = acquire(folder, &path(name))?;
        let now = clock.now(folder)?;
        match Intent::read(&mut file).map_err(failed(folder, name))? {
            Some(intent) if intent.owner == owner.as_str() && now < intent.until => {
                let intent = Intent { until: now.plus(ttl), ..intent };
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
        // This comes first: if the intent can't be cleared, the other processes still see that its
        // owner has given the lock back.
        self.release_owner_file(folder, &owner_file(name, owner.as_str()));
        let mut file = acquire(folder, &path(name))?;
        match Intent::read(&mut file).map_err(failed(folder, name))? {
            Some(intent) if intent.owner == owner.as_str() => {
                file.set_len(0).map_err(failed(folder, name))
            }
            _ => Ok(()),
        }
    }

    /// Makes and locks the owner's file, unless this process has locked it already. Fails if the disk has
    /// no room for a record: the owner could not save the token that it requests under the lock.
    fn lock_owner_file(&self, folder: &Folder, name: &str) -> Result<(), StoreError> {
        let mut owned = self.owned();
        if owned.contains_key(name) {
            return Ok(());
        }
        let path = folder.join(name);
        let file = folder
            .open_or_make(name)
            .map_err(|error| folder::unavailable("making", &path, error))?;
        // A process that checks whether the owner is alive locks the file for a moment.
        wait_for(&file).map_err(|error| folder::unavailable("locking", &path, error))?;
        if let Err(error) = check_room(&file, folder.remote) {
            let _ = fs::remove_file(&path);
            return Err(folder::unavailable("writing", &path, error));
        }
        owned.insert(name.to_owned(), file);
        Ok(())
    }

    /// Removes and unlocks the owner's file. No other process makes a file of that name, so it can
    /// be removed while it is locked.
    fn release_owner_file(&self, folder: &Folder, name: &str) {
        if let Some(file) = self.owned().remove(name) {
            let _ = fs::remove_file(folder.join(name));
            // A forked process shares this lock; unlocking releases it for both.
            let _ = file.unlock();
        }
    }

    fn owned(&self) -> MutexGuard<'_, BTreeMap<String, File>> {
        // Each change is one insertion or removal, so the map is intact even after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes as many bytes as a record may have, and frees them again.
fn check_room(mut file: &File, remote: bool) -> io::Result<()> {
    file.write_all(&vec![0; RECORD_ROOM])?;
    // A server learns of the bytes, and rejects them, when they are flushed to it.
    if remote {
        file.sync_data()?;
    }
    file.set_len(0)
}

/// Returns whether another owner has the lock. This takes no kernel lock, so that many waiting
/// processes do not delay the owner. The result may be out of date: then the caller reads it once
/// more later, and no lock is granted for it.
pub(super) fn is_taken(folder: &Folder, name: &RecordName, owner: &Owner, now: StoreTime) -> bool {
    let Ok(mut file) = folder.open_file(&path(name)) else { return false };
    matches!(Taken::read(&mut file, folder, name, owner, now), Ok(Taken::ByAnother))
}

/// Returns the name of the file with a record's intent.
pub(super) fn path(name: &RecordName) -> String {
    format!("{}{END}", name.key())
}

fn owner_file(name: &RecordName, owner: &str) -> String {
    // Windows allows no colons in names. The parts of an owner have none, so this is reversible.
    format!("{}.{}{OWNER_END}", name.key(), owner.replace(':', "+"))
}

/// A file with a kernel lock, which ends when this is dropped.
///
/// A process that is forked meanwhile shares the lock and would keep it, if the file was only closed.
#[derive(Debug)]
pub(super) struct KernelLock(File);

impl Deref for KernelLock {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for KernelLock {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for KernelLock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Takes the kernel lock on a file of that name, exclusively until the returned lock is dropped.
/// Fails after [`KERNEL_LOCK_TIMEOUT`].
pub(super) fn acquire(folder: &Folder, name: &str) -> Result<KernelLock, StoreError> {
    acquire_file(folder, name)
        .map_err(|error| folder::unavailable("locking", &folder.join(name), error))
}

/// As [`acquire`], with the error of the system.
pub(super) fn acquire_file(folder: &Folder, name: &str) -> io::Result<KernelLock> {
    acquire_while(folder, name, is_still)
}

/// Takes the kernel lock on a file that `is_still` the one of its name.
fn acquire_while(
    folder: &Folder,
    name: &str,
    is_still: impl Fn(&File, &Path) -> bool,
) -> io::Result<KernelLock> {
    let path = folder.join(name);
    for _ in 0..MAX_REPLACED {
        let file = match folder.open_or_make(name) {
            // A sweep removed the file since another process made it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => folder.open_or_make(name)?,
            result => result?,
        };
        wait_for(&file)?;
        let file = KernelLock(file);
        // Otherwise a sweep removed the file before it was locked.
        if is_still(&file, &path) {
            return Ok(file);
        }
    }
    Err(io::Error::other("each time it is opened it is another file"))
}

/// Takes the kernel lock on a file, or fails after [`KERNEL_LOCK_TIMEOUT`].
fn wait_for(file: &File) -> io::Result<()> {
    let began = Instant::now();
    let mut interval = Duration::from_micros(100);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < KERNEL_LOCK_TIMEOUT => {}
            Err(TryLockError::WouldBlock) => {
                let why = "another process keeps the file locked; that process may be stopped";
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        thread::sleep(interval);
        interval = (interval * 2).min(MAX_POLL_INTERVAL);
    }
}

/// Returns whether the path still leads to the opened file.
#[cfg(unix)]
pub(super) fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(opened), Ok(there)) => (opened.dev(), opened.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Returns whether the path still leads to the opened file.
#[cfg(windows)]
pub(super) fn is_still(file: &File, path: &Path) -> bool {
    let number = |file: &File| {
        let info = winapi_util::file::information(file).ok()?;
        Some((info.volume_serial_number(), info.file_index()))
    };
    let there = File::open(path).ok().and_then(|there| number(&there));
    there.is_some() && there == number(file)
}

/// Returns true: on these systems no folder is used.
#[cfg(not(any(unix, windows)))]
pub(super) fn is_still(_: &File, _: &Path) -> bool {
    true
}

/// Whether a record's lock is taken, from the point of view of one owner.
enum Taken {
    No,
    ByAnother,
    /// The owner has ended and left its file behind.
    ByEndedOwner(PathBuf),
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
        let owner_file = owner_file(name, &intent.owner);
        Ok(match is_alive(folder, &owner_file) {
            true if now < intent.until => Self::ByAnother,
            true => Self::No,
            false => Self::ByEndedOwner(folder.join(&owner_file)),
        })
    }
}

/// Returns whether a process has locked an owner's file.
fn is_alive(folder: &Folder, name: &str) -> bool {
    let file = match folder.open_file(name) {
        Ok(file) => file,
        // If the file can't be opened for another reason, the lock ends with its TTL.
        Err(error) => return error.kind() != io::ErrorKind::NotFound,
    };
    // A shared lock, so that processes that check do not mistake each other for the owner.
    match file.try_lock_shared() {
        Ok(()) => {
            drop(KernelLock(file));
            false
        }
        // If the check fails, the lock ends with its TTL.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
    }
}

/// The owner of a record's lock, as one line of text: `tokenlease 1 UNTIL OWNER`.
struct Intent {
    owner: String,
    until: StoreTime,
}

impl Intent {
    /// Reads the intent, if there is one. A torn one has no owner: its writer ended while writing.
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
        // The file is emptied first, so a torn line lacks its end, and counts as no intent.
        file.set_len(0)?;
        file.seek(io::SeekFrom::Start(0))?;
        file.write_all(line.as_bytes())
    }
}

fn failed(folder: &Folder, name: &RecordName) -> impl Fn(io::Error) -> StoreError {
    let path = folder.join(&path(name));
    move |error| folder::unavailable("locking", &path, error)
}

#[cfg(test)]
mod tests;
