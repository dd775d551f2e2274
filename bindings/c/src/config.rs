//! The options of a client or a registry.

use std::{
    ffi::{c_char, c_void},
    mem::MaybeUninit,
    sync::Arc,
};

use ::tokenlease_config::{Options, Parts, Sources};
use tokenlease::{CredentialsSource, Result, core::Credentials};

use crate::{
    boundary::{free, guard, hand_over, required, text},
    credentials::{Function, tokenlease_credentials_function, tokenlease_drop_function},
    error::tokenlease_error,
    log,
    status::tokenlease_status,
};

/// Options and secrets for clients, or the options of a registry. Only one thread at a time may use
/// it. Clients and registries do not change when the config they were made from is changed or
/// freed.
pub struct tokenlease_config {
    pub(crate) sources: Sources,
    pub(crate) parts: Parts,
    secrets: Secrets,
    pub(crate) log: Option<Arc<log::Function>>,
}

#[derive(Clone)]
enum Secrets {
    Fixed(Credentials),
    Fetched(Arc<Function>),
}

/// Makes an empty config. Free it with tokenlease_config_free.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_config_new(
    config: Option<&mut MaybeUninit<*mut tokenlease_config>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let secrets = Secrets::Fixed(Credentials::default());
        let (sources, parts) = (Sources::default(), Parts::default());
        let new = tokenlease_config { sources, parts, secrets, log: None };
        hand_over(required(config, "config")?, new);
        Ok(())
    })
}

/// Sets an option by name: "provider", "server", "user", "store" and so on. The comment "OPTIONS" of
/// this header lists them, and "-" counts as "_". The names are those of the program. Durations have a unit: "90s", "15m",
/// "8h". Each call with "extra" or "extra_secret_file" adds a field: "audience=https://api.example".
/// Set the options of a registry on the registry's config only, not on those of its clients.
///
/// Errors: TOKENLEASE_CONFIG for an unknown name or an invalid value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set(
    config: Option<&mut tokenlease_config>,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes texts with their lengths.
        let (name, value) =
            unsafe { (text(name, name_length, "name")?, text(value, value_length, "value")?) };
        Ok(required(config, "config")?.sources.given.set(name, value)?)
    })
}

/// Sets the user's password. The text is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set_password(
    config: Option<&mut tokenlease_config>,
    password: *const c_char,
    password_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes a text with its length.
        let password = unsafe { text(password, password_length, "password") }?;
        required(config, "config")?.fixed().password = Some(password.into());
        Ok(())
    })
}

/// Sets the client secret (wyn, oauth2). The text is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set_client_secret(
    config: Option<&mut tokenlease_config>,
    client_secret: *const c_char,
    client_secret_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes a text with its length.
        let secret = unsafe { text(client_secret, client_secret_length, "client_secret") }?;
        required(config, "config")?.fixed().client_secret = Some(secret.into());
        Ok(())
    })
}

/// Adds an extra field of the token request whose value is secret (wyn, oauth2). The texts are
/// copied. Fields whose values are not secret are set by the option "extra".
///
/// Errors: a client is not made if the name is empty or one that the library sends itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_add_extra_secret(
    config: Option<&mut tokenlease_config>,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes texts with their lengths.
        let (name, value) =
            unsafe { (text(name, name_length, "name")?, text(value, value_length, "value")?) };
        required(config, "config")?.fixed().extra_secrets.push((name.into(), value.into()));
        Ok(())
    })
}

/// Sets a function that fetches the credentials, for example from a vault or from the host program.
/// It replaces fixed credentials and those that options name.
///
/// The library calls it before a client's first read of the store and before each request that
/// sends credentials, and never while a cached token can be returned. It runs on a thread of the
/// library, and on several threads at once if several clients are made from the config. It fills in
/// its argument and returns 0. Any other result fails the call that needs the credentials with
/// TOKENLEASE_CONFIG. It must return, must not throw, and must not call the client that needs the
/// credentials.
///
/// Ownership: if this call succeeds, the library owns user. It calls drop(user) once, on any
/// thread, after the config and all clients made from it were freed or got other credentials, and
/// no call is in progress. drop may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_config_set_credentials_function(
    config: Option<&mut tokenlease_config>,
    function: tokenlease_credentials_function,
    user: *mut c_void,
    drop: tokenlease_drop_function,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (config, fetch) = (required(config, "config")?, required(function, "function")?);
        config.secrets = Secrets::Fetched(Arc::new(Function { fetch, user, drop }));
        Ok(())
    })
}

/// Frees a config. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_config_free(config: Option<Box<tokenlease_config>>) {
    free(config);
}

impl tokenlease_config {
    /// Returns the options of all sources.
    pub(crate) fn options(&self) -> Options {
        self.sources.options()
    }

    /// Returns the source of a client's credentials.
    pub(crate) fn credentials(&self) -> Result<CredentialsSource> {
        match self.secrets.clone() {
            Secrets::Fixed(credentials) => self.sources.credentials(credentials),
            Secrets::Fetched(function) => Ok(CredentialsSource::from_fn(move || function.fetch())),
        }
    }

    /// Returns the fixed secrets, to be filled in. They replace a function.
    pub(crate) fn fixed(&mut self) -> &mut Credentials {
        if let Secrets::Fetched(_) = self.secrets {
            self.secrets = Secrets::Fixed(Credentials::default());
        }
        match &mut self.secrets {
            Secrets::Fixed(credentials) => credentials,
            Secrets::Fetched(_) => unreachable!("the function was replaced above"),
        }
    }
}
