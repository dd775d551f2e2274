//! The users of a folder's files, on a system whose access rights this library does not know.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use tokenlease::{Error, ErrorKind, Result};

use super::FolderAccess;

/// Checks that can't be made, so that no folder is used.
#[derive(Clone, Debug)]
pub(super) enum Access {}

impl Access {
    pub(super) fn of_folder(path: &Path, _: FolderAccess, _: bool) -> Result<Self> {
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the store's folder {} can't be checked: the access rights of this system are unknown",
                path.display()
            ),
        )
        .expected("Linux, macOS, another Unix, or Windows")
        .advice("use --store memory:, Redis or PostgreSQL"))
    }

    pub(super) fn make_folder(_: &Path, _: FolderAccess) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn make_again(&self, _: &Path) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn is_shared(&self) -> bool {
        match *self {}
    }

    pub(super) fn open(&self, _: &OpenOptions, _: &Path) -> io::Result<File> {
        match *self {}
    }

    pub(super) fn open_to_change(&self, _: &OpenOptions, _: &Path) -> io::Result<File> {
        match *self {}
    }

    pub(super) fn make(&self, _: &Path) -> io::Result<File> {
        match *self {}
    }

    pub(super) fn check_key(&self, _: &Path, _: &File) -> io::Result<()> {
        match *self {}
    }
}
