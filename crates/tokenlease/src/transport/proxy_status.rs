//! The status with which an HTTP proxy rejects a connection to a server.
//!
//! The HTTP library says only that the proxy rejected it. So the proxy is asked once more, without a
//! request to the server.

use http::{StatusCode, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use zeroize::Zeroizing;

use super::send_error::Place;
use crate::runtime::look_up;

/// The longest status line that is read, in bytes.
const LONGEST_LINE: usize = 1024;

/// Asks an `http://` proxy to connect to a server (RFC 9110 section 9.3.6), and returns the status. `None`
/// if it does not answer, or is another kind of proxy.
pub(crate) async fn proxy_status(proxy: &Url, server: &Uri) -> Option<StatusCode> {
    if proxy.scheme() != "http" {
        return None;
    }
    let host = proxy.host_str()?.trim_matches(['[', ']']);
    let addresses = look_up(host, proxy.port_or_known_default()?).await.ok()?;
    let mut stream = TcpStream::connect(&*addresses).await.ok()?;
    stream.write_all(&connect(proxy, server)).await.ok()?;
    let mut line = Vec::new();
    while !line.contains(&b'\n') && line.len() < LONGEST_LINE {
        let mut part = [0; LONGEST_LINE];
        match stream.read(&mut part).await {
            Ok(read @ 1..) => line.extend_from_slice(&part[..read]),
            _ => break,
        }
    }
    read(&line)
}

fn connect(proxy: &Url, server: &Uri) -> Zeroizing<Vec<u8>> {
    let place = Place::of(server);
    let mut text = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n").into_bytes();
    let found = Matcher::builder().all(proxy.as_str()).build().intercept(server);
    if let Some(basic) = found.as_ref().and_then(|proxy| proxy.basic_auth()) {
        text.extend_from_slice(b"Proxy-Authorization: ");
        text.extend_from_slice(basic.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text.into()
}

fn read(line: &[u8]) -> Option<StatusCode> {
    let status = line.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5))?;
    StatusCode::from_bytes(status).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_read_and_anything_else_is_none() {
        assert_eq!(read(b"HTTP/1.1 403 Forbidden\r\n"), Some(StatusCode::FORBIDDEN));
        assert_eq!(read(b"HTTP/1.0 502\r\n"), Some(StatusCode::BAD_GATEWAY));
        for line in [&b""[..], b"HTTP/1.1 ", b"HTTP/1.1 4", b"HTTP/1.1 no", b"SSH-2.0-OpenSSH_9.6"]
        {
            assert_eq!(read(line), None);
        }
    }
}
