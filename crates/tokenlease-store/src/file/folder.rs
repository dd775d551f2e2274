//! The folder, and the ways to write a complete file to it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokenlease::{Error, ErrorKind, Result, store::StoreError};

use super::{FolderAccess, access::Access, file_system, lock, refused::Refused};
use crate::{busy, random};

pub(super) const TEMPORARY_END: &str = ".tmp";

/// The lock under which files are placed where the file system has no hard links.
const PLACE: &str = "place";

/// A folder that only its user can write to, or its group if that shares it.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    access: Access,
    /// Nothing is made or changed.
    pub(super) reads_only: bool,
    /// Not known to be on a local file system: a read may return old data, and a `stat` may take seconds.
    pub(super) remote: bool,
    /// The file system can't sync a folder, and this process said so.
    warned: Arc<AtomicBool>,
}

impl Folder {
    /// Opens the folder. Makes it, for its user alone or for its group, if it does not exist.
    pub(super) fn open(path: &Path, access: FolderAccess) -> Result<Self> {
        let path = absolute(path)?;
        Access::make_folder(&path, access)
            .map_err(|error| unusable(&path, "can't be made", error))?;
        Self::of_existing(path, access, false)
    }

    /// Opens the folder for reading. Returns `None` if it does not exist.
    pub(super) fn open_existing(path: &Path, access: FolderAccess) -> Result<Option<Self>> {
        let path = absolute(path)?;
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Self::of_existing(path, access, true).map(Some),
        }
    }

    fn of_existing(path: PathBuf, access: FolderAccess, reads_only: bool) -> Result<Self> {
        let access = Access::of_folder(&path, access, reads_only)?;
        let system = file_system::number(&path);
        if let Some(kind) = system.and_then(file_system::network_of) {
            tracing::warn!(
                target: "tokenlease",
                "the store's folder {} is on {kind}, which may grant a lock twice; use Redis or \
                 PostgreSQL for several hosts",
                path.display()
            );
        }
        let remote = !system.is_some_and(file_system::is_local);
        Ok(Self { path, access, reads_only, remote, warned: Arc::default() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens an existing file for reading.
    pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
        self.access.open(OpenOptions::new().read(true), &self.join(name))
    }

    /// Reads an existing text.
    pub(super) fn read_text(&self, name: &str) -> io::Result<String> {
        let mut text = String::new();
        self.open_file(name)?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Opens the file of the folder's key.
    pub(super) fn open_key(&self, name: &str) -> io::Result<File> {
        let file = self.open_file(name)?;
        self.access.check_key(&self.join(name), &file)?;
        Ok(file)
    }

    /// Opens an existing file for reading and writing.
    pub(super) fn open_to_change(&self, name: &str) -> io::Result<File> {
        self.access.open_to_change(OpenOptions::new().read(true).write(true), &self.join(name))
    }

    /// Opens a file for reading and writing. Makes it if it does not exist.
    pub(super) fn open_or_make(&self, name: &str) -> io::Result<File> {
        if self.reads_only {
            return self.open_to_change(name);
        }
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        if self.access.is_shared() {
            return match self.open_to_change(name) {
                Err(error) if missing(&error) => self.make_for_group(name),
                result => result,
            };
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let path = self.join(name);
        match self.access.open_to_change(&options, &path) {
            Err(error) if missing(&error) => {
                // The folder was removed meanwhile.
                self.access.make_again(&self.path)?;
                self.access.open_to_change(&options, &path)
            }
            result => result,
        }
    }

    /// Makes an empty file that the group can use from the moment it has its name.
    fn make_for_group(&self, name: &str) -> io::Result<File> {
        let (temporary, _) = self.make_temporary()?;
        match file_system::rename_new(&temporary.0, &self.join(name)) {
            Ok(()) => temporary.keep(),
            Err(error) if file_system::lacks_operation(&error) => {
                let made = self.access.make(&self.join(name));
                made.map(drop).or_else(unless_it_exists)?;
            }
            Err(error) => unless_it_exists(error)?,
        }
        self.open_to_change(name)
    }

    /// Writes a file in place of the one of that name, if any. Readers see the complete old or new
    /// file, also after a power failure.
    pub(super) fn replace(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let temporary = self.temporary(parts)?;
        busy::retry(|| fs::rename(&temporary.0, self.join(name)))?;
        temporary.keep();
        self.sync()
    }

    /// Writes a complete file unless one of that name exists. Returns whether it did.
    pub(super) fn place(&self, name: &str, parts: &[&[u8]]) -> io::Result<bool> {
        let temporary = self.temporary(parts)?;
        match busy::retry(|| fs::hard_link(&temporary.0, self.join(name))) {
            Ok(()) => self.sync().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) if file_system::lacks_operation(&error) => {
                self.place_without_link(name, temporary)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a complete file its name unless another has it. All processes do so under one lock, since
    /// a rename would replace the other file.
    fn place_without_link(&self, name: &str, temporary: Temporary) -> io::Result<bool> {
        let _kernel_lock = lock::acquire_file(self, &format!("{PLACE}{}", lock::END))?;
        let path = self.join(name);
        match fs::symlink_metadata(&path) {
            Ok(_) => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        busy::retry(|| fs::rename(&temporary.0, &path))?;
        temporary.keep();
        self.sync().map(|()| true)
    }

    /// Lists the names of the files that end with `end`.
    pub(super) fn names(&self, end: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            if let Ok(name) = entry?.file_name().into_string()
                && name.ends_with(end)
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn temporary(&self, parts: &[&[u8]]) -> io::Result<Temporary> {
        let (temporary, mut file) = self.make_temporary()?;
        // One write, so that most records are in the file completely or not at all.
        file.write_all(&parts.concat())?;
        self.or_warn(file.sync_all())?;
        Ok(temporary)
    }

    fn make_temporary(&self) -> io::Result<(Temporary, File)> {
        if self.reads_only {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder is only read"));
        }
        let number = random::number().map_err(io::Error::other)?;
        let path = self.join(&format!("{number:016x}{TEMPORARY_END}"));
        let file = match self.access.make(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.access.make_again(&self.path)?;
                self.access.make(&path)?
            }
            result => result?,
        };
        Ok((Temporary(path), file))
    }

    /// Syncs the folder, which makes a rename durable.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) {
            self.or_warn(File::open(&self.path).and_then(|folder| folder.sync_all()))
        } else {
            Ok(())
        }
    }

    /// Continues without a sync where the file system has none, with one warning for each process.
    fn or_warn(&self, synced: io::Result<()>) -> io::Result<()> {
        match synced {
            Err(error) if file_system::lacks_operation(&error) => {
                if !self.warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        target: "tokenlease",
                        "the file system of the store's folder {} can't sync it ({error}): after a \
                         power failure the newest tokens may be lost, which costs a login each",
                        self.path.display()
                    );
                }
                Ok(())
            }
            result => result,
        }
    }
}

fn unless_it_exists(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// A temporary file of this call; dropping it removes the file.
struct Temporary(PathBuf);

impl Temporary {
    /// Leaves the file, which has another name now.
    fn keep(mut self) {
        // A path that is forgotten is never freed.
        drop(std::mem::take(&mut self.0));
        std::mem::forget(self);
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // If this fails, the daily sweep removes the file.
        let _ = fs::remove_file(&self.0);
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| unusable(path, "has no absolute path", error))
}

/// Returns whether the failure may end without a change of the configuration.
pub(super) fn is_temporary(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::NotFound
    )
}

pub(super) fn unusable(path: &Path, why: &str, error: io::Error) -> Error {
    let advice = Refused::advice_of(&error).unwrap_or_else(|| {
        "name one with --store file:/path, or use --store memory:, which shares nothing".to_owned()
    });
    Error::new(
        unusable_kind(&error, path),
        format!("the store's folder {} {why}: {error}", path.display()),
    )
    .expected("a folder that this user can write to")
    .advice(advice)
    .with_source(error)
}

/// Returns the store's kind for a folder that exists and rejects this user, and the configuration's for
/// one that can't be made.
fn unusable_kind(error: &io::Error, path: &Path) -> ErrorKind {
    let exists = path.try_exists().unwrap_or(true);
    if exists && is_rejection(error) { ErrorKind::Store } else { ErrorKind::Config }
}

/// Returns whether the system answers and rejects the operation, until a person corrects that.
fn is_rejection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
    )
}

/// Returns the error for a failed file operation, for example `doing` "reading" a `path`.
pub(super) fn unavailable(doing: &str, path: &Path, error: io::Error) -> StoreError {
    let refused = Refused::advice_of(&error);
    let advice = match error.kind() {
        _ if refused.is_some() => refused.as_deref().unwrap_or_default(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free space on its disk"
        }
        io::ErrorKind::PermissionDenied => "give the folder and its files to this user",
        io::ErrorKind::ReadOnlyFilesystem => "make its file system writable",
        io::ErrorKind::Unsupported => "use a file system with file locks",
        _ => "check the folder and its disk",
    };
    let is_rejection = is_rejection(&error);
    let error = Error::new(ErrorKind::Store, format!("{doing} {} failed: {error}", path.display()))
        .advice(format!("{advice}; the client retries by itself"))
        .with_source(error);
    if is_rejection { StoreError::Rejected(error) } else { StoreError::Unavailable(error) }
}
