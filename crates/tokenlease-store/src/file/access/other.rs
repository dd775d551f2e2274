//! The users of a folder's files: on this system the rights of the folder name them.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

use tokenlease::{Error, ErrorKind, Result};

use super::FolderAccess;

#[derive(Clone, Debug)]
pub(super) struct Access;

impl Access {
    pub(super) fn of_folder(path: &Path, access: FolderAccess, _: bool) -> Result<Self> {
        if access == FolderAccess::Group {
            return Err(Error::new(
                ErrorKind::Config,
                "store_access = \"group\" needs groups of Unix",
            )
            .advice("give the users rights on a folder, and name it with --store file:/path"));
        }
        let meta = fs::metadata(path)
            .map_err(|error| super::folder::unusable(path, "can't be read", error))?;
        if !meta.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(super::folder::unusable(path, "is not a folder", error));
        }
        Ok(Self)
    }

    pub(super) fn make_folder(path: &Path, _: FolderAccess) -> io::Result<()> {
        // On Windows only the user can read the user's local application data.
        fs::create_dir_all(path)
    }

    pub(super) fn make_again(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    pub(super) fn is_shared(&self) -> bool {
        false
    }

    pub(super) fn open(&self, options: &OpenOptions, path: &Path) -> io::Result<File> {
        options.open(path)
    }

    pub(super) fn open_to_change(&self, options: &OpenOptions, path: &Path) -> io::Result<File> {
        options.open(path)
    }

    pub(super) fn make(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    pub(super) fn check_key(&self, _: &Path, _: &File) -> io::Result<()> {
        Ok(())
    }
}
