//! Unix sockets: their file, and the user at the other end.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixStream as StdUnixStream,
    },
    path::{Path, PathBuf},
};

use tokenlease::Result;
use tokio::net::{UnixListener, UnixStream};

use super::cannot_listen;

/// A Unix socket. Its file is removed at the end if this process made it.
#[derive(Debug)]
pub(crate) struct UnixPlace {
    pub(crate) listener: UnixListener,
    file: Option<PathBuf>,
}

impl UnixPlace {
    pub(crate) fn of_systemd(listener: UnixListener) -> Self {
        Self { listener, file: None }
    }

    /// Makes a socket. A file that a killed process left is replaced.
    ///
    /// `for_others`: whether other users may open it. Which of them are answered is decided by their user.
    pub(crate) fn open(path: &Path, for_others: bool) -> Result<Self> {
        let wrong = |error: io::Error| cannot_listen(&path.display().to_string(), &error);
        if fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
            && StdUnixStream::connect(path)
                .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
        {
            fs::remove_file(path).map_err(wrong)?;
        }
        let listener = UnixListener::bind(path).map_err(wrong)?;
        let place = Self { listener, file: Some(path.to_owned()) };
        let mode = if for_others { 0o666 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(wrong)?;
        Ok(place)
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl Drop for UnixPlace {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // A file that remains is replaced at the next start.
            let _ = fs::remove_file(file);
        }
    }
}

/// Returns the user of the process at the other end.
pub(crate) fn peer(stream: &UnixStream) -> io::Result<u32> {
    stream.peer_cred().map(|peer| peer.uid())
}

/// Returns the user of this process.
pub(crate) fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_of_a_killed_process_is_replaced_and_one_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        // As after `kill -9`: the file is there, and no process listens.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let place = UnixPlace::open(&path, false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = UnixPlace::open(&path, false).unwrap_err();
        assert!(error.to_string().contains("can't listen on"), "{error}");
        drop(place);
        assert!(!path.exists());
        fs::write(&path, "data").unwrap();
        UnixPlace::open(&path, false).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
    }
}
