//! Credentials that a function of the caller's fetches.

use std::{
    ffi::{c_char, c_void},
    mem::MaybeUninit,
};

use tokenlease::{Error, ErrorKind, Result, core::Credentials};

use crate::{
    boundary::{given, guard, text},
    error::tokenlease_error,
    status::tokenlease_status,
};

/// What a function that fetches credentials fills in. It is lent to that function until it
/// returns, and freed by nobody else.
pub struct tokenlease_credentials(Credentials);

/// Fills in the user's password; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_credentials_set_password(
    credentials: Option<&mut tokenlease_credentials>,
    password: *const c_char,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: a text of the caller's.
        let password = unsafe { text(password, "password") }?;
        given(credentials, "credentials")?.0.password = Some(password.into());
        Ok(())
    })
}

/// Fills in the client's secret (wyn, oauth2); it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_credentials_set_client_secret(
    credentials: Option<&mut tokenlease_credentials>,
    client_secret: *const c_char,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: a text of the caller's.
        let secret = unsafe { text(client_secret, "client_secret") }?;
        given(credentials, "credentials")?.0.client_secret = Some(secret.into());
        Ok(())
    })
}

pub(crate) type Fetch = unsafe extern "C" fn(*mut c_void, *mut tokenlease_credentials) -> i32;
pub(crate) type Drop = unsafe extern "C" fn(*mut c_void);

/// The caller's function, with what it is called with.
pub(crate) struct Function {
    pub(crate) fetch: Fetch,
    pub(crate) user: *mut c_void,
    pub(crate) drop: Option<Drop>,
}

// SAFETY: the header says that the function is called on any thread, by several at once, and that
// what drops its pointer is called on any thread.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Function {
    pub(crate) fn fetch(&self) -> Result<Credentials> {
        let mut credentials = tokenlease_credentials(Credentials::default());
        // SAFETY: the caller's function with the caller's pointer, which lives until `drop`, and
        // credentials that outlive the call.
        let answer = unsafe { (self.fetch)(self.user, &raw mut credentials) };
        if answer == 0 {
            return Ok(credentials.0);
        }
        let detail = format!("the function that fetches the credentials failed ({answer})");
        Err(Error::new(ErrorKind::Config, detail).expected("it to answer 0"))
    }
}

impl std::ops::Drop for Function {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: it is the last use of the caller's pointer, by the caller's own function.
            unsafe { drop(self.user) }
        }
    }
}
