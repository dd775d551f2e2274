//! Calls of the host's API: the library reads the answer, reports a rejected token, and repeats the call
//! once.

use std::{
    ffi::{c_char, c_void},
    mem::MaybeUninit,
    slice,
};

use tokenlease::core::provider::ApiAnswer;

use crate::{
    boundary::{guard, required, text},
    client::tokenlease_client,
    error::tokenlease_error,
    status::tokenlease_status,
    token::tokenlease_token,
    token_calls::{token_options, tokenlease_token_options},
};

/// The meaning of an API's answer for the token of the call.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_api_answer {
    /// The token was not rejected: the answer is the call's result.
    TOKENLEASE_ANSWER_NOT_REJECTED = 0,
    /// The token was rejected: call tokenlease_client_report_rejected.
    TOKENLEASE_ANSWER_REJECTED = 1,
    /// The cause may be the token: a failed call inside a WinKAS envelope, or an empty 403. Call
    /// tokenlease_client_report_rejected, which asks the provider.
    TOKENLEASE_ANSWER_ASK = 2,
}

/// The answer of an API, which the function of tokenlease_client_call fills in. It is borrowed: it is
/// valid until the function returns, and the function must not free it.
pub struct tokenlease_response(http::Response<Vec<u8>>);

/// Fills in the answer's HTTP status and its body. The body is copied. It may be NULL if body_length is
/// 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_response_set(
    response: Option<&mut tokenlease_response>,
    http_status: i32,
    body: *const c_char,
    body_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let response = &mut required(response, "response")?.0;
        let status = status_code(http_status)?;
        // SAFETY: the caller passes a body of `body_length` bytes.
        *response.body_mut() = unsafe { bytes(body, body_length) }?.to_vec();
        *response.status_mut() = status;
        Ok(())
    })
}

/// Adds a header of the answer. Of the headers only WWW-Authenticate and Content-Type count, so others
/// can be left out. The texts are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_response_add_header(
    response: Option<&mut tokenlease_response>,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let response = &mut required(response, "response")?.0;
        // SAFETY: the caller passes texts with their lengths.
        let (name, value) =
            unsafe { (text(name, name_length, "name")?, text(value, value_length, "value")?) };
        let header = http::HeaderName::try_from(name).ok().zip(value.parse().ok());
        let (name, value) = header.ok_or_else(|| {
            let detail = "the arguments name and value are not an HTTP header";
            tokenlease_error::bad_argument(detail, "a header without a line break")
        })?;
        response.headers_mut().append(name, value);
        Ok(())
    })
}

/// A function that calls an API with a token: see tokenlease_client_call.
pub type tokenlease_call_function = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        token: *const tokenlease_token,
        response: *mut tokenlease_response,
    ) -> i32,
>;

/// Calls an API with the token to use now. function performs the call: it presents the token by
/// tokenlease_token_header_name and tokenlease_token_header_value, or by tokenlease_token_json_field, fills
/// in response by tokenlease_response_set, and returns 0. If the API rejected the token, the library reports that like
/// tokenlease_client_report_rejected, and calls function once more with the replacement. If the provider
/// says that the token is active, it does not: the API's own answer, such as a missing permission, is
/// the result. options may be NULL.
///
/// function is called on the calling thread, and user is passed to it. token and response are borrowed
/// until it returns. It must not throw. It may call the client. Any result but 0 ends the call with
/// TOKENLEASE_CALL_FAILED.
///
/// Errors: those of tokenlease_client_token, and TOKENLEASE_CALL_FAILED. An error may come after the
/// first call of function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_call(
    client: Option<&tokenlease_client>,
    options: *const tokenlease_token_options,
    function: tokenlease_call_function,
    user: *mut c_void,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, function) = (required(client, "client")?, required(function, "function")?);
        let call = |token: &tokenlease::core::Token| {
            let token = tokenlease_token::of(&client.0, token.clone());
            let mut response = tokenlease_response(http::Response::default());
            // SAFETY: the caller's function takes its own pointer, and handles that outlive the call.
            let result = unsafe { function(user, &raw const token, &raw mut response) };
            if result != 0 {
                return Err(tokenlease_error::call_failed(result));
            }
            Ok((client.0.read_answer(&response.0), ()))
        };
        if options.is_null() {
            return client.0.call(call);
        }
        // SAFETY: the caller passes a struct with its size.
        client.0.call_with(unsafe { token_options(options) }?, call)
    })
}

/// Reads an API's answer to a call with this client's token, for programs that do not use
/// tokenlease_client_call. It sends nothing. body may be NULL if body_length is 0.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_read_answer(
    client: Option<&tokenlease_client>,
    http_status: i32,
    body: *const c_char,
    body_length: usize,
    answer: Option<&mut MaybeUninit<tokenlease_api_answer>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, answer) = (required(client, "client")?, required(answer, "answer")?);
        // SAFETY: the caller passes a body of `body_length` bytes.
        let mut response = http::Response::new(unsafe { bytes(body, body_length) }?);
        *response.status_mut() = status_code(http_status)?;
        answer.write(match client.0.read_answer(&response) {
            ApiAnswer::NotRejected => tokenlease_api_answer::TOKENLEASE_ANSWER_NOT_REJECTED,
            ApiAnswer::Rejected => tokenlease_api_answer::TOKENLEASE_ANSWER_REJECTED,
            ApiAnswer::Ask => tokenlease_api_answer::TOKENLEASE_ANSWER_ASK,
        });
        Ok(())
    })
}

fn status_code(http_status: i32) -> Result<http::StatusCode, Box<tokenlease_error>> {
    let code = u16::try_from(http_status).ok();
    code.and_then(|code| http::StatusCode::from_u16(code).ok()).ok_or_else(|| {
        let detail = format!("the argument http_status is {http_status}");
        tokenlease_error::bad_argument(&detail, "an HTTP status from 100 to 999")
    })
}

/// Returns the bytes of a body, which may have any encoding and contain a NUL.
///
/// # Safety
/// The pointer is NULL, or points to `length` bytes that nothing writes to while they are used.
unsafe fn bytes<'a>(body: *const c_char, length: usize) -> Result<&'a [u8], Box<tokenlease_error>> {
    if length == 0 {
        return Ok(&[]);
    }
    if body.is_null() {
        return Err(tokenlease_error::bad_argument("the argument body is NULL", "a pointer"));
    }
    if isize::try_from(length).is_err() {
        let detail = format!("the argument body_length is {length}");
        return Err(tokenlease_error::bad_argument(&detail, "the length in bytes"));
    }
    // SAFETY: it is not NULL, and no object is longer than this; the caller guarantees the rest.
    Ok(unsafe { slice::from_raw_parts(body.cast(), length) })
}
