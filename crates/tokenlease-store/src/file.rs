//! The store in a folder, for the processes of one host.
//!
//! | file | what it is |
//! | --- | --- |
//! | `IDENTITY.record` | a header, then the record as it came; replaced whole, by a rename |
//! | `IDENTITY.lock` | who holds the record's lock until when; read and written under a kernel lock that is held for that alone |
//! | `IDENTITY.OWNER.owner` | is held under a kernel lock by the owner for as long as it holds the record's lock: the kernel frees it when the owner dies |
//! | `boot.ID` | what the clock of this boot of the machine is ahead of the store's time |
//! | `key` | the store's key, if no other was given |
//!
//! `IDENTITY` is [`RecordName::key`]. All files can be read and written by their user alone.
//!
//! # Time
//! The store's time is the clock that runs through suspend, plus an offset that is written once a
//! boot of the machine. With the first use after a boot the store's time goes on from the latest
//! record, by as much as the wall clock went on since, and never backwards. Where the system does
//! not say which boot it is (all but Linux), the wall clock is the store's clock.
//!
//! # Limits
//! On network file systems kernel locks, and who sees a rename when, depend on both ends; a warning
//! is logged. Use Redis or PostgreSQL for several hosts. A process that is stopped (`SIGSTOP`) in
//! the microseconds in which it holds a kernel lock on `IDENTITY.lock` keeps the others out for as
//! long as it is stopped: for them the store is away. A process that was forked off the owner
//! without `exec` keeps the owner's kernel lock after the owner's death; then the lock ends by
//! time.

mod boot;
mod folder;
mod header;
mod lock;
mod record;
mod sweep;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokenlease::{
    Clock, Error, ErrorKind, Result, Store, SystemClock,
    store::{BoxFuture, Loaded, Locked, Owner, RecordName, StoreError, Swapped},
};

pub(crate) use self::folder::Folder;
use self::{boot::BootClock, lock::Locks, record::Records};

/// A folder that the processes of one host share. It keeps records as they are: wrap it in
/// [`Sealed`](crate::Sealed), or let [`open`](crate::open) do so.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    folder: Folder,
    clock: BootClock,
    records: Records,
    locks: Locks,
}

impl FileStore {
    /// The store in that folder, which is made if it does not exist, on the system's clock.
    ///
    /// # Errors
    /// `Config` if the folder can't be made or written to, or if other users may write to it.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::with_clock(folder, Arc::new(SystemClock))
    }

    /// As [`open`](Self::open), on a clock of one's own.
    pub fn with_clock(folder: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::on_boot(folder.as_ref(), clock, boot::id())
    }

    fn on_boot(path: &Path, clock: Arc<dyn Clock>, boot: Option<String>) -> Result<Self> {
        let folder = Folder::open(path)?;
        let clock = BootClock::new(clock, boot);
        // Shows now whether the folder can be written to. What may pass, a full disk for one, is
        // left to the calls that meet it.
        if let Err(error) = clock.start(&folder)
            && !folder::may_pass(&error)
        {
            return Err(folder::unusable(path, "can't be written to", error));
        }
        sweep::sweep_daily(&folder, &clock);
        let records = Records::new(&folder);
        Ok(Self(Arc::new(Inner { folder, clock, records, locks: Locks::default() })))
    }

    /// The folder that is used unless another is named: `tokenlease` in `$XDG_STATE_HOME`, which
    /// is `~/.local/state` if it is not set; on Windows in the user's local application data.
    ///
    /// # Errors
    /// `Config` where the user has no home directory.
    pub fn default_folder() -> Result<PathBuf> {
        use etcetera::BaseStrategy as _;
        // It is enough by itself: services often have no home.
        if cfg!(not(windows))
            && let Some(folder) = state_home(std::env::var_os("XDG_STATE_HOME"))
        {
            return Ok(folder.join("tokenlease"));
        }
        let dirs = etcetera::choose_base_strategy().map_err(|error| {
            Error::new(ErrorKind::Config, "this user has no home directory to keep tokens in")
                .expected("a folder for the store")
                .advice("name one with --store file:/path, or set HOME or XDG_STATE_HOME")
                .with_source(error)
        })?;
        Ok(dirs.state_dir().unwrap_or_else(|| dirs.cache_dir()).join("tokenlease"))
    }

    /// The key in this folder's file `key`, which is made now if the folder holds no record yet.
    ///
    /// # Errors
    /// `Store` if it holds records and no key, `Config` if other users can read the key.
    pub fn own_key(&self) -> Result<tokenlease::core::Key> {
        crate::keys::of_folder(&self.0.folder)
    }

    /// Whether somebody wrote a record here.
    pub(crate) async fn holds_records(&self) -> Result<bool> {
        let inner = self.0.clone();
        let names = tokio::task::spawn_blocking(move || inner.folder.names(record::END)).await;
        names.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_or_else(
            |error| Err(folder::away("looking into", self.folder(), error).into()),
            |names| Ok(!names.is_empty()),
        )
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        self.0.folder.path()
    }

    /// Does file work on a thread that may block.
    async fn work<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> std::result::Result<R, StoreError> + Send + 'static,
    ) -> std::result::Result<R, StoreError> {
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || work(&inner)).await.unwrap_or_else(|error| {
            Err(StoreError::Away(
                Error::new(ErrorKind::Internal, "the file store's work was ended")
                    .with_source(error),
            ))
        })
    }
}

