//! The folder, and the ways to write a complete file to it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tokenlease::{Error, ErrorKind, Result, store::StoreError};

use crate::random;

pub(super) const TEMPORARY_END: &str = ".tmp";

/// A folder that only its user can write to.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Not known to be on a local file system: a read may return old data, and a `stat` may take seconds.
    pub(super) remote: bool,
}

impl Folder {
    /// Opens the folder. Makes it, for its user alone, if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)
            .map_err(|error| unusable(path, "has no absolute path", error))?;
        create(&path).map_err(|error| unusable(&path, "can't be made", error))?;
        let meta = fs::metadata(&path).map_err(|error| unusable(&path, "can't be read", error))?;
        if !meta.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(unusable(&path, "is not a folder", error));
        }
        check_private(&path, &meta)?;
        let system = file_system(&path);
        if let Some(kind) = system.and_then(network_of) {
            tracing::warn!(
                target: "tokenlease",
                "the store's folder {} is on {kind}, which may grant a lock twice; use Redis or \
                 PostgreSQL for several hosts",
                path.display()
            );
        }
        Ok(Self { path, remote: !system.is_some_and(is_local) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file for reading and writing. Makes it if it does not exist.
    pub(super) fn open_or_make(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let options = for_user(&mut options);
        match options.open(self.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // The folder was removed meanwhile.
                create(&self.path)?;
                options.open(self.join(name))
            }
            result => result,
        }
    }

    /// Writes a file in place of the one of that name, if any. Readers see the complete old or new
    /// file, also after a power failure.
    pub(super) fn replace(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let temporary = self.temporary(parts)?;
        retry_on_windows(|| fs::rename(&temporary.0, self.join(name)))?;
        std::mem::forget(temporary);
        self.sync()
    }

    /// Writes a complete file unless one of that name exists. Returns whether it did.
    pub(super) fn place(&self, name: &str, parts: &[&[u8]]) -> io::Result<bool> {
        let temporary = self.temporary(parts)?;
        match fs::hard_link(&temporary.0, self.join(name)) {
            Ok(()) => self.sync().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
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
        // One write, so that most records are in the file completely or not at all.
        file.write_all(&parts.concat())?;
        file.sync_all()?;
        Ok(temporary)
    }

    /// Syncs the folder, which makes a rename durable.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}

/// A temporary file of this call; dropping it removes the file.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // If this fails, the daily sweep removes the file.
        let _ = fs::remove_file(&self.0);
    }
}

/// Retries for up to 200 ms: Windows denies a rename while another process reads the file.
fn retry_on_windows<R>(mut act: impl FnMut() -> io::Result<R>) -> io::Result<R> {
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
    // On Windows only the user can read the user's local application data.
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

/// Checks that no other user can write to the folder: other users could replace locks and records.
#[cfg(unix)]
fn check_private(path: &Path, meta: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if meta.mode() & 0o022 == 0 {
        return Ok(());
    }
    let mode = meta.mode() & 0o777;
    Err(Error::new(
        ErrorKind::Config,
        format!("other users may write to the store's folder {} (mode {mode:o})", path.display()),
    )
    .expected("a folder that only its user can write to")
    .advice("run `chmod 700` on it, or name another folder with --store file:/path"))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it fails on other systems")]
fn check_private(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

/// Returns the number of the folder's file system, see statfs(2).
#[cfg(target_os = "linux")]
fn file_system(path: &Path) -> Option<u32> {
    let stat = rustix::fs::statfs(path).ok()?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the numbers have 32 bits; the field is wider on some platforms"
    )]
    Some(stat.f_type as u32)
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &Path) -> Option<u32> {
    None
}

/// Returns the name of a network file system by its number.
fn network_of(number: u32) -> Option<&'static str> {
    match number {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x00c3_6400 => Some("CephFS"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

/// Returns whether that file system is on a disk or in the memory of this host, so that a `stat` takes
/// microseconds. A file system that is not listed may be on a network, as those of FUSE are.
fn is_local(number: u32) -> bool {
    matches!(
        number,
        0xef53 // ext2, ext3, ext4
            | 0x5846_5342 // XFS
            | 0x9123_683e // Btrfs
            | 0xf2f5_2010 // F2FS
            | 0x2fc1_2fc1 // ZFS
            | 0xca45_1a4e // bcachefs
            | 0x3153_464a // JFS
            | 0x0102_1994 // tmpfs
            | 0x8584_58f6 // ramfs
            | 0x794c_7630 // overlayfs, the folders of containers
    )
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
    Error::new(
        unusable_kind(&error, path),
        format!("the store's folder {} {why}: {error}", path.display()),
    )
    .expected("a folder that this user can write to")
    .advice("name one with --store file:/path, or use --store memory:, which shares nothing")
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
    let advice = match error.kind() {
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_recognized_by_their_numbers() {
        let kinds = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42].map(network_of);
        assert_eq!(kinds, [Some("NFS"), Some("SMB"), Some("SMB"), Some("SMB")]);
        // ext4, tmpfs, overlay.
        assert_eq!([0xef53, 0x0102_1994, 0x794c_7630].map(network_of), [None; 3]);
    }

    /// Rule: Store: only file systems that are known to be local are read without a thread switch.
    #[test]
    fn only_file_systems_that_are_known_to_be_local_are_read_without_a_thread_switch() {
        // ext4, XFS, Btrfs, tmpfs, overlay.
        let local = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630];
        assert!(local.into_iter().all(is_local));
        // FUSE, CephFS, 9p, NFS, SMB, virtiofs' and vboxsf's numbers, and one that is unknown.
        let others = [0x6573_5546, 0x00c3_6400, 0x0102_1997, 0x6969, 0x517b, 0x786f_4256, 7];
        assert!(!others.into_iter().any(is_local));
        let folder = tempfile::tempdir().unwrap();
        assert!(!Folder::open(folder.path()).unwrap().remote);
    }
}
