//! A config's other sources: a profile, the environment and JSON text.

use std::{ffi::c_char, mem::MaybeUninit, path::Path};

use ::tokenlease_config::json;

use crate::{
    boundary::{guard, required, text},
    config::tokenlease_config,
    error::tokenlease_error,
    status::tokenlease_status,
};

/// Reads the options of a profile, from a configuration file of the program. If file is NULL, it is
/// the one that the variable TOKENLEASE_CONFIG names, or tokenlease/config.toml in $XDG_CONFIG_HOME
/// or ~/.config. Options that tokenlease_config_set sets, before or after, override the profile.
///
///     tokenlease_config_load_profile(config, NULL, 0, "erp", TOKENLEASE_NUL_TERMINATED, &error);
///
/// Errors: TOKENLEASE_CONFIG if the file can't be read, lacks the profile, or has an unknown option
/// or a malformed value. A profile holds no secrets: it names their files or commands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_load_profile(
    config: Option<&mut tokenlease_config>,
    file: *const c_char,
    file_length: usize,
    profile: *const c_char,
    profile_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let file = if file.is_null() {
            None
        } else {
            // SAFETY: the caller passes a text with its length.
            Some(Path::new(unsafe { text(file, file_length, "file") }?))
        };
        // SAFETY: the caller passes a text with its length.
        let profile = unsafe { text(profile, profile_length, "profile") }?;
        Ok(required(config, "config")?.sources.load_profile(file, profile)?)
    })
}

/// Reads the environment as the program does: the variables of options (TOKENLEASE_SERVER for
/// "server"), those of secrets (TOKENLEASE_PASSWORD, TOKENLEASE_CLIENT_SECRET,
/// TOKENLEASE_EXTRA_SECRET), and the profile that TOKENLEASE_PROFILE names. The values that the other functions
/// set, before or after, override the environment, which overrides a profile. No other thread may
/// change the environment meanwhile.
///
/// Errors: TOKENLEASE_CONFIG for a malformed variable or profile.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_config_load_environment(
    config: Option<&mut tokenlease_config>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || Ok(required(config, "config")?.sources.load_environment()?))
}

/// Sets options and secrets from JSON text: an object of option names and values, and of the secrets
/// "password", "client_secret" and "extra_secret". A member replaces the option if it is set. Text,
/// whole numbers and booleans are values; null is not set. "extra" and "extra_secret" are objects of
/// names and values.
///
///     {"provider": "winkas", "user": "NAME", "contract": "CODE", "password": "PASSWORD"}
///
/// Errors: TOKENLEASE_CONFIG if the text is no such object, or for an unknown name or an invalid
/// value; then nothing is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set_json(
    config: Option<&mut tokenlease_config>,
    json: *const c_char,
    json_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes a text with its length.
        let json = unsafe { text(json, json_length, "json") }?;
        let config = required(config, "config")?;
        let (options, secrets) = json::read(json)?;
        let given = &mut config.sources.given;
        *given = options.or(std::mem::take(given));
        if secrets.password.is_some() {
            config.fixed().password = secrets.password;
        }
        if secrets.client_secret.is_some() {
            config.fixed().client_secret = secrets.client_secret;
        }
        if !secrets.extra_secrets.is_empty() {
            config.fixed().extra_secrets = secrets.extra_secrets;
        }
        Ok(())
    })
}

/// Sets a secret by its name: "password", "client_secret", "proxy_password", "store_password",
/// "store_passphrase", "store_key" (32 bytes in hexadecimal or base64) or "client_key" (PEM text of an
/// unencrypted key). The last five are those of a registry, like the options that name their files.
/// The text is copied.
///
/// Errors: TOKENLEASE_CONFIG for an unknown name or a malformed secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set_secret(
    config: Option<&mut tokenlease_config>,
    name: *const c_char,
    name_length: usize,
    secret: *const c_char,
    secret_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes texts with their lengths.
        let (name, secret) =
            unsafe { (text(name, name_length, "name")?, text(secret, secret_length, "secret")?) };
        let config = required(config, "config")?;
        match &*::tokenlease_config::key_of(name) {
            "password" => config.fixed().password = Some(secret.into()),
            "client_secret" => config.fixed().client_secret = Some(secret.into()),
            _ => config.parts.set_secret(name, secret)?,
        }
        Ok(())
    })
}
