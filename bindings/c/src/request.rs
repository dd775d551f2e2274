//! A request that the host program sends.

use std::{
    ffi::{c_char, c_void},
    ptr,
};

use tokenlease::core::http::Request;
use zeroize::Zeroizing;

/// A request that the host program sends with its own HTTP library, once. The body, the URL and the
/// headers may contain secrets: do not log them. It belongs to the effect or the exchange that it was
/// read from, and all its pointers are valid until that handle is freed, which overwrites them.
///
/// Send it with the timeout of its effect, without redirects, cookies, a cache, or repeated attempts.
/// Add the headers that your HTTP library adds itself, such as Host and Content-Length.
pub struct tokenlease_request {
    method: Text,
    url: Text,
    headers: Vec<(Text, Text)>,
    body: Zeroizing<Vec<u8>>,
}

/// A NUL-terminated text that is overwritten when it is dropped.
type Text = Zeroizing<Vec<u8>>;

/// Returns the method, "GET" or "POST". NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_request_method(request: Option<&tokenlease_request>) -> *const c_char {
    request.map_or(ptr::null(), |request| request.method.as_ptr().cast())
}

/// Returns the URL. That of a validation at winkas contains the token. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_request_url(request: Option<&tokenlease_request>) -> *const c_char {
    request.map_or(ptr::null(), |request| request.url.as_ptr().cast())
}

/// Returns the number of headers. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_request_header_count(request: Option<&tokenlease_request>) -> usize {
    request.map_or(0, |request| request.headers.len())
}

/// Returns the name of a header, counted from 0. NULL if there is none, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_request_header_name(
    request: Option<&tokenlease_request>,
    index: usize,
) -> *const c_char {
    let header = request.and_then(|request| request.headers.get(index));
    header.map_or(ptr::null(), |(name, _)| name.as_ptr().cast())
}

/// Returns the value of a header, counted from 0. NULL if there is none, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_request_header_value(
    request: Option<&tokenlease_request>,
    index: usize,
) -> *const c_char {
    let header = request.and_then(|request| request.headers.get(index));
    header.map_or(ptr::null(), |(_, value)| value.as_ptr().cast())
}

/// Returns the bytes of the body. They are not NUL-terminated. NULL if the body is empty, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_request_body(request: Option<&tokenlease_request>) -> *const c_void {
    let body = request.map(|request| &request.body).filter(|body| !body.is_empty());
    body.map_or(ptr::null(), |body| body.as_ptr().cast())
}

/// Returns the length of the body in bytes. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_request_body_length(request: Option<&tokenlease_request>) -> usize {
    request.map_or(0, |request| request.body.len())
}

impl tokenlease_request {
    pub(crate) fn new(request: &Request) -> Self {
        let headers = request.headers().iter();
        Self {
            method: text(request.method().as_str().as_bytes()),
            url: text(Zeroizing::new(request.uri().to_string()).as_bytes()),
            headers: headers
                .map(|(name, value)| (text(name.as_str().as_bytes()), text(value.as_bytes())))
                .collect(),
            body: Zeroizing::new(request.body().as_bytes().to_vec()),
        }
    }
}

/// Makes a text for C. Methods, URLs and headers contain no NUL.
fn text(bytes: &[u8]) -> Text {
    // Full capacity from the start, so that a growing vector leaves no copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
    text.extend_from_slice(bytes);
    text.push(0);
    text
}