/// The folder in that variable; a relative path is none, as its specification says.
fn state_home(variable: Option<std::ffi::OsString>) -> Option<PathBuf> {
    variable.map(PathBuf::from).filter(|folder| folder.is_absolute())
}

impl Store for FileStore {
    fn load<'a>(
        &'a self,
        name: &'a RecordName,
    ) -> BoxFuture<'a, std::result::Result<Loaded, StoreError>> {
        Box::pin(async move {
            // A look at what has not changed is one `stat`, too short to change threads for.
            if let Some(loaded) = self.0.peek(name) {
                return Ok(loaded);
            }
            let name = name.clone();
            self.work(move |inner| inner.load(&name)).await
        })
    }

    fn swap<'a>(
        &'a self,
        name: &'a RecordName,
        expected: Option<u64>,
        record: &'a [u8],
        keep: Option<Duration>,
    ) -> BoxFuture<'a, std::result::Result<Swapped, StoreError>> {
        Box::pin(async move {
            let (name, record) = (name.clone(), zeroize::Zeroizing::new(record.to_vec()));
            self.work(move |inner| inner.swap(&name, expected, &record, keep)).await
        })
    }

    fn lock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, std::result::Result<Locked, StoreError>> {
        Box::pin(async move {
            // So is the look of those who wait for it.
            if self.0.is_taken(name, owner) {
                return Ok(Locked::Busy);
            }
            let (name, owner) = (name.clone(), owner.clone());
            self.work(move |inner| {
                inner.locks.lock(&inner.folder, &inner.clock, &name, &owner, life)
            })
            .await
        })
    }

    fn renew<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, std::result::Result<Locked, StoreError>> {
        Box::pin(async move {
            let (name, owner) = (name.clone(), owner.clone());
            self.work(move |inner| Locks::renew(&inner.folder, &inner.clock, &name, &owner, life))
                .await
        })
    }

    fn unlock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
    ) -> BoxFuture<'a, std::result::Result<(), StoreError>> {
        Box::pin(async move {
            let (name, owner) = (name.clone(), owner.clone());
            self.work(move |inner| inner.locks.unlock(&inner.folder, &name, &owner)).await
        })
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
        let _only_one = lock::acquire(&self.folder, &lock::path(name))?;
        let loaded = self.load(name)?;
        if loaded.record.as_ref().map(tokenlease::store::Stored::revision) != expected {
            return Ok(Swapped::Conflict(loaded));
        }
        let times = self.clock.times(&self.folder)?;
        let revision = record::write(&self.folder, name, record, keep, times)?;
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
