//! The store's clock: the system's suspend-aware clock, continued over boots.

use std::{
    fmt,
    io::{self, ErrorKind},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use tokenlease::{Clock, core::StoreTime, store::StoreError};

use super::{
    folder::{self, Folder},
    header::{Header, RECORD_END},
};

const PREFIX: &str = "boot.";
/// No real offset has this value.
const UNKNOWN: i64 = i64::MIN;

/// Reads the store's time. All processes of one boot read the same time.
pub(super) struct BootClock {
    clock: Arc<dyn Clock>,
    /// The name of the file with the offset of this boot's clock. Without one the wall clock is the
    /// store's clock.
    file: Option<String>,
    offset: AtomicI64,
    /// The latest time that this process read: the wall clock may jump back.
    latest: AtomicI64,
}

/// The times that a record's header keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) store: StoreTime,
    pub(super) wall: i64,
}

impl BootClock {
    pub(super) fn new(clock: Arc<dyn Clock>, boot: Option<&str>) -> Self {
        Self {
            clock,
            file: boot.map(Self::file_of),
            offset: AtomicI64::new(UNKNOWN),
            latest: AtomicI64::new(i64::MIN),
        }
    }

    /// Returns the same clock for a forked child.
    pub(super) fn after_fork(&self) -> Self {
        Self {
            clock: self.clock.clone(),
            file: self.file.clone(),
            offset: AtomicI64::new(self.offset.load(Ordering::Acquire)),
            latest: AtomicI64::new(self.latest.load(Ordering::Acquire)),
        }
    }

    /// Returns the name of the file with the offset of that boot.
    pub(super) fn file_of(boot: &str) -> String {
        format!("{PREFIX}{boot}")
    }

    /// Agrees with the other processes on this boot's offset. Without a boot id it only checks that
    /// the folder is writable.
    pub(super) fn start(&self, folder: &Folder) -> io::Result<()> {
        match &self.file {
            Some(file) => self.agree(folder, file).map(|_| ()),
            None if folder.reads_only => Ok(()),
            None => folder.open_or_make("boot").map(|_| ()),
        }
    }

    /// Returns the store's time if that needs no file access.
    pub(super) fn peek(&self) -> Option<StoreTime> {
        let offset = self.offset.load(Ordering::Acquire);
        if self.file.is_some() && offset == UNKNOWN {
            return None;
        }
        Some(self.read(offset))
    }

    pub(super) fn now(&self, folder: &Folder) -> Result<StoreTime, StoreError> {
        if let (Some(file), None) = (&self.file, self.peek()) {
            self.agree(folder, file)
                .map_err(|error| folder::unavailable("reading", &folder.join(file), error))?;
        }
        Ok(self.read(self.offset.load(Ordering::Acquire)))
    }

    pub(super) fn times(&self, folder: &Folder) -> Result<Times, StoreError> {
        Ok(Times { store: self.now(folder)?, wall: self.clock.now().wall.0 })
    }

    fn read(&self, offset: i64) -> StoreTime {
        let now = self.clock.now();
        let now =
            if self.file.is_some() { now.elapsed.0.saturating_add(offset) } else { now.wall.0 };
        StoreTime(self.latest.fetch_max(now, Ordering::AcqRel).max(now))
    }

    /// Reads this boot's offset. The first process writes it.
    fn agree(&self, folder: &Folder, file: &str) -> io::Result<i64> {
        let mut known = read_offset(folder, file)?;
        if known.is_none() {
            let offset = self.continued(folder)?.saturating_sub(self.clock.now().elapsed.0);
            known = Some(offset);
            if !folder.reads_only {
                folder.place(file, &[format!("{offset}\n").as_bytes()])?;
                known = read_offset(folder, file)?;
            }
        }
        let offset = known.ok_or(ErrorKind::NotFound)?;
        self.offset.store(offset, Ordering::Release);
        Ok(offset)
    }

    /// Returns the store's time at a new boot: the latest record's time, plus the time by which the
    /// wall clock advanced since. It never goes back, even if the wall clock was set back.
    fn continued(&self, folder: &Folder) -> io::Result<i64> {
        let wall = self.clock.now().wall.0;
        let latest = folder
            .names(RECORD_END)?
            .iter()
            .filter_map(|name| Header::read(folder, name))
            .max_by_key(|header| header.written);
        Ok(latest.map_or(wall, |header| {
            header.written.0.saturating_add(wall.saturating_sub(header.wall).max(0))
        }))
    }

    /// Returns whether `name` is the file of another boot.
    pub(super) fn is_of_another_boot(&self, name: &str) -> bool {
        name.starts_with(PREFIX) && self.file.as_deref() != Some(name)
    }
}

fn read_offset(folder: &Folder, file: &str) -> io::Result<Option<i64>> {
    match folder.read_text(file) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| {
            io::Error::new(ErrorKind::InvalidData, "the file holds no number; remove it")
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io::Error::new(error.kind(), format!("its file {file}: {error}"))),
    }
}

impl fmt::Debug for BootClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BootClock").field("file", &self.file).finish_non_exhaustive()
    }
}
