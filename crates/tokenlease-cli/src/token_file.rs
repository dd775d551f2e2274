//! A file with a token: replaced at once, and readable by its user alone.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tokenlease::{Error, Result, core::Token};

use crate::output::config;

/// A file that holds a token and a newline.
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

    /// Writes the token. Readers see the former file or the new one, never a part of it.
    pub(crate) fn write(&self, token: &Token) -> Result<()> {
        self.check()?;
        self.replace(token).map_err(|error| unwritable(&self.path, &error))
    }

    /// Removes the file, if it exists.
    pub(crate) fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
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

    fn replace(&self, token: &Token) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(token.expose().as_bytes())?;
        file.write_all(b"\n")?;
        // Without it a file system may keep an empty file after a power failure.
        file.as_file().sync_data()?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }

    /// Creates a file of mode 0600 in the same folder, which is removed unless it is renamed.
    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        tempfile::Builder::new().prefix(".tokenlease-").tempfile_in(folder)
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    config(format!("the token file {} can't be written: {error}", path.display()))
        .expected("a file in a folder that you can write to")
}
