//! The client of one identity.

use std::{ffi::c_char, mem::MaybeUninit, ptr};

use tokenlease::{Rejection, TokenOptions, blocking::Client, core::lifecycle::Revocation};

use crate::{
    boundary::{copy, free, given, guard, hand_over, millis, text},
    config::tokenlease_config,
    error::tokenlease_error,
    registry::tokenlease_registry,
    status::tokenlease_status,
    token::tokenlease_token,
};

/// Gets, keeps and shares the token of one identity. Threads may share it: a thousand that ask at
/// once are one request.
pub struct tokenlease_client(Client);

/// Makes a client of a config, in a registry or, for NULL, in one of its own options: without
/// them it shares the memory of the process. It sends nothing until it is asked. Free it with
/// tokenlease_client_free.
///
/// Errors: TOKENLEASE_CONFIG for options that are missing, of another provider or at odds with each
/// other, TOKENLEASE_STORE.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_new(
    config: Option<&tokenlease_config>,
    registry: Option<&tokenlease_registry>,
    client: Option<&mut MaybeUninit<*mut tokenlease_client>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (config, client) = (given(config, "config")?, given(client, "client")?);
        let registry = registry.map(tokenlease_registry::inner);
        let new = config.options().client(config.credentials()?, registry)?.build()?;
        hand_over(client, tokenlease_client(new.blocking()));
        Ok(())
    })
}

/// The token to use now: once a lifetime a login, else it comes from memory. Free it with
/// tokenlease_token_free.
///
/// Errors: all but TOKENLEASE_BUFFER_TOO_SMALL; TOKENLEASE_DEADLINE_EXCEEDED if none came within the limit
/// of the option "deadline", 30 seconds unless it was set.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_token(
    client: Option<&tokenlease_client>,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (given(client, "client")?, given(token, "token")?);
        hand_over(token, tokenlease_token::new(client.0.token()?));
        Ok(())
    })
}

/// As tokenlease_client_token, by a deadline of one's own in milliseconds from now, and with a
/// wish for the life that is left, in milliseconds: it is clamped to a half of the token's life,
/// and for winkas, whose ends nobody states, it means a validation now and never a new token. Either
/// may be TOKENLEASE_NONE.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_token_with(
    client: Option<&tokenlease_client>,
    deadline_ms: i64,
    min_remaining_ms: i64,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (given(client, "client")?, given(token, "token")?);
        let options = options(deadline_ms, min_remaining_ms)?;
        hand_over(token, tokenlease_token::new(client.0.token_with(options)?));
        Ok(())
    })
}

/// Copies the text of the token to use now, and a NUL, into a buffer of capacity bytes: the
/// fastest way, without an allocation or a lock while the token is cached. length is that of the
/// text without the NUL. It is written also with TOKENLEASE_BUFFER_TOO_SMALL: the buffer must
/// hold a byte more. The buffer may be NULL if capacity is 0.
///
/// Errors: those of tokenlease_client_token, TOKENLEASE_BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_copy_token(
    client: Option<&tokenlease_client>,
    buffer: *mut c_char,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, length) = (given(client, "client")?, given(length, "length")?);
        // SAFETY: a buffer of the caller's.
        client.0.with_token(|token| unsafe { copy(token.expose(), buffer, capacity, length) })?
    })
}

/// As tokenlease_client_copy_token, with the wishes of tokenlease_client_token_with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_copy_token_with(
    client: Option<&tokenlease_client>,
    deadline_ms: i64,
    min_remaining_ms: i64,
    buffer: *mut c_char,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, length) = (given(client, "client")?, given(length, "length")?);
        let token = client.0.token_with(options(deadline_ms, min_remaining_ms)?)?;
        // SAFETY: a buffer of the caller's.
        unsafe { copy(token.expose(), buffer, capacity, length) }
    })
}

/// A token from its text, which was copied or came from elsewhere: for the calls that take one. It
/// asks nobody. Free it with tokenlease_token_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_token_of(
    client: Option<&tokenlease_client>,
    token_text: *const c_char,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (given(client, "client")?, given(token, "token")?);
        // SAFETY: a text of the caller's.
        let token_text = unsafe { text(token_text, "token_text") }?;
        hand_over(token, tokenlease_token::new(client.0.token_of(token_text)?));
        Ok(())
    })
}

/// Claims that an API rejected this token. The claim is checked with the provider before it is
/// believed; a thousand claims on one token are one check and at most one new token.
///
/// replacement is NULL if the provider says that the token is active: the rejection is about something
/// else, a permission for one, so don't call again. Else it is the token in use now: call the API
/// once more with it, and free it with tokenlease_token_free.
///
/// Errors: those of tokenlease_client_token.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_report_rejected(
    client: Option<&tokenlease_client>,
    token: Option<&tokenlease_token>,
    replacement: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (given(client, "client")?, given(token, "token")?);
        let replacement = given(replacement, "replacement")?;
        match client.0.report_rejected(token.inner())? {
            Rejection::Replaced(token) => hand_over(replacement, tokenlease_token::new(token)),
            _ => _ = replacement.write(ptr::null_mut()),
        }
        Ok(())
    })
}

