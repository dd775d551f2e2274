//! The calls of a client that get, check and end tokens.

use std::{
    ffi::c_char,
    mem::{MaybeUninit, size_of},
    ptr,
};

use tokenlease::{Rejection, TokenOptions, core::lifecycle::Revocation};

use crate::{
    boundary::{SizedOptions, check_buffer, copy, guard, hand_over, millis, required, sized, text},
    client::tokenlease_client,
    constants::TOKENLEASE_NONE,
    error::tokenlease_error,
    status::tokenlease_status,
    token::tokenlease_token,
    wait_options::{tokenlease_wait_options, wait_options},
};

/// Options of one call for a token. Begin with TOKENLEASE_TOKEN_OPTIONS_INIT, then set fields. In a
/// language without this macro, set size to the size of the struct, and each time to
/// TOKENLEASE_NONE or a value. Later versions add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenlease_token_options {
    /// The size of the struct in bytes.
    pub size: usize,
    /// The deadline in milliseconds from now. TOKENLEASE_NONE: the option "deadline" of the config. With
    /// 0, a call returns what it can at once, and otherwise fails with TOKENLEASE_DEADLINE_EXCEEDED; its
    /// request goes on.
    pub deadline_ms: i64,
    /// The minimum remaining lifetime in milliseconds, clamped to half of the token's lifetime. For
    /// winkas, whose tokens have no stated expiry, it causes a validation and never a login.
    pub min_remaining_ms: i64,
}

// SAFETY: it is `#[repr(C)]`, begins with its size, and has only integers.
unsafe impl SizedOptions for tokenlease_token_options {
    const DEFAULT: Self = Self {
        size: size_of::<Self>(),
        deadline_ms: TOKENLEASE_NONE,
        min_remaining_ms: TOKENLEASE_NONE,
    };
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Gets the token to use now: from memory while it is fresh, otherwise from the store, a refetch or
/// a login. One login serves all callers for the token's lifetime. options may be NULL: then the
/// config's options apply. Free the token with tokenlease_token_free.
///
/// Errors: all except TOKENLEASE_BUFFER_TOO_SMALL. TOKENLEASE_DEADLINE_EXCEEDED if no token was
/// available within the option "deadline" (default: 30 seconds).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_token(
    client: Option<&tokenlease_client>,
    options: *const tokenlease_token_options,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (required(client, "client")?, required(token, "token")?);
        let got = if options.is_null() {
            client.0.token()?
        } else {
            // SAFETY: the caller passes a struct with its size.
            client.0.token_with(unsafe { token_options(options) }?)?
        };
        hand_over(token, tokenlease_token::of(&client.0, got));
        Ok(())
    })
}

/// Copies the text of the token to use now, and a NUL, into a buffer of capacity bytes. This is the
/// fastest call: without options it neither allocates nor locks while the token is cached. length
/// receives the length of the text without the NUL, also with TOKENLEASE_BUFFER_TOO_SMALL: the buffer
/// must hold at least length + 1 bytes. The buffer may be NULL if capacity is 0. options may be NULL.
///
/// Errors: those of tokenlease_client_token, and TOKENLEASE_BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_copy_token(
    client: Option<&tokenlease_client>,
    options: *const tokenlease_token_options,
    buffer: *mut c_char,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, length) = (required(client, "client")?, required(length, "length")?);
        check_buffer(buffer, capacity)?;
        if options.is_null() {
            return client
                .0
                // SAFETY: the caller passes a buffer of `capacity` bytes.
                .with_token(|token| unsafe { copy(token.expose(), buffer, capacity, length) })?;
        }
        // SAFETY: the caller passes a struct with its size.
        let token = client.0.token_with(unsafe { token_options(options) }?)?;
        // SAFETY: the caller passes a buffer of `capacity` bytes.
        unsafe { copy(token.expose(), buffer, capacity, length) }
    })
}

/// Makes a token from text that was copied before or came from elsewhere, for the calls that take a
/// token. It sends nothing. Free the token with tokenlease_token_free.
///
/// Errors: TOKENLEASE_CONFIG for text that cannot be a token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_token_from_text(
    client: Option<&tokenlease_client>,
    token_text: *const c_char,
    token_text_length: usize,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (required(client, "client")?, required(token, "token")?);
        // SAFETY: the caller passes a text with its length.
        let token_text = unsafe { text(token_text, token_text_length, "token_text") }?;
        hand_over(token, tokenlease_token::of(&client.0, client.0.token_from_text(token_text)?));
        Ok(())
    })
}

