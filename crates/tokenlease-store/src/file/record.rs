//! Records in their files, and a cache of the last reads.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokenlease::{
    Error, ErrorKind,
    core::{StoreTime, time::Moment as _},
    store::{Loaded, RecordName, StoreError, Stored},
};

use super::{
    boot::Times,
    folder::{self, Folder},
    header::{Decoded, Header, RECORD_END},
};

/// The number of records in the cache. When it is full, it is emptied.
const CAPACITY: usize = 1024;
/// Two writes within a tick of the kernel's clock may leave the same modification time. So a file
/// is cached only if it was older than this when it was read.
const MIN_CACHED_AGE: Duration = Duration::from_millis(100);

pub(super) struct Records {
    /// `None` on a network file system, where a `stat` may take seconds or return an old result.
    cache: Option<Mutex<BTreeMap<String, Cached>>>,
}

/// A record as it was read, and the stamp of its file at that time.
struct Cached {
    stamp: Stamp,
    until: StoreTime,
    stored: Stored,
}

/// Metadata that differs between any two successive files of one name.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> Option<Self> {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(meta);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self { modified: meta.modified().ok()?, length: meta.len(), inode })
    }

    fn is_old_enough(&self) -> bool {
        SystemTime::now().duration_since(self.modified).is_ok_and(|age| age > MIN_CACHED_AGE)
    }
}

impl Records {
    pub(super) fn new(folder: &Folder) -> Self {
        Self { cache: (!folder.remote).then(Mutex::default) }
    }

    /// Returns the cached record if its file has not changed since it was read, or no record if the
    /// file does not exist. This takes one `stat`.
    pub(super) fn peek(
        &self,
        folder: &Folder,
        name: &RecordName,
        now: StoreTime,
    ) -> Option<Loaded> {
        let cache = self.cache()?;
        let meta = match fs::symlink_metadata(folder.join(&file(name))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Some(Loaded { record: None, now });
            }
            result => result.ok()?,
        };
        let (cached, stamp) = (cache.get(name.key())?, Stamp::of(&meta)?);
        let record = || Loaded { record: Some(cached.stored.clone()), now };
        (stamp == cached.stamp && now < cached.until).then(record)
    }

    pub(super) fn read(
        &self,
        folder: &Folder,
        name: &RecordName,
        now: StoreTime,
    ) -> Result<Option<Stored>, StoreError> {
        let (meta, bytes) = match read_file(folder, &file(name)) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(folder::unavailable("reading", &folder.join(&file(name)), error));
            }
        };
        let (header, body) = Header::decode(&bytes);
        let header = match header {
            Decoded::Header(header) => header,
            Decoded::Torn => return Ok(Some(torn(name, 0))),
            Decoded::NewerVersion(version) => return Err(newer(name, version)),
        };
        if header.until <= now {
            return Ok(None);
        }
        if header.length != body.len() as u64 {
            return Ok(Some(torn(name, header.revision)));
        }
        let stored = Stored::new(header.revision, body.to_vec());
        if let (Some(mut cache), Some(stamp)) = (self.cache(), Stamp::of(&meta))
            && stamp.is_old_enough()
        {
            if cache.len() >= CAPACITY {
                cache.clear();
            }
            let cached = Cached { stamp, until: header.until, stored: stored.clone() };
            cache.insert(name.key().to_owned(), cached);
        }
        Ok(Some(stored))
    }

    fn cache(&self) -> Option<MutexGuard<'_, BTreeMap<String, Cached>>> {
        // Each change is one insertion, so the map is intact even after a panic.
        Some(self.cache.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Replaces a record and returns its new revision. The caller has the kernel lock on the record's
/// lock file, so that no other process writes meanwhile.
pub(super) fn write(
    folder: &Folder,
    name: &RecordName,
    record: &[u8],
    keep: Option<Duration>,
    times: Times,
) -> Result<u64, StoreError> {
    let file = file(name);
    let path = folder.join(&file);
    let before = Header::read(folder, &file).map_or(0, |header| header.revision);
    // The clock keeps revisions unique even after the file was removed.
    let clock = u64::try_from(times.store.0).unwrap_or_default().saturating_mul(1000);
    let revision = before.saturating_add(1).max(clock);
    let header = Header {
        revision,
        written: times.store,
        wall: times.wall,
        until: keep.map_or(StoreTime::MAX, |keep| times.store.plus(keep)),
        length: record.len() as u64,
    };
    folder
        .replace(&file, &[&header.encode(), record])
        .map_err(|error| folder::unavailable("writing", &path, error))?;
    Ok(revision)
}

fn file(name: &RecordName) -> String {
    format!("{}{RECORD_END}", name.key())
}

fn read_file(folder: &Folder, name: &str) -> io::Result<(fs::Metadata, Vec<u8>)> {
    let mut file = folder.open_file(name)?;
    let meta = file.metadata()?;
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok((meta, bytes))
}

/// Returns an empty record in place of a torn one; the next write replaces it.
fn torn(name: &RecordName, revision: u64) -> Stored {
    tracing::warn!(
        target: "tokenlease", identity = %name.identity(),
        "the record's file is torn; the next write replaces it"
    );
    Stored::new(revision, Vec::new())
}

fn newer(name: &RecordName, version: u8) -> StoreError {
    let error = Error::new(
        ErrorKind::Store,
        format!("the file of {} has version {version}; expected 1", name.identity()),
    )
    .advice("update this program; until then, it sends no login for this identity");
    tracing::error!(target: "tokenlease", "{error}");
    StoreError::Unreadable(error)
}
