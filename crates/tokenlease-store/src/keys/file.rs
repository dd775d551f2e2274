//! A key in a file.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use tokenlease::{Error, ErrorKind, Result, core::Key};
use zeroize::Zeroizing;

use super::text::{malformed, parse};

/// More bytes than any form of a key has.
const MAX_LEN: usize = 4096;

/// Reads the key in a file.
///
/// # Errors
/// [`ErrorKind::Config`] if the file can't be read, holds no key, or is readable for other users.
pub(crate) fn read(path: &Path) -> Result<Key> {
    let unreadable = |error| unreadable(path, error);
    let file = File::open(path).map_err(unreadable)?;
    check_private(path, &file)?;
    read_opened(file, path)
}

/// Reads the key in an opened file, whose mode was checked.
pub(crate) fn read_opened(file: File, path: &Path) -> Result<Key> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN));
    file.take(MAX_LEN as u64).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    parse(&bytes)
        .ok_or_else(|| malformed(&format!("the content of the key file {}", path.display())))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Config, format!("the key file {} can't be read: {error}", path.display()))
        .expected("a file with 32 bytes, raw, in hexadecimal digits or in base64")
        .with_source(error)
}

#[cfg(unix)]
fn check_private(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = file.metadata().map_err(|error| unreadable(path, error))?;
    if meta.mode() & 0o026 == 0 {
        return Ok(());
    }
    let mode = meta.mode() & 0o777;
    let problem = format!("other users may read or change the key file {}", path.display());
    Err(Error::new(ErrorKind::Config, format!("{problem} (mode {mode:o})"))
        .expected("a file that its user alone can change, with at most a group of readers")
        .advice(format!(
            "run `chmod 600 {}`, and change the key if other users may have read it",
            path.display()
        )))
}

#[cfg(windows)]
fn check_private(path: &Path, file: &File) -> Result<()> {
    use crate::windows_rights as rights;

    let unreadable = |error| unreadable(path, error);
    let user = rights::user().map_err(unreadable)?;
    let found = rights::of_file(file).map_err(unreadable)?;
    let others = [found.readers(user), found.writers(user)].concat();
    let Some(other) = others.first() else { return Ok(()) };
    let path = path.display();
    let other = rights::name(other);
    Err(Error::new(
        ErrorKind::Config,
        format!("other users may read or change the key file {path} ({other})"),
    )
    .expected("a file that its user alone can read and change")
    .advice(format!(
        "run `icacls \"{path}\" /inheritance:r /grant:r \"%USERNAME%:F\"`, and change the key if other \
         users may have read it"
    )))
}

#[cfg(not(any(unix, windows)))]
#[expect(clippy::unnecessary_wraps, reason = "it fails on other systems")]
fn check_private(_: &Path, _: &File) -> Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    const HEX: &str = "000102030405060708090a0B0C0D0E0F101112131415161718191a1b1c1d1e1f";

    /// Rule: Secrets: a key file that other users can read or change is an error, which names the
    /// command that corrects it.
    ///
    /// Reported as dermesser/yup-oauth2#120
    #[test]
    fn a_key_file_that_other_users_can_read_is_an_error_with_advice() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        fs::write(&path, HEX).unwrap();
        for (mode, good) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let result = read(&path);
            assert_eq!(result.is_ok(), good, "{mode:o}");
            if let Err(error) = result {
                assert!(error.to_string().contains("chmod 600"), "{error}");
            }
        }
        let missing = read(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Config);
    }
}