/// Reports that an API rejected this token. The client checks the report with the provider before
/// it acts on it. A thousand concurrent reports of one token cause one check and at most one new
/// token.
///
/// replacement is NULL if the provider says that the token is active: the API rejected the call for
/// another reason, such as a missing permission, so do not repeat it. Otherwise replacement is the
/// token in use now: repeat the call once with it, and free it with tokenlease_token_free.
/// options may be NULL.
///
/// Errors: those of tokenlease_client_token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_report_rejected(
    client: Option<&tokenlease_client>,
    token: Option<&tokenlease_token>,
    options: *const tokenlease_wait_options,
    replacement: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (required(client, "client")?, required(token, "token")?);
        // SAFETY: the caller passes a struct with its size.
        let options = unsafe { wait_options(options) }?;
        let replacement = required(replacement, "replacement")?;
        match client.0.report_rejected_with(token.inner(), options)? {
            Rejection::Replaced(token) => {
                hand_over(replacement, tokenlease_token::of(&client.0, token));
            }
            _ => _ = replacement.write(ptr::null_mut()),
        }
        Ok(())
    })
}

/// Asks the provider whether a token is active. It may be any token, not only this client's.
/// options may be NULL.
///
/// Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED if the provider has no such
/// endpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_validate(
    client: Option<&tokenlease_client>,
    token: Option<&tokenlease_token>,
    options: *const tokenlease_wait_options,
    active: Option<&mut MaybeUninit<bool>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (required(client, "client")?, required(token, "token")?);
        // SAFETY: the caller passes a struct with its size.
        let options = unsafe { wait_options(options) }?;
        required(active, "active")?.write(client.0.validate_with(token.inner(), options)?);
        Ok(())
    })
}

/// Asks the provider for the running token (winkas), regardless of memory and store. Free it with
/// tokenlease_token_free. options may be NULL.
///
/// Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED if the provider has no such
/// endpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_refetch(
    client: Option<&tokenlease_client>,
    options: *const tokenlease_wait_options,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (required(client, "client")?, required(token, "token")?);
        // SAFETY: the caller passes a struct with its size.
        let options = unsafe { wait_options(options) }?;
        let served = client.0.refetch_with(options)?;
        hand_over(token, tokenlease_token::of(&client.0, served.lease.token().clone()));
        Ok(())
    })
}

/// Revokes a token at the provider, for every process that shares it. proven is true if the token
/// was active before, and the provider then called it inactive. It is false if the provider accepted
/// the revocation, and nothing proves it. options may be NULL.
///
/// Errors: TOKENLEASE_NOT_REVOKED if the provider calls the token active afterwards;
/// TOKENLEASE_UNSUPPORTED for winkas, which has no revocation: see tokenlease_client_forget. If the
/// provider refuses the revocation, for example because of a wrong client secret, the token stays in
/// use. If the response is lost, the client stops using the token, which may be active.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_revoke(
    client: Option<&tokenlease_client>,
    token: Option<&tokenlease_token>,
    options: *const tokenlease_wait_options,
    proven: Option<&mut MaybeUninit<bool>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (required(client, "client")?, required(token, "token")?);
        // SAFETY: the caller passes a struct with its size.
        let options = unsafe { wait_options(options) }?;
        let proven = required(proven, "proven")?;
        proven.write(client.0.revoke_with(token.inner(), options)? == Revocation::Proven);
        Ok(())
    })
}

/// Drops this client's token from memory and from the store, without revoking it at the provider.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_forget(
    client: Option<&tokenlease_client>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || Ok(required(client, "client")?.0.forget()?))
}

/// Allows credentials to be sent again after the provider rejected them: call it after you
/// corrected the credentials or the account was unlocked. The next call for a token then logs in
/// once.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_unblock(
    client: Option<&tokenlease_client>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || Ok(required(client, "client")?.0.unblock()?))
}

/// Gives the client a token that was obtained elsewhere and expires in lifetime_ms milliseconds
/// (TOKENLEASE_NONE: the expiry is not known). The client uses it. Other clients with the same
/// credentials use it only if the provider had accepted those credentials before. The token is copied.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_adopt(
    client: Option<&tokenlease_client>,
    token: Option<&tokenlease_token>,
    lifetime_ms: i64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (required(client, "client")?, required(token, "token")?);
        Ok(client.0.adopt(token.inner().clone(), millis(lifetime_ms, "lifetime_ms")?)?)
    })
}

/// Returns the options of a call.
///
/// # Safety
/// As [`sized`].
pub(crate) unsafe fn token_options(
    options: *const tokenlease_token_options,
) -> Result<TokenOptions, Box<tokenlease_error>> {
    // SAFETY: the caller guarantees it.
    let given = unsafe { sized(options, "options") }?;
    let mut options = TokenOptions::default();
    options.deadline = millis(given.deadline_ms, "options->deadline_ms")?;
    options.min_remaining = millis(given.min_remaining_ms, "options->min_remaining_ms")?;
    Ok(options)
}
