//! The users of a folder's files: opens the files without following links, and checks their owners.
//!
//! A file or folder of another user is refused. That user could replace it, and files that root makes
//! in a folder of another user lock that user out.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    },
    path::Path,
};

use rustix::{fs::OFlags, io::Errno, process::geteuid};
use tokenlease::{Error, ErrorKind, Result};

use super::{
    FolderAccess, file_system,
    refused::{Refused, named, quoted},
};

/// The mode of a folder that a group shares: files in it get the folder's group.
const GROUP_FOLDER: u32 = 0o2770;
const WRITE_OF_OTHERS: u32 = 0o002;
const GROUP: u32 = 0o070;

/// The checks of a folder's files.
#[derive(Clone, Debug)]
pub(super) struct Access {
    user: u32,
    /// The group that shares the folder.
    group: Option<u32>,
}

impl Access {
    /// Checks an existing folder. Corrects its mode unless it is only read.
    pub(super) fn of_folder(path: &Path, access: FolderAccess, reads_only: bool) -> Result<Self> {
        let unreadable = |error| super::folder::unusable(path, "can't be read", error);
        let user = geteuid().as_raw();
        let link = fs::symlink_metadata(path).map_err(unreadable)?;
        if link.is_symlink() && ![0, user].contains(&link.uid()) {
            return Err(foreign(path, "is a link that", link.uid(), user));
        }
        let meta = fs::metadata(path).map_err(unreadable)?;
        if !meta.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(super::folder::unusable(path, "is not a folder", error));
        }
        let mode = meta.mode() & 0o7777;
        match access {
            _ if mode & WRITE_OF_OTHERS != 0 => Err(open_to_others(path, mode)),
            FolderAccess::User if meta.uid() != user => Err(foreign(path, "", meta.uid(), user)),
            FolderAccess::User => {
                if mode & 0o020 != 0 && !reads_only {
                    tighten(path, mode)?;
                }
                Ok(Self { user, group: None })
            }
            FolderAccess::Group => {
                let complete = mode & GROUP == GROUP;
                let lacks = !complete || mode & 0o2000 == 0;
                if meta.uid() == user && lacks && !reads_only {
                    let set = fs::set_permissions(path, Permissions::from_mode(GROUP_FOLDER));
                    set.map_err(|error| {
                        super::folder::unusable(path, "can't be opened to its group", error)
                    })?;
                } else if !complete {
                    return Err(closed_to_group(path, mode));
                }
                Ok(Self { user, group: Some(meta.gid()) })
            }
        }
    }

    /// Makes the folder and those above it, if they do not exist.
    pub(super) fn make_folder(path: &Path, access: FolderAccess) -> io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        check_sudo(path)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if access == FolderAccess::Group {
            fs::set_permissions(path, Permissions::from_mode(GROUP_FOLDER))?;
        }
        Ok(())
    }

    /// Makes the folder again, after it was removed.
    pub(super) fn make_again(&self, path: &Path) -> io::Result<()> {
        let is_shared = self.group.is_some();
        Self::make_folder(path, if is_shared { FolderAccess::Group } else { FolderAccess::User })
    }

    pub(super) fn is_shared(&self) -> bool {
        self.group.is_some()
    }

    /// Opens an existing file.
    pub(super) fn open(&self, options: &OpenOptions, path: &Path) -> io::Result<File> {
        let file =
            without_links(options.clone()).open(path).map_err(|error| self.why_not(path, error))?;
        self.check(path, &file.metadata()?)?;
        Ok(file)
    }

    /// Opens a file for changes in its place, and makes it if `options` say so.
    pub(super) fn open_to_change(&self, options: &OpenOptions, path: &Path) -> io::Result<File> {
        let mut options = options.clone();
        options.mode(0o600);
        let file = self.open(&options, path)?;
        // Otherwise a change would also change a file elsewhere.
        if file.metadata()?.nlink() > 1 {
            let advice = format!("run `rm {}`", quoted(path));
            return Err(Refused::new("it is a hard link of another file", advice).into());
        }
        Ok(file)
    }

    /// Makes a new file, for the user alone or for the group.
    pub(super) fn make(&self, path: &Path) -> io::Result<File> {
        let mut options = without_links(OpenOptions::new());
        options.read(true).write(true).create_new(true);
        let file = options.mode(0o600).open(path).map_err(|error| self.why_not(path, error))?;
        if let Some(group) = self.group {
            if file.metadata()?.gid() != group {
                std::os::unix::fs::fchown(&file, None, Some(group))?;
            }
            file.set_permissions(Permissions::from_mode(0o660))?;
        }
        Ok(file)
    }

    /// Checks the mode of the folder's key. Corrects it where a group was given the folder.
    pub(super) fn check_key(&self, path: &Path, file: &File) -> io::Result<()> {
        let mode = file.metadata()?.mode() & 0o777;
        if mode & 0o006 != 0 {
            let why = format!("other users can read or change it (mode {mode:o})");
            let advice = mount_advice(path).unwrap_or_else(|| {
                let path = quoted(path);
                format!("run `chmod 600 {path}`, and change the key if others may have read it")
            });
            return Err(Refused::new(why, advice).into());
        }
        if mode & 0o020 != 0 && self.group.is_none() {
            // Other users can't reach it in the folder. This is for the time when it is copied.
            let _ = file.set_permissions(Permissions::from_mode(0o600));
        }
        Ok(())
    }

    /// Checks that a file is a regular one, of this user or of the group.
    fn check(&self, path: &Path, meta: &Metadata) -> io::Result<()> {
        if !meta.is_file() {
            let advice = format!("remove {}", quoted(path));
            return Err(Refused::new("it is not a regular file", advice).into());
        }
        if meta.uid() == self.user || self.group == Some(meta.gid()) {
            return Ok(());
        }
        Err(self.foreign_file(path, meta).into())
    }

    /// Explains why a file can't be opened.
    fn why_not(&self, path: &Path, error: io::Error) -> io::Error {
        if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
            let advice = format!("run `rm {}`, and find out which user made it", quoted(path));
            return Refused::new("it is a link, which is not followed", advice).into();
        }
        if error.kind() == io::ErrorKind::PermissionDenied
            && let Ok(meta) = fs::symlink_metadata(path)
            && meta.uid() != self.user
        {
            return self.foreign_file(path, &meta).into();
        }
        error
    }

    fn foreign_file(&self, path: &Path, meta: &Metadata) -> Refused {
        let folder = quoted(path.parent().unwrap_or(path));
        let (owner, user) = (named(meta.uid()), named(self.user));
        let why = format!("it belongs to {owner}, and this program runs as {user}");
        let advice = match self.group {
            Some(group) => {
                format!("run `sudo chgrp -R {group} {folder}` and `sudo chmod -R g+rwX {folder}`")
            }
            None => format!(
                "run `sudo chown -R {1} {folder}`, or run this program as {0} (`sudo -u {0} …`); \
                 run it as one user only",
                owner.for_sudo(),
                user.for_chown()
            ),
        };
        Refused::new(why, advice)
    }
}

