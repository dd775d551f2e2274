//! The options of a client or a registry.

use std::{
    ffi::{c_char, c_void},
    mem::MaybeUninit,
    sync::Arc,
};

use ::tokenlease_config::Options;
use tokenlease::{CredentialsSource, Result, core::Credentials};

use crate::{
    boundary::{free, given, guard, hand_over, text},
    credentials::{Function, tokenlease_credentials},
    error::tokenlease_error,
    status::tokenlease_status,
};

/// Options and secrets to make clients of, or the options of a registry. One thread at a time may
/// use it. What was made of it stays as it is when it is changed or freed.
pub struct tokenlease_config {
    options: Options,
    secrets: Secrets,
}

#[derive(Clone)]
enum Secrets {
    Given(Credentials),
    Fetched(Arc<Function>),
}

/// Makes a config without options. Free it with tokenlease_config_free.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_config_new(
    config: Option<&mut MaybeUninit<*mut tokenlease_config>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let secrets = Secrets::Given(Credentials::default());
        let new = tokenlease_config { options: Options::default(), secrets };
        hand_over(given(config, "config")?, new);
        Ok(())
    })
}

/// Sets an option by its name: "provider", "server", "user", "store" and so on, as they are called
/// in profiles of the program ("tokenlease help token" tells them all). Times are written with
/// their units: "90s", "15m", "8h". An option of a registry is not given to a client of it.
///
/// Errors: TOKENLEASE_CONFIG for a name that is unknown, and a value that can't be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set(
    config: Option<&mut tokenlease_config>,
    name: *const c_char,
    value: *const c_char,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: texts of the caller's.
        let (name, value) = unsafe { (text(name, "name")?, text(value, "value")?) };
        Ok(given(config, "config")?.options.set(name, value)?)
    })
}

/// Sets the user's password; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set_password(
    config: Option<&mut tokenlease_config>,
    password: *const c_char,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: a text of the caller's.
        let password = unsafe { text(password, "password") }?;
        given(config, "config")?.given().password = Some(password.into());
        Ok(())
    })
}

/// Sets the client's secret (wyn, oauth2); it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set_client_secret(
    config: Option<&mut tokenlease_config>,
    client_secret: *const c_char,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: a text of the caller's.
        let secret = unsafe { text(client_secret, "client_secret") }?;
        given(config, "config")?.given().client_secret = Some(secret.into());
        Ok(())
    })
}

/// Sets a function that fetches the credentials, in place of fixed ones and of those that options
/// name: from a vault, or from what the host program knows. It is called before a client's first
/// look and before each send of credentials, never while a cached token serves, on a thread of the
/// library's and by several at once if several clients are made of the config. It fills in what it
/// is lent and answers 0; another answer fails the call that needs credentials, with
/// TOKENLEASE_CONFIG. It must return, throw nothing, and ask nothing of the client it is called for.
///
/// Ownership: if this call succeeds, user is the library's, which calls drop with it once, on any
/// thread, when the config and all clients made of it are freed or have other credentials, and no
/// call is under way. drop may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_config_set_credentials_function(
    config: Option<&mut tokenlease_config>,
    function: Option<
        unsafe extern "C" fn(user: *mut c_void, credentials: *mut tokenlease_credentials) -> i32,
    >,
    user: *mut c_void,
    drop: Option<unsafe extern "C" fn(user: *mut c_void)>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (config, fetch) = (given(config, "config")?, given(function, "function")?);
        config.secrets = Secrets::Fetched(Arc::new(Function { fetch, user, drop }));
        Ok(())
    })
}

/// Frees a config. Nothing for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_config_free(config: Option<Box<tokenlease_config>>) {
    free(config);
}

impl tokenlease_config {
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Where a client gets its credentials.
    pub(crate) fn credentials(&self) -> Result<CredentialsSource> {
        match self.secrets.clone() {
            Secrets::Given(credentials) => self.options.credentials(credentials),
            Secrets::Fetched(function) => Ok(CredentialsSource::from_fn(move || function.fetch())),
        }
    }

    /// The secrets to fill in: they take the place of a function.
    fn given(&mut self) -> &mut Credentials {
        if let Secrets::Fetched(_) = self.secrets {
            self.secrets = Secrets::Given(Credentials::default());
        }
        match &mut self.secrets {
            Secrets::Given(credentials) => credentials,
            Secrets::Fetched(_) => unreachable!("it was replaced above"),
        }
    }
}
