//! Where the store's folder is unless another is named: the user's state folder.
//!
//! | system | folder |
//! | --- | --- |
//! | Linux, macOS, BSD | `$XDG_STATE_HOME/tokenlease`, or `~/.local/state/tokenlease` |
//! | Windows | `%LOCALAPPDATA%\tokenlease` |
//!
//! The variables are those of the XDG Base Directory Specification.

use std::{ffi::OsString, path::PathBuf};

use etcetera::BaseStrategy as _;
use tokenlease::{Error, ErrorKind, Result};

/// Returns the default folder of a store, which need not exist yet.
///
/// # Errors
/// [`ErrorKind::Config`] if the user has no home directory.
pub(crate) fn default_folder() -> Result<PathBuf> {
    // The variable suffices: services often run without a home directory.
    if cfg!(not(windows))
        && let Some(folder) = state_home(std::env::var_os("XDG_STATE_HOME"))
    {
        return Ok(folder.join("tokenlease"));
    }
    let dirs = etcetera::choose_base_strategy().map_err(|error| {
        Error::new(ErrorKind::Config, "this user has no home directory to keep tokens in")
            .expected("a folder for the store")
            .advice("name one with --store file:/path, or set HOME or XDG_STATE_HOME")
            .with_source(error)
    })?;
    Ok(dirs.state_dir().unwrap_or_else(|| dirs.cache_dir()).join("tokenlease"))
}

/// Returns the folder in the variable. The specification has relative paths ignored.
fn state_home(variable: Option<OsString>) -> Option<PathBuf> {
    variable.map(PathBuf::from).filter(|folder| folder.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_state_home_is_ignored() {
        assert_eq!(state_home(None), None);
        assert_eq!(state_home(Some("".into())), None);
        assert_eq!(state_home(Some("state".into())), None);
        let folder = std::env::temp_dir();
        assert_eq!(state_home(Some(folder.clone().into())), Some(folder));
    }
}
