//! The key that a folder has of itself, in its file `key`.

use std::{io, path::Path};

use tokenlease::{Error, ErrorKind, Result, core::Key};

use super::{folder::Folder, header::RECORD_END, refused::Refused};
use crate::{keys, random};

const NAME: &str = "key";

/// Returns whether the folder has a file with its key.
pub(super) fn exists(folder: &Path) -> bool {
    folder.join(NAME).exists()
}

/// Reads the folder's key, or makes it if the folder has no record yet. This takes no lock: the
/// first process places a complete file, and all processes read that one.
pub(super) fn read_or_make(folder: &Folder) -> Result<Key> {
    let path = folder.join(NAME);
    let failed = |doing: &str, error: io::Error| {
        let advice = Refused::advice_of(&error)
            .unwrap_or_else(|| "check the folder's permissions and its disk".into());
        Error::new(ErrorKind::Store, format!("{doing} {} failed: {error}", path.display()))
            .advice(advice)
            .with_source(error)
    };
    match folder.open_key(NAME) {
        Ok(file) => return keys::file::read_opened(file, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("reading", error)),
    }
    let records =
        folder.names(RECORD_END).map_err(|error| failed("listing the folder of", error))?;
    // Another process may have made the key, and written a record, since the check above.
    if !records.is_empty() && !path.try_exists().is_ok_and(|exists| exists) {
        return Err(Error::new(
            ErrorKind::Store,
            format!(
                "the folder {} has records but no file `{NAME}` with their key",
                folder.path().display()
            ),
        )
        .expected("the key that encrypted the records")
        .advice("give the key or passphrase, put the file back, or remove the records"));
    }
    folder.place(NAME, &[&*random::key()?]).map_err(|error| failed("making", error))?;
    let file = folder.open_key(NAME).map_err(|error| failed("reading", error))?;
    keys::file::read_opened(file, &path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::FolderAccess;

    /// Rule: Secrets: a folder makes its key once, for its user alone, and only while it has no
    /// record.
    #[test]
    fn a_folder_makes_its_key_once_and_only_while_it_has_no_record() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("store");
        let folder = Folder::open(&path, FolderAccess::User).unwrap();
        let keys: Vec<Key> = std::thread::scope(|scope| {
            let each: Vec<_> = (0..16).map(|_| scope.spawn(|| read_or_make(&folder))).collect();
            each.into_iter().map(|one| one.join().unwrap().unwrap()).collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "no temporary file is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join("key"))), (0o700, 0o600));
        }

        fs::write(path.join("x.record"), b"").unwrap();
        assert!(read_or_make(&folder).unwrap() == keys[0]);
        fs::remove_file(path.join("key")).unwrap();
        let error = read_or_make(&folder).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.to_string().contains("has records but no file `key`"), "{error}");
    }
}
