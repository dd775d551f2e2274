//! Options from the environment and from a profile.

use std::{ffi::OsString, path::PathBuf};

use tokenlease::Result;
use tokenlease_config::{
    KEYS, Options,
    extra::{EXTRA_SECRET_VARIABLE, ExtraSecrets},
    is_repeatable,
};

use super::Environment;
use crate::{args::Connection, output::config, profile};

/// The first part of a credential's name that belongs to no profile.
const PROGRAM: &str = "tokenlease";

/// Returns the configuration file that `--config` or `TOKENLEASE_CONFIG` names.
pub(crate) fn config_file(
    connection: &Connection,
    environment: Environment<'_>,
) -> Option<PathBuf> {
    let given = connection.config.clone().map(OsString::from);
    let file = given.or_else(|| environment("TOKENLEASE_CONFIG"));
    file.filter(|text| !text.is_empty()).map(PathBuf::from)
}

/// Merges the options of all sources, for commands without an identity.
pub(crate) fn merged(
    given: Options,
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<Options> {
    let mut connection = connection.clone();
    if connection.profile.is_none() && environment("TOKENLEASE_PROFILE").is_none() {
        // `status` reads all profiles of the file; a file without a profile is no error here.
        connection.config = None;
    }
    let service = from_service(&connection, environment)?;
    let profile = from_profile(&connection, environment)?;
    Ok(given.or(from_environment(environment)?).or(profile).or(service))
}

pub(super) fn from_environment(environment: Environment<'_>) -> Result<Options> {
    let mut options = Options::default();
    for key in KEYS {
        let name = variable_name(key);
        // Scripts unset a variable by making it empty.
        let Some(text) = variable(environment, &name)?.filter(|text| !text.is_empty()) else {
            continue;
        };
        // A variable sets one value of a repeatable option a line.
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

/// Returns the secret extra fields of the first source that sets any.
pub(super) fn extra_secrets(
    given: &Options,
    variables: &Options,
    profile: &Options,
    environment: Environment<'_>,
) -> Result<ExtraSecrets> {
    let text = variable(environment, EXTRA_SECRET_VARIABLE)?.filter(|text| !text.is_empty());
    let of = |options: &Options, text: Option<String>| {
        ExtraSecrets::new(options.extra_secret_file.as_deref(), text.map(Into::into))
    };
    let sources = [of(given, None), of(variables, text), of(profile, None)];
    Ok(sources.into_iter().find(|source| !source.is_empty()).unwrap_or_default())
}

/// Returns the files of secrets that systemd gives to a service (`LoadCredential=`), by their names:
/// `PROFILE.password` and `PROFILE.client_secret`, or `tokenlease.password` and
/// `tokenlease.client_secret` without a profile; `tokenlease.store_key` and
/// `tokenlease.store_passphrase`.
pub(super) fn from_service(
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<Options> {
    let Some(folder) = environment("CREDENTIALS_DIRECTORY").filter(|text| !text.is_empty()) else {
        return Ok(Options::default());
    };
    let folder = PathBuf::from(folder);
    let file = |of: &str, name: &str| {
        Some(folder.join(format!("{of}.{name}"))).filter(|path| path.exists())
    };
    let profile = profile_name(connection, environment)?;
    let of_profile = |name| file(profile.as_deref().unwrap_or(PROGRAM), name);
    let mut options = Options {
        password_file: of_profile("password"),
        client_secret_file: of_profile("client_secret"),
        store_key_file: file(PROGRAM, "store_key"),
        ..Options::default()
    };
    if options.store_key_file.is_none() {
        options.store_passphrase_file = file(PROGRAM, "store_passphrase");
    }
    Ok(options)
}

/// Returns the profile that `--profile` or `TOKENLEASE_PROFILE` names.
fn profile_name(connection: &Connection, environment: Environment<'_>) -> Result<Option<String>> {
    let given = connection.profile.clone().map(OsString::from);
    let name = given.or_else(|| environment("TOKENLEASE_PROFILE")).filter(|text| !text.is_empty());
    name.map(|name| name.into_string().map_err(|_| config("the profile's name is not UTF-8")))
        .transpose()
}

pub(super) fn from_profile(
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<Options> {
    let or_variable = |given: Option<OsString>, name: &str| {
        given.or_else(|| environment(name)).filter(|text| !text.is_empty())
    };
    let name = profile_name(connection, environment)?;
    let file = or_variable(connection.config.clone().map(Into::into), "TOKENLEASE_CONFIG");
    match (name, &connection.config) {
        (Some(name), _) => profile::load(file.map(PathBuf::from).as_deref(), &name),
        (None, Some(_)) => {
            Err(config("--config is set without a profile").expected("--profile NAME"))
        }
        (None, None) => Ok(Options::default()),
    }
}

pub(super) fn variable(environment: Environment<'_>, name: &str) -> Result<Option<String>> {
    environment(name)
        .map(|text| {
            // The text may be a secret, so the error does not quote it.
            text.into_string().map_err(|_| config(format!("the variable {name} is not UTF-8")))
        })
        .transpose()
}

/// Returns the ways to set an option.
pub(super) fn place(key: &str) -> String {
    format!(
        "--{}, the variable {}, or {key} in a profile",
        key.replace('_', "-"),
        variable_name(key)
    )
}

/// Returns an option's variable.
fn variable_name(key: &str) -> String {
    format!("TOKENLEASE_{}", key.to_uppercase())
}
