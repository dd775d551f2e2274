//! Credentials that a caller's function fetches.

use std::{
    ffi::{c_char, c_void},
    mem::MaybeUninit,
};

use tokenlease::{Error, ErrorKind, Result, core::Credentials};

use crate::{
    boundary::{guard, required, text},
    error::tokenlease_error,
    status::tokenlease_status,
};

/// The argument that a function that fetches credentials fills in. It is borrowed: it is valid
/// until the function returns, and the function must not free it.
pub struct tokenlease_credentials(Credentials);

/// Fills in the user's password. The text is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_credentials_set_password(
    credentials: Option<&mut tokenlease_credentials>,
    password: *const c_char,
    password_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes a text with its length.
        let password = unsafe { text(password, password_length, "password") }?;
        required(credentials, "credentials")?.0.password = Some(password.into());
        Ok(())
    })
}

/// Fills in the client secret (wyn, oauth2). The text is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_credentials_set_client_secret(
    credentials: Option<&mut tokenlease_credentials>,
    client_secret: *const c_char,
    client_secret_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes a text with its length.
        let secret = unsafe { text(client_secret, client_secret_length, "client_secret") }?;
        required(credentials, "credentials")?.0.client_secret = Some(secret.into());
        Ok(())
    })
}

/// Adds an extra field of the token request whose value is secret (wyn, oauth2). The texts are
/// copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_credentials_add_extra_secret(
    credentials: Option<&mut tokenlease_credentials>,
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
        required(credentials, "credentials")?.0.extra_secrets.push((name.into(), value.into()));
        Ok(())
    })
}

/// A function that fetches credentials: see tokenlease_config_set_credentials_function.
pub type tokenlease_credentials_function = Option<
    unsafe extern "C" fn(user: *mut c_void, credentials: *mut tokenlease_credentials) -> i32,
>;

/// A function that frees what a user pointer points to. The library calls it once, on any thread.
pub type tokenlease_drop_function = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// The caller's function with its `user` pointer.
pub(crate) struct Function {
    pub(crate) fetch:
        unsafe extern "C" fn(user: *mut c_void, credentials: *mut tokenlease_credentials) -> i32,
    pub(crate) user: *mut c_void,
    pub(crate) drop: tokenlease_drop_function,
}

// SAFETY: the header requires a function that may be called on any thread, on several at once, and
// a `drop` that may be called on any thread.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Function {
    pub(crate) fn fetch(&self) -> Result<Credentials> {
        let mut credentials = tokenlease_credentials(Credentials::default());
        // SAFETY: the caller's pointer is valid until `drop`, and `credentials` outlives the call.
        let result = unsafe { (self.fetch)(self.user, &raw mut credentials) };
        if result == 0 {
            return Ok(credentials.0);
        }
        let detail = format!("the function that fetches the credentials failed ({result})");
        Err(Error::new(ErrorKind::Config, detail).expected("it to return 0"))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: this is the last use of the caller's pointer.
            unsafe { drop(self.user) }
        }
    }
}
