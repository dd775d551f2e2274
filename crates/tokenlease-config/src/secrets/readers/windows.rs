//! The readers of a file of a secret, by its access rights.

use std::{fs::File, path::Path};

use tokenlease_store::windows_rights as rights;

/// Returns whether users besides this one can read or change the file. Administrators and the system can
/// read all files.
pub(super) fn others_can_read(file: &File) -> bool {
    // A pipe or a device is private, whatever its rights.
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return false;
    }
    let (Ok(user), Ok(found)) = (rights::user(), rights::of_file(file)) else { return false };
    !found.readers(user).is_empty() || !found.writers(user).is_empty()
}

/// Returns the command that gives the file to this user alone.
pub(super) fn command(path: &Path) -> String {
    format!("icacls \"{}\" /inheritance:r /grant:r \"%USERNAME%:F\"", path.display())
}