/// Adds the flag with which a link is an error.
fn without_links(mut options: OpenOptions) -> OpenOptions {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Rejects making a folder by `sudo` in the home of the user that ran it: that user could not use it.
fn check_sudo(path: &Path) -> io::Result<()> {
    let caller = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
    let Some(caller) = caller.filter(|caller| geteuid().is_root() && *caller != 0) else {
        return Ok(());
    };
    let above = path.ancestors().find_map(|above| fs::metadata(above).ok());
    if above.is_none_or(|above| above.uid() != caller) {
        return Ok(());
    }
    let user = named(caller);
    let why = format!("sudo would make it for root in a folder of {user}");
    let advice = format!(
        "run this program without sudo or as that user (`sudo -u {}`), or use root's own folder \
         (`sudo -H`)",
        user.for_sudo()
    );
    Err(Refused::new(why, advice).into())
}

/// Takes the folder back from its group: Kubernetes gives a volume with `fsGroup` to it at each start.
fn tighten(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|error| {
        super::folder::unusable(path, &format!("is open to its group (mode {mode:o})"), error)
            .advice("set store_access to group, or name another folder with --store file:/path")
    })?;
    tracing::warn!(
        target: "tokenlease",
        "the group could write to the store's folder {} (mode {mode:o}); only its user can now \
         (mode 700). If other users are in that group, remove the folder's files and log in again",
        path.display()
    );
    Ok(())
}

fn foreign(path: &Path, what: &str, owner: u32, user: u32) -> Error {
    let (owner, user) = (named(owner), named(user));
    let what = if what.is_empty() { String::new() } else { format!("{what} ") };
    Error::new(
        ErrorKind::Store,
        format!(
            "the store's folder {} {what}belongs to {owner}, and this program runs as {user}",
            path.display()
        ),
    )
    .expected("a folder of this user")
    .advice(mount_advice(path).unwrap_or_else(|| format!(
        "run this program as {0} (`sudo -u {0} …`), or give the folder to {1} (`sudo chown -R {1} \
         {2}`), or name another one with --store file:/path",
        owner.for_sudo(),
        user.for_chown(),
        quoted(path)
    )))
}

/// Returns the advice for a file system whose owners and modes come from its mount.
fn mount_advice(path: &Path) -> Option<String> {
    let system = file_system::number(path)?;
    let options = file_system::mount_options(system, geteuid().as_raw())?;
    Some(format!("mount its file system with the options `{options}`"))
}

fn open_to_others(path: &Path, mode: u32) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("other users may write to the store's folder {} (mode {mode:o})", path.display()),
    )
    .expected("a folder that only its user can write to")
    .advice(mount_advice(path).unwrap_or_else(|| {
        "run `chmod 700` on it, or name another folder with --store file:/path".to_owned()
    }))
}

fn closed_to_group(path: &Path, mode: u32) -> Error {
    let folder = quoted(path);
    Error::new(
        ErrorKind::Config,
        format!("the store's folder {} is closed to its group (mode {mode:o})", path.display()),
    )
    .expected("a folder that its group can write to, as store_access = \"group\" says")
    .advice(format!("run `sudo chgrp GROUP {folder}` and `sudo chmod 2770 {folder}`"))
}

#[cfg(test)]
mod tests;
