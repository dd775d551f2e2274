//! The answer to a request that a host's HTTP library received.

use http::{HeaderName, HeaderValue, Response, StatusCode, Uri, header::HeaderMap};
use tokenlease_core::{Error, ErrorKind, Result, machine::Outcome};
use zeroize::Zeroizing;

use crate::transport::{self, SendError};

/// An answer as a host received it. Its bytes are overwritten after they were read.
#[derive(Clone, Copy)]
#[must_use]
pub struct Answer<'a> {
    status: u16,
    headers: &'a [u8],
    body: &'a [u8],
    broke_off: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// Makes an answer of its status, header lines and body.
    ///
    /// The headers are the lines as the server sent them, `Name: value`, with any line ends. Of
    /// several heads the last one counts, as after an interim response or the answer of a proxy: a head
    /// begins with a line such as `HTTP/1.1 200 OK`, which may be missing.
    pub fn new(status: u16, headers: &'a [u8], body: &'a [u8]) -> Self {
        Self { status, headers, body, broke_off: None }
    }

    /// Says that the body ended before its end, and how. It counts if it is a whole JSON object.
    pub fn broke_off(mut self, how: &'a str) -> Self {
        self.broke_off = Some(how);
        self
    }

    /// Returns the response, or the outcome of a request whose answer can't be used.
    pub(super) fn read(
        self,
        uri: &Uri,
        status_is_enough: bool,
    ) -> Result<Result<Response<Zeroizing<Vec<u8>>>, Outcome<'static>>> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(self.status).map_err(|_| {
            Error::new(ErrorKind::Config, format!("{} is not an HTTP status", self.status))
                .expected("a number from 100 to 999")
        })?;
        *response.headers_mut() = headers(self.headers);
        let (head, ()) = response.into_parts();
        let broke_off = self.broke_off.map(|how| {
            Error::new(ErrorKind::Transport, format!("the answer broke off: {how}"))
                .advice("check the server, and the proxies and firewalls in between")
        });
        let answer = transport::received_elsewhere(uri, head, self.body, broke_off);
        Ok(answer.and_then(|answer| answer.usable(status_is_enough)).map_err(|error| match error {
            SendError::NotSent(error) => Outcome::NotSent(error),
            SendError::Lost(error) => Outcome::Lost(error),
            SendError::Unreadable(error) => Outcome::Unusable(error),
        }))
    }
}

/// Reads header lines. A line that is none is ignored.
fn headers(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| matches!(byte, b'\r' | b'\n')) {
        if line.starts_with(b"HTTP/") {
            headers.clear();
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().and_then(|name| HeaderName::from_bytes(name).ok());
        let value = parts.next().and_then(|value| HeaderValue::from_bytes(value.trim_ascii()).ok());
        if let (Some(name), Some(value)) = (name, value)
            && headers.len() < MOST
        {
            headers.append(name, value);
        }
    }
    headers
}

/// The most header lines that are read.
const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Languages: a host's header lines are read as its HTTP library returns them, with interim
    /// responses and the head of a proxy.
    #[test]
    fn the_last_head_of_several_counts() {
        let lines = b"HTTP/1.1 200 Connection established\r\nRetry-After: 1\r\n\r\nHTTP/1.1 100 \
                      Continue\r\n\r\nHTTP/1.1 429 Too Many\r\nRetry-After:  7 \r\n\xff: x\r\nno line\r\n\
                      X-Empty:\r\n\r\n";
        let read = headers(lines);
        assert_eq!(read.len(), 2);
        assert_eq!(read["retry-after"], "7");
        assert_eq!(headers(b"a: 1\na: 2").get_all("a").iter().count(), 2);
        assert!(headers(b"").is_empty());
    }
}
