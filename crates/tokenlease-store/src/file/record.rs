//! Records in their files, and what was last read of each.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
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
    header::{self, Header, Read},
};

pub(super) const END: &str = ".record";
/// How many records are remembered; then they are forgotten and read again.
const MOST: usize = 1024;
/// Two writes within a tick of the kernel's clock may show the same time: a file is trusted not to
/// have changed if it was older than that when it was read.
const SETTLED: Duration = Duration::from_millis(100);

pub(super) struct Records {
    /// `None` where a `stat` may take seconds or tell of the past.
    read: Option<Mutex<BTreeMap<String, Seen>>>,
}

/// A record as it was read, and what the file looked like then.
struct Seen {
    stamp: Stamp,
    until: StoreTime,
    stored: Stored,
}

/// What differs between any two files that had one name, one after the other.
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

    fn is_settled(&self) -> bool {
        SystemTime::now().duration_since(self.modified).is_ok_and(|age| age > SETTLED)
    }
}

impl Records {
    pub(super) fn new(folder: &Folder) -> Self {
        Self { read: (!folder.remote).then(Mutex::default) }
    }

    /// The record, if its file has not changed since it was read, or that there is none. One
    /// `stat`.
    pub(super) fn peek(
        &self,
        folder: &Folder,
        name: &RecordName,
        now: StoreTime,
    ) -> Option<Loaded> {
        let seen = self.seen()?;
        let meta = match fs::metadata(folder.join(&file(name))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Some(Loaded { record: None, now });
            }
            result => result.ok()?,
        };
        let (seen, stamp) = (seen.get(name.key())?, Stamp::of(&meta)?);
        let record = || Loaded { record: Some(seen.stored.clone()), now };
        (stamp == seen.stamp && now < seen.until).then(record)
    }

    pub(super) fn read(
        &self,
        folder: &Folder,
        name: &RecordName,
        now: StoreTime,
    ) -> Result<Option<Stored>, StoreError> {
        let path = folder.join(&file(name));
        let (meta, bytes) = match whole(&path) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(folder::away("reading", &path, error)),
        };
        let (header, body) = Header::decode(&bytes);
        let header = match header {
            Read::Whole(header) => header,
            Read::Torn => return Ok(Some(torn(name, 0))),
            Read::Newer(version) => return Err(newer(name, version)),
        };
        if header.until <= now {
            return Ok(None);
        }
        if header.length != body.len() as u64 {
            return Ok(Some(torn(name, header.revision)));
        }
        let stored = Stored::new(header.revision, body.to_vec());
        if let (Some(mut seen), Some(stamp)) = (self.seen(), Stamp::of(&meta))
            && stamp.is_settled()
        {
            if seen.len() >= MOST {
                seen.clear();
            }
            let remembered = Seen { stamp, until: header.until, stored: stored.clone() };
            seen.insert(name.key().to_owned(), remembered);
        }
        Ok(Some(stored))
    }

    fn seen(&self) -> Option<MutexGuard<'_, BTreeMap<String, Seen>>> {
        // Each change is one insertion, so a panic elsewhere spoils nothing.
        Some(self.read.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes a record in the place of the one there. Nobody else may do so meanwhile.
pub(super) fn write(
    folder: &Folder,
    name: &RecordName,
    record: &[u8],
    keep: Option<Duration>,
    times: Times,
) -> Result<u64, StoreError> {
    let file = file(name);
    let path = folder.join(&file);
    let before = header_of(&path).map_or(0, |header| header.revision);
    // By the clock too: so no revision comes twice, even where the file was removed meanwhile.
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
        .map_err(|error| folder::away("writing", &path, error))?;
    Ok(revision)
}

fn file(name: &RecordName) -> String {
    format!("{}{END}", name.key())
}

/// The header of a record's file, if it has a whole one.
pub(super) fn header_of(path: &Path) -> Option<Header> {
    let mut bytes = [0; header::LENGTH];
    File::open(path).and_then(|mut file| file.read_exact(&mut bytes)).ok()?;
    match Header::decode(&bytes).0 {
        Read::Whole(header) => Some(header),
        Read::Torn | Read::Newer(_) => None,
    }
}

fn whole(path: &Path) -> io::Result<(fs::Metadata, Vec<u8>)> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok((meta, bytes))
}

/// An empty record in the place of one that is no whole one: the next write sets it aside.
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
    .advice("update this program; until then, nothing is issued for this identity");
    tracing::error!(target: "tokenlease", "{error}");
    StoreError::Unreadable(error)
}
