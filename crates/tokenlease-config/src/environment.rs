//! Options and secrets from the environment: variables, and the credentials of systemd.

use std::{ffi::OsString, path::PathBuf};

use tokenlease::{
    Result,
    core::{Credentials, Secret},
};

use crate::{
    config,
    extra::ExtraSecrets,
    options::{KEYS, Options, is_repeatable},
    secrets::{SecretKind, SecretSource},
};

/// The variable that names a profile.
pub const PROFILE_VARIABLE: &str = "TOKENLEASE_PROFILE";
/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "TOKENLEASE_CONFIG";
/// The variable that names the folder of a systemd service's credentials.
pub const SERVICE_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// The first part of a credential's name that belongs to no profile.
const PROGRAM: &str = "tokenlease";

/// Reads a variable. Tests pass their own function.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Reads a variable; an empty one is not set, because scripts unset a variable by making it empty.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) if it is not UTF-8. The text may be a secret, so the
/// error does not quote it.
pub fn variable(lookup: Lookup<'_>, name: &str) -> Result<Option<String>> {
    raw_variable(lookup, name).map(|text| text.filter(|text| !text.is_empty()))
}

/// Like [`variable`], but an empty one is set.
///
/// # Errors
/// As for [`variable`].
pub fn raw_variable(lookup: Lookup<'_>, name: &str) -> Result<Option<String>> {
    lookup(name)
        .map(|text| {
            text.into_string().map_err(|_| config(format!("the variable {name} is not UTF-8")))
        })
        .transpose()
}

/// Returns an option's variable: `TOKENLEASE_SERVER` for `server`.
pub fn variable_name(key: &str) -> String {
    // Each start of the program makes the names of all options: so they are not formatted.
    ["TOKENLEASE_", &key.to_ascii_uppercase()].concat()
}

/// Returns the configuration file that `TOKENLEASE_CONFIG` names.
pub fn config_file(lookup: Lookup<'_>) -> Option<PathBuf> {
    lookup(CONFIG_VARIABLE).filter(|text| !text.is_empty()).map(PathBuf::from)
}

/// Reads the variables of all options. A repeatable option has one value a line.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) for a malformed value; the error names the variable.
pub fn options(lookup: Lookup<'_>) -> Result<Options> {
    let mut options = Options::default();
    for key in KEYS {
        let name = variable_name(key);
        let Some(text) = variable(lookup, &name)? else { continue };
        let values: Vec<_> = if is_repeatable(key) {
            text.lines().filter(|line| !line.is_empty()).collect()
        } else {
            vec![text.as_str()]
        };
        for value in values {
            if let Some(Err(why)) = options.set_text(key, value) {
                return Err(config(format!("the variable {name}: {why}")));
            }
        }
    }
    Ok(options)
}

/// Reads the secrets of a login from their variables: `TOKENLEASE_PASSWORD`,
/// `TOKENLEASE_CLIENT_SECRET`, and `TOKENLEASE_EXTRA_SECRET`, one `NAME=VALUE` a line.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) for a malformed secret, and if `variables`, the options
/// of the environment, name a second source of a secret.
pub fn credentials(lookup: Lookup<'_>, variables: &Options) -> Result<Credentials> {
    let read = |kind: SecretKind| -> Result<Option<Secret>> {
        let text = raw_variable(lookup, kind.variable())?.map(Secret::from);
        match variables.secret_source(kind, text, "set in the environment")? {
            Some(source @ SecretSource::Variable(_)) => source.read(kind, |_| ()).map(Some),
            _ => Ok(None),
        }
    };
    let mut credentials = Credentials {
        password: read(SecretKind::Password)?,
        client_secret: read(SecretKind::ClientSecret)?,
        ..Credentials::default()
    };
    let extra = variable(lookup, SecretKind::Extra.variable())?.map(Secret::from);
    ExtraSecrets::new(None, extra).add_to(&mut credentials, |_| ())?;
    Ok(credentials)
}

/// Returns the files of secrets that systemd gives to a service (`LoadCredential=`), by their names:
/// `PROFILE.password` and `PROFILE.client_secret`, or `tokenlease.password` and
/// `tokenlease.client_secret` without a profile; `tokenlease.store_key` and
/// `tokenlease.store_passphrase`.
pub fn service(lookup: Lookup<'_>, profile: Option<&str>) -> Options {
    let folder = lookup(SERVICE_VARIABLE).filter(|text| !text.is_empty());
    let Some(folder) = folder.map(PathBuf::from) else { return Options::default() };
    let file = |of: &str, name: &str| {
        Some(folder.join(format!("{of}.{name}"))).filter(|path| path.exists())
    };
    let of_profile = |name| file(profile.unwrap_or(PROGRAM), name);
    let mut options = Options {
        password_file: of_profile("password"),
        client_secret_file: of_profile("client_secret"),
        store_key_file: file(PROGRAM, "store_key"),
        ..Options::default()
    };
    if options.store_key_file.is_none() {
        options.store_passphrase_file = file(PROGRAM, "store_passphrase");
    }
    options
}
