//! Removes a record by the name of its file, for records whose identity is not known any more.

use std::{fs, io};

use tokenlease::{Error, ErrorKind, Result};

use super::{
    folder::{self, Folder},
    header::RECORD_END,
    lock,
};

/// Fewer characters could be those of another record.
const MIN_LEN: usize = 12;

/// Removes the one record whose key begins with `name`. Returns whether there was one.
pub(super) fn by_name(folder: &Folder, name: &str) -> Result<bool> {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if name.len() < MIN_LEN || !name.chars().all(is_digit) {
        return Err(Error::new(ErrorKind::Config, "this is not the name of a record")
            .expected(format!("at least {MIN_LEN} hexadecimal digits"))
            .advice("run `tokenlease status`, which lists the records"));
    }
    let failed = |doing: &str, file: &str, error: io::Error| {
        Error::from(folder::unavailable(doing, &folder.join(file), error))
    };
    let mut found = folder.names(RECORD_END).map_err(|error| failed("listing", "", error))?;
    found.retain(|file| file.starts_with(name));
    let [file] = &found[..] else {
        if found.is_empty() {
            return Ok(false);
        }
        return Err(Error::new(ErrorKind::Config, "several records begin with these digits")
            .expected("more digits of the name")
            .advice("take them from the names of the folder's files"));
    };
    let key = file.strip_suffix(RECORD_END).unwrap_or(file);
    let _kernel_lock = lock::acquire(folder, &format!("{key}{}", lock::END))?;
    match fs::remove_file(folder.join(file)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("removing", file, error)),
    }
}
