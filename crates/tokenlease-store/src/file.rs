//! The store in a folder, for the processes of one host.
//!
//! | file | content |
//! | --- | --- |
//! | `IDENTITY.record` | a header, then the record's bytes; a rename replaces the whole file |
//! | `IDENTITY.lock` | the owner of the record's lock and its expiry; a process reads and writes it under a short kernel lock |
//! | `IDENTITY.OWNER.owner` | the owner's file: the owner keeps a kernel lock on it while it has the record's lock, and the kernel releases it when the owner dies; it is empty, after a check that the disk has room for a record |
//! | `boot.ID` | the offset of this boot's clock from the store's time |
//! | `key` | the store's key, if no other was given |
//! | `swept` | its time says when a process last removed expired files |
//!
//! `IDENTITY` is [`RecordName::key`]. Only their user can read and write the files, or the folder's group
//! with [`FolderAccess::Group`]. On Windows the folder's access rights say so, and its files inherit them. No link is followed, and a file of another user is not used.
//!
//! # Time
//! The store's time is the system's suspend-aware clock plus an offset, which the first process
//! after a boot writes. After a boot the store's time continues from the latest record: it adds the
//! time by which the wall clock advanced since, and never goes back. Linux, macOS and Windows
//! tell which boot it is; elsewhere the wall clock is the store's clock.
//!
//! # Limits
//! - On a file system that is not known to be local, all file operations run on threads for them, because
//!   they may take seconds. A call that hangs keeps its thread, and costs its own callers only.
//! - On network file systems, kernel locks and the visibility of a rename depend on both ends; the
//!   store logs a warning there. Use Redis or PostgreSQL for several hosts.
//! - Without hard links (FAT, exFAT, SMB, FUSE), files are placed under a lock. Without a sync of folders
//!   (SMB, FUSE), the newest records may be lost in a power failure; the store logs a warning.
//! - A process that is stopped (`SIGSTOP`) in the microseconds in which it has the kernel lock on
//!   `IDENTITY.lock` blocks the others until it continues: to them the store is unavailable.
//! - A process that was forked from the owner without `exec` keeps the owner's kernel lock after
//!   the owner's death. Then the lock ends with its TTL.

#[cfg_attr(windows, path = "file/access/windows.rs")]
#[cfg_attr(not(any(unix, windows)), path = "file/access/other.rs")]
mod access;
mod boot;
mod file_system;
mod folder;
mod header;
mod local_disk;
mod lock;
mod own_key;
mod record;
mod refused;
mod remove;
mod sweep;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokenlease::{
    Clock, Result, Store, SystemClock,
    runtime::run_blocking,
    store::{Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};
use tokio::sync::Semaphore;

use self::{boot::BootClock, folder::Folder, header::RECORD_END, lock::Locks, record::Records};
pub use crate::folder_access::FolderAccess;
use crate::state_folder;

/// The most calls of a store that have a thread at once.
const MAX_CALLS: usize = 32;

/// A folder that the processes of one host share.
///
/// It stores records as they are: wrap it in [`Sealed`](crate::Sealed) to encrypt them, or let
/// [`open`](crate::open()) do so.
///
/// ```
/// use tokenlease_store::{FileStore, Sealed};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path().join("tokens");
/// let store = FileStore::open(&folder)?; // makes the folder, for this user alone
/// let key = store.own_key()?; // makes the file `key` in it
/// let store = Sealed::new(store, &key);
/// println!("{}", tokenlease_store::check(&store).await?); // one line for each step
/// # Ok::<(), tokenlease::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    folder: Folder,
    clock: BootClock,
    records: Records,
    locks: Locks,
    /// The calls that have a thread now.
    calls: Arc<Semaphore>,
}

