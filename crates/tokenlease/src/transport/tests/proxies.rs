//! Tests of requests through proxies.

use super::*;

/// Rule: Proxies: an error at the proxy names the proxy. A proxy that requires a password is an error that
/// lasts.
#[tokio::test]
async fn an_error_at_the_proxy_names_the_proxy() {
    let proxy =
        answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    let options = HttpOptions::new().with_proxy(format!("http://{}", proxy.0).as_str());
    let error =
        not_sent(Transport::new(&options).unwrap().send(post("https://wyn.example"), LONG).await);
    let named = format!("the proxy {}", proxy.0);
    assert!(error.to_string().contains(&named) && error.status() == Some(407), "{error}");
    assert!(!error.is_retryable());
    count(proxy).await;
    // Nothing listens any more.
    let error =
        not_sent(Transport::new(&options).unwrap().send(post("https://wyn.example"), LONG).await);
    assert!(error.to_string().contains(&named) && error.is_retryable(), "{error}");
    for scheme in ["socks5", "socks5h", "socks"] {
        let proxy = server(|stream| {
            // No acceptable method (RFC 1928 section 3).
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"\x05\xff");
        });
        let options = HttpOptions::new().with_proxy(format!("{scheme}://{}", proxy.0).as_str());
        let sent = Transport::new(&options).unwrap().send(post("https://127.0.0.2"), LONG).await;
        let error = not_sent(sent);
        assert!(error.to_string().contains(&format!("the proxy {}", proxy.0)), "{error}");
        count(proxy).await;
    }
}

/// Rule: Proxies: a proxy that does not connect to the server is an error with its address and status, and
/// without its password.
#[tokio::test]
async fn a_proxy_that_does_not_connect_is_named_with_its_status() {
    for (status, code, lasts) in [
        ("403 Forbidden", 403, true),
        ("405 No", 405, true),
        ("429 Too Many Requests", 429, false),
        ("502 Bad Gateway", 502, false),
        ("503", 503, false),
    ] {
        let (sender, receiver) = std::sync::mpsc::channel();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let proxy = server(move |stream| {
            sender.send(read(stream)).unwrap();
            let _ = stream.write_all(answer.as_bytes());
        });
        let url = format!("http://me:canary%40@{}", proxy.0);
        let options = HttpOptions::new().with_proxy(url.as_str());
        let sent = Transport::new(&options).unwrap().send(post("https://wyn.example"), LONG).await;
        let error = not_sent(sent);
        let text = error.to_string();
        let named = format!("the proxy {} did not connect to wyn.example:443", proxy.0);
        assert!(text.contains(&named) && text.contains(&code.to_string()), "{text}");
        assert_eq!((error.status(), error.is_retryable()), (Some(code), !lasts), "{text}");
        assert_eq!(count(proxy).await, 2);
        // The question about the status is the same request, and no more.
        let asked: Vec<_> = receiver.iter().map(|text| text.to_ascii_lowercase()).collect();
        for request in &asked {
            assert!(request.starts_with("connect wyn.example:443 http/1.1\r\n"), "{request}");
            assert!(request.contains("proxy-authorization: basic bwu6y2fuyxj5qa=="), "{request}");
        }
    }
}

/// Rule: Proxies: a SOCKS5 proxy gets the name of the server (`socks5h`), and the user and password.
#[tokio::test]
async fn a_socks5_proxy_gets_the_request_and_credentials() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let proxy = server(move |stream| {
        let mut part = [0; 256];
        let mut said = |stream: &mut TcpStream, answer: &[u8]| {
            let read = stream.read(&mut part).unwrap();
            sender.send(part[..read].to_vec()).unwrap();
            stream.write_all(answer).unwrap();
        };
        // RFC 1928 section 3, RFC 1929 section 2, RFC 1928 section 4.
        said(stream, b"\x05\x02");
        said(stream, b"\x01\x00");
        said(stream, b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50");
        read(stream);
        stream.write_all(OKAY.as_bytes()).unwrap();
    });
    let options = HttpOptions::new()
        .with_proxy(format!("socks5h://me@{}", proxy.0).as_str())
        .with_proxy_password("p:w@d")
        .dangerously_allow_plain_http();
    Transport::new(&options).unwrap().send(post("http://wyn.example"), LONG).await.unwrap();
    let said: Vec<Vec<u8>> = receiver.iter().take(3).collect();
    assert!(said[0].starts_with(b"\x05") && said[0].contains(&2), "{said:?}");
    assert_eq!(said[1], b"\x01\x02me\x05p:w@d");
    assert!(said[2].windows(11).any(|name| name == b"wyn.example"), "{said:?}");
    assert_eq!(count(proxy).await, 1);
}

/// Rule: Proxies: the servers of the option `no_proxy` are reached without the proxy.
#[tokio::test]
async fn the_servers_of_no_proxy_are_reached_directly() {
    let server = answering(OKAY);
    let options = HttpOptions::new().with_proxy("http://127.0.0.1:1").with_no_proxy("127.0.0.0/8");
    let transport = Transport::new(&options).unwrap();
    transport.send(post(&format!("http://{}", server.0)), LONG).await.unwrap();
    assert_eq!(count(server).await, 1);
}
