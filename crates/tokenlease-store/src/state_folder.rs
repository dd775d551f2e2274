//! Where the store's folder is unless another is named: the user's state folder.
//!
//! | system | folder |
//! | --- | --- |
//! | a service of systemd with `StateDirectory=` | `$STATE_DIRECTORY/tokenlease`, or `$STATE_DIRECTORY` if that is named `tokenlease` |
//! | Linux, macOS, BSD | `$XDG_STATE_HOME/tokenlease`, or `~/.local/state/tokenlease` |
//! | Windows | `%LOCALAPPDATA%\tokenlease` |
//!
//! The variables are those of systemd.exec(5) and of the XDG Base Directory Specification.

use std::{ffi::OsString, path::PathBuf};

use etcetera::BaseStrategy as _;
use tokenlease::{Error, ErrorKind, Result};

const NAME: &str = "tokenlease";

/// Returns the default folder of a store, which need not exist yet.
///
/// # Errors
/// [`ErrorKind::Config`] if the user has no home directory.
pub(crate) fn default_folder() -> Result<PathBuf> {
    // A variable suffices: services often run without a home directory.
    if cfg!(not(windows)) {
        let of_service = state_directory(std::env::var_os("STATE_DIRECTORY"));
        let of_user = || Some(state_home(std::env::var_os("XDG_STATE_HOME"))?.join(NAME));
        if let Some(folder) = of_service.or_else(of_user) {
            return Ok(folder);
        }
    }
    let dirs = etcetera::choose_base_strategy().map_err(|error| {
        Error::new(ErrorKind::Config, "this user has no home directory to keep tokens in")
            .expected("a folder for the store")
            .advice("name one with --store file:/path, or set HOME or XDG_STATE_HOME")
            .with_source(error)
    })?;
    Ok(dirs.state_dir().unwrap_or_else(|| dirs.cache_dir()).join(NAME))
}

/// Returns the store's folder in the first one of the variable, which lists all those of
/// `StateDirectory=`. A folder of that name is the store's own.
fn state_directory(variable: Option<OsString>) -> Option<PathBuf> {
    let first = std::env::split_paths(&variable?).next().filter(|first| first.is_absolute())?;
    Some(if first.ends_with(NAME) { first } else { first.join(NAME) })
}

/// Returns the folder in the variable. The specification has relative paths ignored.
fn state_home(variable: Option<OsString>) -> Option<PathBuf> {
    variable.map(PathBuf::from).filter(|folder| folder.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_first_folder_of_a_service_is_its_state_folder() {
        let of = |text: &str| state_directory(Some(text.into()));
        assert_eq!(of("/var/lib/a:/var/lib/b"), Some("/var/lib/a/tokenlease".into()));
        assert_eq!(of("/var/lib/tokenlease"), Some("/var/lib/tokenlease".into()));
        assert_eq!((of(""), of("a"), state_directory(None)), (None, None, None));
    }

    #[test]
    fn a_relative_state_home_is_ignored() {
        assert_eq!(state_home(None), None);
        assert_eq!(state_home(Some("".into())), None);
        assert_eq!(state_home(Some("state".into())), None);
        let folder = std::env::temp_dir();
        assert_eq!(state_home(Some(folder.clone().into())), Some(folder));
    }
}
