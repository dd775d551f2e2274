//! Files that another process has open. Windows denies operations on them, for a moment.

use std::{io, thread, time::Duration};

const TRIES: u32 = 20;
const WAIT: Duration = Duration::from_millis(10);
/// The error for a file that is being removed, or that would be replaced while another process has
/// it open.
const ERROR_ACCESS_DENIED: i32 = 5;
/// The error for a file that another process has opened for itself alone: a virus scanner, a
/// backup, or an indexer.
const ERROR_SHARING_VIOLATION: i32 = 32;

/// Runs an operation on a file. Repeats it for up to 200 ms while another process denies it on Windows.
///
/// # Errors
/// The operation's last error.
pub fn retry<R>(act: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    retry_after(act, || thread::sleep(WAIT))
}

fn retry_after<R>(mut act: impl FnMut() -> io::Result<R>, mut wait: impl FnMut()) -> io::Result<R> {
    for _ in 0..TRIES {
        match act() {
            Err(error) if is_busy(&error) => wait(),
            result => return result,
        }
    }
    act()
}

fn is_busy(error: &io::Error) -> bool {
    let denied = [ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION];
    cfg!(windows) && error.raw_os_error().is_some_and(|code| denied.contains(&code))
}

#[cfg(all(test, windows))]
mod tests {
    use std::{
        fs::{self, File, OpenOptions},
        os::windows::fs::OpenOptionsExt as _,
        path::Path,
    };

    use super::*;

    /// Rule: Store: on Windows an operation on a file that another process has open for itself is
    /// repeated: reading, replacing and placing it.
    #[test]
    fn an_operation_on_a_file_that_another_process_has_open_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let alone = |path: &Path| -> Option<File> {
            Some(OpenOptions::new().read(true).share_mode(0).open(path).unwrap())
        };
        let operations: [(&Path, &dyn Fn() -> io::Result<()>); 4] = [
            (&from, &|| fs::read(&from).map(drop)),
            (&from, &|| fs::hard_link(&from, folder.path().join("link"))),
            (&to, &|| fs::rename(&from, &to)),
            (&to, &|| fs::remove_file(&to)),
        ];
        fs::write(&from, b"new").unwrap();
        fs::write(&to, b"old").unwrap();
        for (path, act) in operations {
            let mut other = alone(path);
            let mut waits = 0;
            let wait = || {
                waits += 1;
                other = None;
            };
            retry_after(act, wait).unwrap();
            assert!(waits <= 1, "{}", path.display());
        }
        assert!(!from.exists() && !to.exists());
    }

    #[test]
    fn an_operation_that_stays_denied_fails_in_the_end() {
        let mut waits = 0;
        let denied = || Err::<(), _>(io::Error::from_raw_os_error(ERROR_SHARING_VIOLATION));
        let error = retry_after(denied, || waits += 1).unwrap_err();
        assert_eq!((error.raw_os_error(), waits), (Some(ERROR_SHARING_VIOLATION), TRIES));
    }
}
