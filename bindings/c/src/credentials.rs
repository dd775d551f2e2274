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

/// Fills in the user's password. The string is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_credentials_set_password(
    credentials: Option<&mut tokenlease_credentials>,
    password: *const c_char,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes a NUL-terminated string.
        let password = unsafe { text(password, "password") }?;
        required(credentials, "credentials")?.0.password = Some(password.into());
        Ok(())
    })
}

/// Fills in the client secret (wyn, oauth2). The string is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_credentials_set_client_secret(
    credentials: Option<&mut tokenlease_credentials>,
    client_secret: *const c_char,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes a NUL-terminated string.
        let secret = unsafe { text(client_secret, "client_secret") }?;
        required(credentials, "credentials")?.0.client_secret = Some(secret.into());
        Ok(())
    })
}

/// Adds an extra field of the token request whose value is secret (wyn, oauth2). The strings are
/// copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_credentials_add_extra_secret(
    credentials: Option<&mut tokenlease_credentials>,
    name: *const c_char,
    value: *const c_char,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes NUL-terminated strings.
        let (name, value) = unsafe { (text(name, "name")?, text(value, "value")?) };
        required(credentials, "credentials")?.0.extra_secrets.push((name.into(), value.into()));
        Ok(())
    })
}

pub(crate) type Fetch = unsafe extern "C" fn(*mut c_void, *mut tokenlease_credentials) -> i32;
pub(crate) type Drop = unsafe extern "C" fn(*mut c_void);

/// The caller's function with its `user` pointer.
pub(crate) struct Function {
    pub(crate) fetch: Fetch,
    pub(crate) user: *mut c_void,
    pub(crate) drop: Option<Drop>,
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

impl std::ops::Drop for Function {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: this is the last use of the caller's pointer.
            unsafe { drop(self.user) }
        }
    }
}
