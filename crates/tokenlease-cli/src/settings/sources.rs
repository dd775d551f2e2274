//! Options from the environment and from a profile.

use std::{ffi::OsString, path::PathBuf};

use tokenlease::Result;
pub(super) use tokenlease_config::environment::{
    options as from_environment, raw_variable as variable,
};
use tokenlease_config::{
    Options,
    environment::{self as variables, variable_name},
    extra::{EXTRA_SECRET_VARIABLE, ExtraSecrets},
    profile,
};

use super::Environment;
use crate::{
    args::Connection,
    output::{config, warn},
};

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

/// Returns the files of secrets that systemd gives to a service.
pub(super) fn from_service(
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<Options> {
    let profile = profile_name(connection, environment)?;
    Ok(variables::service(environment, profile.as_deref()))
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
        (Some(name), _) => {
            profile::load(file.map(PathBuf::from).as_deref(), &name, |warning| warn(warning))
        }
        (None, Some(_)) => {
            Err(config("--config is set without a profile").expected("--profile NAME"))
        }
        (None, None) => Ok(Options::default()),
    }
}

/// Returns the ways to set an option.
pub(super) fn place(key: &str) -> String {
    format!(
        "--{}, the variable {}, or {key} in a profile",
        key.replace('_', "-"),
        variable_name(key)
    )
}