impl FileStore {
    /// Opens the store in that folder, on the system's clock. Makes the folder if it does not
    /// exist.
    ///
    /// # Errors
    /// [`Store`](tokenlease::ErrorKind::Store) if the folder exists, and this user has no permission to use it or its
    /// file system is read-only; [`Config`](tokenlease::ErrorKind::Config) if the folder can't be made, or if other
    /// users may write to it.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::with_clock(folder, Arc::new(SystemClock))
    }

    /// Opens the store in that folder like [`open`](Self::open), on the given clock.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn with_clock(folder: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let boot = clock.boot().map(str::to_owned);
        Self::on_boot(folder.as_ref(), clock, boot.as_deref())
    }

    /// Returns whether the folder can be opened on the caller's thread, as it takes some microseconds: it
    /// is on a local disk, has its files, and is not due for a sweep.
    pub(crate) fn opens_quickly(folder: &Path) -> bool {
        local_disk::is_on_local_disk(folder)
            && !sweep::is_due(&folder.join(sweep::MARK))
            && SystemClock.boot().is_some_and(|boot| folder.join(BootClock::file_of(boot)).exists())
            && own_key::exists(folder)
    }

    /// Opens the store in that folder like [`with_clock`](Self::with_clock), for its user alone or for
    /// its group.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) as in [`open`](Self::open), and if the folder is closed
    /// to its group.
    pub fn with_access(
        folder: impl AsRef<Path>,
        access: FolderAccess,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let boot = clock.boot().map(str::to_owned);
        Self::in_folder(Folder::open(folder.as_ref(), access)?, clock, boot.as_deref())
    }

    /// Opens the store in that folder for reading. Makes and changes no file. Returns `None` if the
    /// folder does not exist or has no record.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if the folder can't be read, or if other users may write
    /// to it.
    pub fn open_existing(
        folder: impl AsRef<Path>,
        access: FolderAccess,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>> {
        let path = folder.as_ref();
        let Some(folder) = Folder::open_existing(path, access)? else { return Ok(None) };
        let records = folder.names(RECORD_END);
        if records.map_err(|error| folder::unusable(path, "can't be read", error))?.is_empty() {
            return Ok(None);
        }
        let boot = clock.boot().map(str::to_owned);
        Self::in_folder(folder, clock, boot.as_deref()).map(Some)
    }

    fn on_boot(path: &Path, clock: Arc<dyn Clock>, boot: Option<&str>) -> Result<Self> {
        Self::in_folder(Folder::open(path, FolderAccess::User)?, clock, boot)
    }

    fn in_folder(folder: Folder, clock: Arc<dyn Clock>, boot: Option<&str>) -> Result<Self> {
        let clock = BootClock::new(clock, boot);
        // This shows at once whether the folder is writable. A temporary failure, such as a full
        // disk, is left to the calls that meet it.
        if let Err(error) = clock.start(&folder)
            && !folder::is_temporary(&error)
        {
            return Err(folder::unusable(folder.path(), "can't be written to", error));
        }
        sweep::sweep_daily(&folder, &clock);
        let records = Records::new(&folder);
        let calls = Arc::new(Semaphore::new(MAX_CALLS));
        Ok(Self(Arc::new(Inner { folder, clock, records, locks: Locks::default(), calls })))
    }

    /// Returns the default folder: `tokenlease` in `$STATE_DIRECTORY` (of a systemd service), in
    /// `$XDG_STATE_HOME`, or in `~/.local/state`; on Windows in the user's local application data.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if the user has no home directory.
    pub fn default_folder() -> Result<PathBuf> {
        state_folder::default_folder()
    }

    /// Returns the key in this folder's file `key`. Makes it if the folder has no record yet.
    ///
    /// # Errors
    /// [`Store`](tokenlease::ErrorKind::Store) if the folder has records and no key, or if its disk fails;
    /// [`Config`](tokenlease::ErrorKind::Config) if other users can read the key, or the file holds no key.
    pub fn own_key(&self) -> Result<tokenlease::core::Key> {
        own_key::read_or_make(&self.0.folder)
    }

    /// Returns whether the folder has a record.
    pub(crate) async fn holds_records(&self) -> Result<bool> {
        let inner = self.0.clone();
        let names = run_blocking(None, move || inner.folder.names(RECORD_END)).await?;
        names.map_or_else(
            |error| Err(folder::unavailable("listing", self.folder(), error).into()),
            |names| Ok(!names.is_empty()),
        )
    }

    /// Removes the record whose key is or begins with `name`, as `tokenlease status` prints it, without
    /// its credentials. Returns whether there was one. Its tokens are not revoked.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if several records begin so, or if `name` has fewer than
    /// 12 characters; [`Store`](tokenlease::ErrorKind::Store) if the record can't be removed.
    pub async fn remove(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        self.on_blocking_thread(move |inner| Ok(remove::by_name(&inner.folder, &name))).await?
    }

    /// Returns the folder's absolute path.
    pub fn folder(&self) -> &Path {
        self.0.folder.path()
    }

    /// Runs file operations on a thread that may block.
    async fn on_blocking_thread<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> std::result::Result<R, StoreError> + Send + 'static,
    ) -> std::result::Result<R, StoreError> {
        let inner = self.0.clone();
        // Calls that hang keep their threads, so further calls wait here, and their callers give up.
        let permit = inner.calls.clone().acquire_owned().await.ok();
        run_blocking(permit, move || work(&inner)).await.map_err(StoreError::Unavailable)?
    }
}

