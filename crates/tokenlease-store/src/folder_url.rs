//! The folder that a store's URL names, on Windows with a drive.

use std::path::PathBuf;

use tokenlease::{Error, ErrorKind, Result};

/// Returns the folder of a URL without its scheme.
pub(crate) fn folder_of(path: &str) -> Result<PathBuf> {
    match path.strip_prefix("//") {
        Some(path) if cfg!(windows) && on_drive(path).is_some() => {
            Ok(on_drive(path).unwrap_or(path).into())
        }
        Some(path) if path.starts_with('/') => Ok(path.into()),
        Some(_) => Err(Error::new(ErrorKind::Config, "the store's URL has a host before its path")
            .expected("file:/path or file:///path")),
        None if path.is_empty() => crate::FileStore::default_folder(),
        None => Ok(path.into()),
    }
}

/// Returns the path on a drive of Windows that follows `file://`: `C:/tokens` of `/C:/tokens`.
fn on_drive(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (drive, rest) = path.split_once(':')?;
    let is_letter = drive.len() == 1 && drive.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_letter && rest.starts_with(['/', '\\'])).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Formats: on Windows the URL of a folder may name a drive, as a path or after three slashes.
    #[test]
    fn the_url_of_a_folder_may_name_a_drive() {
        for (url, path) in [
            ("/C:/tokens", Some("C:/tokens")),
            ("/c:\\tokens", Some("c:\\tokens")),
            ("C:\\tokens", Some("C:\\tokens")),
            ("/C:tokens", None),
            ("/CC:/tokens", None),
            ("/tokens", None),
            ("host/C:/tokens", None),
            ("", None),
        ] {
            assert_eq!(on_drive(url), path, "{url}");
        }
        let expected = if cfg!(windows) { "C:/tokens" } else { "/C:/tokens" };
        assert_eq!(folder_of("///C:/tokens").unwrap(), PathBuf::from(expected));
        assert_eq!(folder_of("C:\\tokens").unwrap(), PathBuf::from("C:\\tokens"));
    }
}
