//! The users of a folder's files on Windows: the folder is for its user alone, and its files inherit that.
//!
//! A file or folder of another user is refused, as on Unix: that user could replace it. Administrators
//! and the system can use all files anyway, and are no other users.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

use tokenlease::{Error, ErrorKind, Result};

use super::{
    FolderAccess, folder,
    refused::{Refused, quoted},
};
use crate::{busy, random, windows_rights as rights};

/// The checks of a folder's files.
#[derive(Clone, Debug)]
pub(super) struct Access {
    user: &'static str,
}

impl Access {
    /// Checks an existing folder. Changes no rights: the folder may have files of other programs.
    pub(super) fn of_folder(path: &Path, access: FolderAccess, _: bool) -> Result<Self> {
        if access == FolderAccess::Group {
            return Err(Error::new(
                ErrorKind::Config,
                "store_access = \"group\" needs groups of Unix",
            )
            .expected("a system with groups, or store_access = \"user\"")
            .advice("use Redis or PostgreSQL to share tokens between users"));
        }
        let unreadable = |error| folder::unusable(path, "can't be read", error);
        if !fs::metadata(path).map_err(unreadable)?.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(folder::unusable(path, "is not a folder", error));
        }
        let user = rights::user().map_err(unreadable)?;
        let found = rights::of_folder(path)
            .map_err(|error| folder::unusable(path, "shows no access rights", error))?;
        if let Some(owner) = found.foreign_owner(user) {
            return Err(foreign(path, owner, user));
        }
        let others = both(found.readers(user), found.writers(user));
        if !others.is_empty() {
            return Err(open_to_others(path, &others, user));
        }
        Ok(Self { user })
    }

    /// Makes the folder and those above it, if they do not exist. It has its name only when it is
    /// private: another process may open it at once.
    pub(super) fn make_folder(path: &Path, _: FolderAccess) -> io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        let above = path.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(above)?;
        let number = random::number().map_err(io::Error::other)?;
        let temporary = above.join(format!("tokenlease-{number:016x}{}", folder::TEMPORARY_END));
        fs::create_dir(&temporary)?;
        let made = rights::make_private(&temporary)
            .and_then(|()| busy::retry(|| fs::rename(&temporary, path)));
        if made.is_err() {
            let _ = fs::remove_dir(&temporary);
            // Another process made it meanwhile.
            return if path.is_dir() { Ok(()) } else { made };
        }
        Ok(())
    }

    /// Makes the folder again, after it was removed.
    #[expect(clippy::unused_self, reason = "it is used on other systems")]
    pub(super) fn make_again(&self, path: &Path) -> io::Result<()> {
        Self::make_folder(path, FolderAccess::User)
    }

    #[expect(clippy::unused_self, reason = "it is used on other systems")]
    pub(super) fn is_shared(&self) -> bool {
        false
    }

    /// Opens an existing file.
    pub(super) fn open(&self, options: &OpenOptions, path: &Path) -> io::Result<File> {
        let file = busy::retry(|| options.open(path))?;
        self.check(path, &file)?;
        Ok(file)
    }

    /// Opens a file for changes in its place, and makes it if `options` say so.
    pub(super) fn open_to_change(&self, options: &OpenOptions, path: &Path) -> io::Result<File> {
        let file = self.open(options, path)?;
        // Otherwise a change would also change a file elsewhere.
        if winapi_util::file::information(&file)?.number_of_links() > 1 {
            let advice = format!("run `del {}`", quoted(path));
            return Err(Refused::new("it is a hard link of another file", advice).into());
        }
        Ok(file)
    }

    /// Makes a new file, which inherits the folder's rights.
    #[expect(clippy::unused_self, reason = "it is used on other systems")]
    pub(super) fn make(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// Checks the rights on the folder's key.
    pub(super) fn check_key(&self, path: &Path, file: &File) -> io::Result<()> {
        let found = rights::of_file(file)?;
        let others = both(found.readers(self.user), found.writers(self.user));
        if others.is_empty() {
            return Ok(());
        }
        let why = format!("other users can read or change it ({})", names(&others));
        let advice =
            format!("run `{}`, and change the key if others may have read it", private(path, ""));
        Err(Refused::new(why, advice).into())
    }

    /// Checks that a file is a regular one of this user.
    fn check(&self, path: &Path, file: &File) -> io::Result<()> {
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
            let advice = format!("run `del {}`, and find out which user made it", quoted(path));
            return Err(Refused::new("it is a link, which is not followed", advice).into());
        }
        if !file.metadata()?.is_file() {
            let advice = format!("remove {}", quoted(path));
            return Err(Refused::new("it is not a regular file", advice).into());
        }
        let found = rights::of_file(file)?;
        let Some(owner) = found.foreign_owner(self.user) else { return Ok(()) };
        let (owner, user) = (rights::name(owner), rights::name(self.user));
        let why = format!("it belongs to {owner}, and this program runs as {user}");
        let path = quoted(path);
        let advice = format!(
            "run `icacls {path} /setowner {user}` as an administrator, or run this program as {owner}; \
             run it as one user only"
        );
        Err(Refused::new(why, advice).into())
    }
}