impl Store for FileStore {
    async fn load(&self, name: &RecordName) -> std::result::Result<Loaded, StoreError> {
        if let Some(loaded) = self.load_now(name) {
            return loaded;
        }
        let name = name.clone();
        self.on_blocking_thread(move |inner| inner.load(&name)).await
    }

    /// The child does not use the locks and the cached records of its parent.
    fn after_fork(&self) -> Option<Self> {
        let Inner { folder, clock, .. } = &*self.0;
        Some(Self(Arc::new(Inner {
            folder: folder.clone(),
            clock: clock.after_fork(),
            records: Records::new(folder),
            locks: Locks::default(),
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
        })))
    }

    /// On a local file system, a read of a record's file takes less time than a thread switch. For an
    /// unchanged record one `stat` suffices.
    fn load_now(&self, name: &RecordName) -> Option<std::result::Result<Loaded, StoreError>> {
        let inner = &self.0;
        let read = || inner.peek(name).map_or_else(|| inner.load(name), Ok);
        (!inner.folder.remote).then(read)
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> std::result::Result<Swapped, StoreError> {
        let (name, record) = (name.clone(), zeroize::Zeroizing::new(record.to_vec()));
        self.on_blocking_thread(move |inner| inner.swap(&name, expected, &record, keep)).await
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> std::result::Result<Locked, StoreError> {
        // Waiting callers read the lock without a thread switch, too.
        if self.0.is_taken(name, owner) {
            return Ok(Locked::Busy);
        }
        let (name, owner) = (name.clone(), owner.clone());
        self.on_blocking_thread(move |inner| {
            inner.locks.lock(&inner.folder, &inner.clock, &name, &owner, ttl)
        })
        .await
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> std::result::Result<Locked, StoreError> {
        let (name, owner) = (name.clone(), owner.clone());
        self.on_blocking_thread(move |inner| {
            Locks::renew(&inner.folder, &inner.clock, &name, &owner, ttl)
        })
        .await
    }

    async fn unlock(
        &self,
        name: &RecordName,
        owner: &Owner,
    ) -> std::result::Result<(), StoreError> {
        let (name, owner) = (name.clone(), owner.clone());
        self.on_blocking_thread(move |inner| inner.locks.unlock(&inner.folder, &name, &owner)).await
    }
}

impl Inner {
    fn peek(&self, name: &RecordName) -> Option<Loaded> {
        self.records.peek(&self.folder, name, self.clock.peek()?)
    }

    fn is_taken(&self, name: &RecordName, owner: &Owner) -> bool {
        let now = if self.folder.remote { None } else { self.clock.peek() };
        now.is_some_and(|now| lock::is_taken(&self.folder, name, owner, now))
    }

    fn load(&self, name: &RecordName) -> std::result::Result<Loaded, StoreError> {
        let now = self.clock.now(&self.folder)?;
        let record = self.records.read(&self.folder, name, now)?;
        Ok(Loaded { record, now })
    }

    fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> std::result::Result<Swapped, StoreError> {
        let kernel_lock = lock::acquire(&self.folder, &lock::path(name))?;
        let loaded = self.load(name)?;
        if loaded.record.as_ref().map(Stored::revision) != expected {
            return Ok(Swapped::Conflict(loaded));
        }
        let times = self.clock.times(&self.folder)?;
        let revision = record::write(&self.folder, name, record, keep, times)?;
        drop(kernel_lock);
        // A process that runs for months opens its store once.
        sweep::sweep_daily(&self.folder, &self.clock);
        Ok(Swapped::Done { revision, now: times.store })
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("folder", &self.folder()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod fork_tests;
