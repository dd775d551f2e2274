//! A file with a token: replaced at once, and readable by its user alone.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tokenlease::{Error, Result};
use tokenlease_store::busy;

use crate::output::config;

/// A file that holds a token, or the header with it, and a newline.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// Checks, before a token is requested for it, that the file can be written.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        // A command that reads the file may run in another folder.
        let path = std::path::absolute(path).map_err(|error| unwritable(path, &error))?;
        let file = Self { path };
        file.check()?;
        drop(file.temporary().map_err(|error| unwritable(&file.path, &error))?);
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the text. Readers see the former file or the new one, never a part of it.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        self.check()?;
        self.replace(text).map_err(|error| unwritable(&self.path, &error))
    }

    /// Removes the file, if it exists.
    pub(crate) fn remove(&self) -> Result<()> {
        match busy::retry(|| fs::remove_file(&self.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(config(format!("{} can't be removed: {error}", self.path.display()))
                    .advice("remove it: it contains a token"))
            }
            _ => Ok(()),
        }
    }

    /// Rejects a link, a folder or a device, which a rename would replace.
    fn check(&self) -> Result<()> {
        let Ok(found) = fs::symlink_metadata(&self.path) else { return Ok(()) };
        let path = self.path.display();
        if found.is_symlink() {
            return Err(config(format!("{path} is a symbolic link"))
                .expected("the path of a file, or of none")
                .advice("name the file that the link leads to"));
        }
        if !found.is_file() {
            return Err(config(format!("{path} is not a regular file"))
                .expected("the path of a file, or of none"));
        }
        Ok(())
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        // Without it a file system may keep an empty file after a power failure.
        file.as_file().sync_data()?;
        // It is closed first: on Windows no other process can open it.
        let file = file.into_temp_path();
        busy::retry(|| fs::rename(&file, &self.path))?;
        // Its name is that of no file now.
        std::mem::forget(file);
        Ok(())
    }

    /// Creates a file for the user alone in the same folder, which is removed unless it is renamed.
    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(".tokenlease-");
        #[cfg(windows)]
        return builder.make_in(folder, |path| {
            use std::os::windows::fs::OpenOptionsExt as _;
            let mut options = fs::OpenOptions::new();
            // No other process opens it before it is private.
            let file = options.read(true).write(true).create_new(true).share_mode(0).open(path)?;
            tokenlease_store::windows_rights::make_private(path)?;
            Ok(file)
        });
        #[cfg(not(windows))]
        builder.tempfile_in(folder)
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    config(format!("the token file {} can't be written: {error}", path.display()))
        .expected("a file in a folder that you can write to")
}