fn both<'a>(readers: Vec<&'a str>, writers: Vec<&'a str>) -> Vec<&'a str> {
    let mut all = readers;
    all.extend(writers);
    all.sort_unstable();
    all.dedup();
    all
}

fn names(users: &[&str]) -> String {
    let names: Vec<_> = users.iter().map(|user| rights::name(user)).collect();
    names.join(", ")
}

/// Returns the command that gives a file, or with `(OI)(CI)` a folder with its files, to this user alone.
fn private(path: &Path, inherited: &str) -> String {
    format!("icacls {} /inheritance:r /grant:r \"%USERNAME%:{inherited}F\"", quoted(path))
}

fn foreign(path: &Path, owner: &str, user: &str) -> Error {
    let (owner, user) = (rights::name(owner), rights::name(user));
    Error::new(
        ErrorKind::Store,
        format!(
            "the store's folder {} belongs to {owner}, and this program runs as {user}",
            path.display()
        ),
    )
    .expected("a folder of this user")
    .advice(format!(
        "run this program as {owner}, or give the folder to {user} (as an administrator: `icacls {} \
         /setowner {user} /t`), or name another one with --store file:C:\\path",
        quoted(path)
    ))
}

fn open_to_others(path: &Path, others: &[&str], user: &str) -> Error {
    let user = rights::name(user);
    Error::new(
        ErrorKind::Config,
        format!(
            "other users than {user} may use the store's folder {} ({})",
            path.display(),
            names(others)
        ),
    )
    .expected("a folder that only its user can use, on a disk with access rights (NTFS)")
    .advice(format!(
        "run `{}`, or name another folder with --store file:C:\\path: a folder that does not exist is \
         made for its user alone",
        private(path, "(OI)(CI)")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileStore, file::folder::Folder};

    /// Rule: Secrets: on Windows a folder and its files are for their user alone, from the moment they
    /// are made.
    ///
    /// Reported as dermesser/yup-oauth2#120
    #[test]
    fn a_new_folder_and_its_files_are_for_their_user_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("above/tokens");
        let folder = Folder::open(&path, FolderAccess::User).unwrap();
        let user = rights::user().unwrap();
        let found = rights::of_folder(&path).unwrap();
        assert_eq!(both(found.readers(user), found.writers(user)), [""; 0]);
        folder.replace("x.record", &[b"record"]).unwrap();
        for file in [folder.open_file("x.record"), folder.open_or_make("x.lock")] {
            let found = rights::of_file(&file.unwrap()).unwrap();
            assert_eq!(both(found.readers(user), found.writers(user)), [""; 0]);
        }
        let above: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(above.len(), 1, "the temporary folder has got its name");
    }

    /// Rule: Secrets: on Windows a folder that other users may use is an error at the start, which names
    /// the command that corrects it.
    #[test]
    fn a_folder_that_other_users_may_use_is_an_error() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("shared");
        fs::create_dir(&path).unwrap();
        let shared = std::process::Command::new("icacls")
            .arg(&path)
            .args(["/grant", "*S-1-1-0:(OI)(CI)R"])
            .output()
            .unwrap();
        assert!(shared.status.success(), "{shared:?}");
        if rights::of_folder(&path).unwrap().readers(rights::user().unwrap()).is_empty() {
            eprintln!("not checked: this system (wine) does not change access rights");
            return;
        }
        let error = FileStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("/inheritance:r"), "{error}");
    }

    /// Rule: Store: on Windows the cold start of many processes makes one folder.
    #[test]
    fn many_processes_make_one_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("tokens");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Folder::open(&path, FolderAccess::User).unwrap());
            }
        });
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    }
}
