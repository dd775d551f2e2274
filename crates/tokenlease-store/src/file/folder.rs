//! The folder, and files that come into it whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tokenlease::{Error, ErrorKind, Result, store::StoreError};

use crate::random;

pub(super) const TEMPORARY_END: &str = ".tmp";

/// A folder that its user alone can write to.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// On a network: what was read may be old, and a `stat` may take seconds.
    pub(super) remote: bool,
}

impl Folder {
    /// Makes the folder if it does not exist, for its user alone.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)
            .map_err(|error| unusable(path, "has no absolute path", error))?;
        create(&path).map_err(|error| unusable(&path, "can't be made", error))?;
        let meta =
            fs::metadata(&path).map_err(|error| unusable(&path, "can't be looked at", error))?;
        if !meta.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(unusable(&path, "is no folder", error));
        }
        private(&path, &meta)?;
        let kind = network(&path);
        if let Some(kind) = kind {
            tracing::warn!(
                target: "tokenlease",
                "the store's folder {} is on {kind}: its locks may not hold; use Redis or \
                 PostgreSQL for several hosts",
                path.display()
            );
        }
        Ok(Self { path, remote: kind.is_some() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file of ours for reading and writing, and makes it if there is none.
    pub(super) fn open_or_make(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let options = for_user(&mut options);
        match options.open(self.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Somebody removed the folder: it is made anew.
                create(&self.path)?;
                options.open(self.join(name))
            }
            result => result,
        }
    }

    /// Puts a file in the place of the one of that name, if any: who reads it sees the old one or
    /// the new one, whole, also after a power failure.
    pub(super) fn replace(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let temporary = self.temporary(parts)?;
        patiently(|| fs::rename(&temporary.0, self.join(name)))?;
        std::mem::forget(temporary);
        self.sync()
    }

    /// Puts a whole file there if none has that name yet, and says whether it did.
    pub(crate) fn place(&self, name: &str, parts: &[&[u8]]) -> io::Result<bool> {
        let temporary = self.temporary(parts)?;
        match fs::hard_link(&temporary.0, self.join(name)) {
            Ok(()) => self.sync().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The names of our files that end that way.
    pub(crate) fn names(&self, end: &str) -> io::Result<Vec<String>> {
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
        let number = random::number().map_err(io::Error::other)?;
        let path = self.join(&format!("{number:016x}{TEMPORARY_END}"));
        let mut options = OpenOptions::new();
        let options = for_user(options.write(true).create_new(true));
        let mut file = match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(&self.path)?;
                options.open(&path)?
            }
            result => result?,
        };
        let temporary = Temporary(path);
        // One write: most records are in the file at once or not at all.
        file.write_all(&parts.concat())?;
        file.sync_all()?;
        Ok(temporary)
    }

    /// A rename is safe from power failures once the folder is.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}

/// A file that nobody else knows of; it is removed if it does not get its name.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed now, the daily sweep removes.
        let _ = fs::remove_file(&self.0);
    }
}

/// Windows denies a rename or a removal while another process reads the file: that passes.
fn patiently<R>(mut act: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    for _ in 0..20 {
        match act() {
            Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            result => return result,
        }
    }
    act()
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    // The user's local application data is the user's alone by the system's rules.
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn for_user(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn for_user(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Others who may write here could put their locks and records in the place of ours.
#[cfg(unix)]
fn private(path: &Path, meta: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if meta.mode() & 0o022 == 0 {
        return Ok(());
    }
    let mode = meta.mode() & 0o777;
    Err(Error::new(
        ErrorKind::Config,
        format!("other users may write to the store's folder {} (mode {mode:o})", path.display()),
    )
    .expected("a folder that its user alone can write to")
    .advice("run chmod 700 on it, or name another folder with --store file:/path"))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn private(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

/// Which network file system the folder is on, if it is on one.
#[cfg(target_os = "linux")]
fn network(path: &Path) -> Option<&'static str> {
    let stat = rustix::fs::statfs(path).ok()?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the numbers have 32 bits, the field has more on some machines"
    )]
    network_of(stat.f_type as u32)
}

/// By the number of a file system, see statfs(2).
#[cfg(target_os = "linux")]
fn network_of(number: u32) -> Option<&'static str> {
    match number {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> Option<&'static str> {
    None
}

/// Whether it may be well again by itself, without a change of the configuration.
pub(super) fn may_pass(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::NotFound
    )
}

pub(super) fn unusable(path: &Path, why: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Config, format!("the store's folder {} {why}: {error}", path.display()))
        .expected("a folder that this user can write to")
        .advice("name one with --store file:/path, or use --store memory: without sharing")
        .with_source(error)
}

/// The store does not work now: what it was doing, and why that failed.
pub(super) fn away(doing: &str, path: &Path, error: io::Error) -> StoreError {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room on its disk"
        }
        io::ErrorKind::PermissionDenied => "give the folder and its files to this user",
        io::ErrorKind::ReadOnlyFilesystem => "make its file system writable",
        io::ErrorKind::Unsupported => "use a file system with file locks",
        _ => "look at the folder and its disk",
    };
    StoreError::Away(
        Error::new(ErrorKind::Store, format!("{doing} {} failed: {error}", path.display()))
            .advice(format!("{advice}; all comes back by itself"))
            .with_source(error),
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_by_their_numbers_and_local_ones_are_none() {
        let kinds = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42].map(network_of);
        assert_eq!(kinds, [Some("NFS"), Some("SMB"), Some("SMB"), Some("SMB")]);
        // ext4, tmpfs, overlay.
        assert_eq!([0xef53, 0x0102_1994, 0x794c_7630].map(network_of), [None; 3]);
        let folder = tempfile::tempdir().unwrap();
        assert!(!Folder::open(folder.path()).unwrap().remote);
    }
}