/// Asks the provider whether a token, this client's or any other, is active.
///
/// Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED where there is no call for it.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_validate(
    client: Option<&tokenlease_client>,
    token: Option<&tokenlease_token>,
    active: Option<&mut MaybeUninit<bool>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (given(client, "client")?, given(token, "token")?);
        given(active, "active")?.write(client.0.validate(token.inner())?);
        Ok(())
    })
}

/// Asks the provider for the running token (winkas), whatever memory and store hold. Free it with
/// tokenlease_token_free.
///
/// Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED where there is no call for it.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_refetch(
    client: Option<&tokenlease_client>,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (given(client, "client")?, given(token, "token")?);
        let served = client.0.refetch()?;
        hand_over(token, tokenlease_token::new(served.lease.token().clone()));
        Ok(())
    })
}

/// Ends a token for all who share it, and tells the provider. proven says whether the provider agreed
/// afterwards that it is not active.
///
/// Errors: TOKENLEASE_UNSUPPORTED for winkas, which has no such call: see tokenlease_client_forget.
/// With others the token is not used any more, but may still be active.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_revoke(
    client: Option<&tokenlease_client>,
    token: Option<&tokenlease_token>,
    proven: Option<&mut MaybeUninit<bool>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (given(client, "client")?, given(token, "token")?);
        let proven = given(proven, "proven")?;
        proven.write(client.0.revoke(token.inner())? == Revocation::Proven);
        Ok(())
    })
}

/// Drops this client's token here and in the store, without ending it at the provider.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_forget(
    client: Option<&tokenlease_client>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || Ok(given(client, "client")?.0.forget()?))
}

/// Says that the credentials are right, or that the account was unlocked: what stops them is
/// lifted, and the next caller is served by one login.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_unblock(
    client: Option<&tokenlease_client>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || Ok(given(client, "client")?.0.unblock()?))
}

/// Takes a token that was made elsewhere, which ends after life_ms milliseconds; TOKENLEASE_NONE:
/// nobody knows. It serves this client, and others only if they have seen its credentials
/// accepted. It is copied.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_adopt(
    client: Option<&tokenlease_client>,
    token: Option<&tokenlease_token>,
    life_ms: i64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, token) = (given(client, "client")?, given(token, "token")?);
        Ok(client.0.adopt(token.inner().clone(), millis(life_ms, "life_ms")?)?)
    })
}

/// Goes on with the credentials of a config; its other options are not looked at. Who asks from
/// now on is served by them alone.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_set_credentials(
    client: Option<&tokenlease_client>,
    config: Option<&tokenlease_config>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, config) = (given(client, "client")?, given(config, "config")?);
        Ok(client.0.set_credentials(config.credentials()?)?)
    })
}

/// Tells where the token in hand stands and how it came, in words, without the secret, into a
/// buffer as tokenlease_client_copy_token does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_explain(
    client: Option<&tokenlease_client>,
    buffer: *mut c_char,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, length) = (given(client, "client")?, given(length, "length")?);
        // SAFETY: a buffer of the caller's.
        unsafe { copy(&client.0.explain(), buffer, capacity, length) }
    })
}

/// What a client counts. Answers from memory are not counted: they cost nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_count {
    /// Requests for a new token that were sent.
    TOKENLEASE_COUNT_LOGINS = 0,
    /// Requests for the running token that were sent.
    TOKENLEASE_COUNT_REFETCHES = 1,
    /// Questions about a token that were sent.
    TOKENLEASE_COUNT_VALIDATIONS = 2,
    /// Revocations that were sent.
    TOKENLEASE_COUNT_REVOCATIONS = 3,
    /// Calls of the store.
    TOKENLEASE_COUNT_STORE_CALLS = 4,
    /// Callers that memory could not answer at once.
    TOKENLEASE_COUNT_CACHE_MISSES = 5,
    /// Callers that were answered with an error.
    TOKENLEASE_COUNT_ERRORS = 6,
}

/// How often a client has done something, a tokenlease_count, since it was made.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_count(
    client: Option<&tokenlease_client>,
    what: i32,
    count: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, count) = (given(client, "client")?, given(count, "count")?);
        let stats = client.0.stats();
        // In the order of `tokenlease_count`.
        let counts = [
            stats.logins,
            stats.refetches,
            stats.validations,
            stats.revocations,
            stats.store_calls,
            stats.cache_misses,
            stats.errors,
        ];
        let found = usize::try_from(what).ok().and_then(|what| counts.get(what));
        count.write(*found.ok_or_else(|| {
            let detail = format!("{what} is nothing that is counted");
            tokenlease_error::bad_argument(&detail, "a tokenlease_count")
        })?);
        Ok(())
    })
}

/// Waits until nothing is under way for this client, so that a program that ends leaves no login
/// half done and no lock taken. It ends no token, and the client may be used on.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_close(
    client: Option<&tokenlease_client>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || Ok(given(client, "client")?.0.close()?))
}

/// Frees a client. It waits for nothing, see tokenlease_client_close, and ends no token. Nothing
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_free(client: Option<Box<tokenlease_client>>) {
    free(client);
}

fn options(deadline_ms: i64, min_remaining_ms: i64) -> Result<TokenOptions, Box<tokenlease_error>> {
    let mut options = TokenOptions::default();
    options.deadline = millis(deadline_ms, "deadline_ms")?;
    options.min_remaining = millis(min_remaining_ms, "min_remaining_ms")?;
    Ok(options)
}
