//! Answers that are slow, endless, broken, or no answer.

use std::{sync::Arc, time::Duration};

use tokenlease::{ErrorKind, HttpOptions};

use crate::{
    raw::{Process, Request, SHORT, ask, server},
    secrets::{self, TOKEN},
};

type Serve = fn(&mut Request);

/// The client's result of a fault.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// The login may have issued a token: another one after 10 s, then after 20 s.
    Lost(&'static str),
    /// The server answered, but not as a token endpoint: another login after a minute.
    NoTokenEndpoint(&'static str),
    /// The server cannot serve now: another login after seconds.
    Unavailable(&'static str),
    /// The server rejected the credentials: no login for an hour.
    Rejected,
    /// The answer is usable.
    Token,
}
use Expected::{Lost, NoTokenEndpoint, Rejected, Token, Unavailable};

fn body() -> String {
    format!("{{\"access_token\":\"{TOKEN}\",\"expires_in\":3600,\"token_type\":\"Bearer\"}}")
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")
}

/// The faults of answers. The name of each says what the server does.
const FAULTS: &[(&str, Expected, Serve)] = &[
    ("drips the head", Lost("no answer"), |r| {
        r.drip(format!("HTTP/1.1 200 OK\r\n{}", "X-Header: 1\r\n".repeat(99)).as_bytes());
    }),
    ("drips the body", Lost("reading"), |r| {
        r.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        r.drip(&[b' '; 1000]);
    }),
    ("drips the body of a rejection", Rejected, |r| {
        r.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 100000\r\n\r\n{\"error\":\"invalid_client");
        r.drip(&[b' '; 1000]);
    }),
    ("drips spaces after a whole body", Token, |r| {
        r.write(answer("Content-Length: 100000", &body()));
        r.drip(&[b' '; 1000]);
    }),
    ("never answers", Lost("waiting for the answer"), Request::wait),
    ("closes its half and never answers", Lost("ended before the answer"), |r| {
        r.stream.shutdown(std::net::Shutdown::Write).unwrap();
        r.wait();
    }),
    ("announces a longer body and keeps the connection", Token, |r| {
        r.write(answer("Content-Length: 1000", &body()));
        r.wait();
    }),
    ("announces a longer body and closes", Token, |r| {
        r.write(answer("Content-Length: 1000", &body()));
    }),
    ("announces a shorter body", NoTokenEndpoint("JSON"), |r| {
        r.write(answer("Content-Length: 20", &body()));
    }),
    ("announces no body", NoTokenEndpoint(""), |r| {
        r.write(answer("Content-Length: 0", &body()));
    }),
    ("announces two lengths", Lost("headers of the answer cannot be read"), |r| {
        r.write(answer(&format!("Content-Length: {}\r\nContent-Length: 9", body().len()), &body()));
    }),
    ("announces a negative length", Lost("headers of the answer cannot be read"), |r| {
        r.write(answer("Content-Length: -1", &body()));
    }),
    ("announces a length that is no number", Lost("headers of the answer cannot be read"), |r| {
        r.write(answer("Content-Length: many", &body()));
    }),
    ("announces a length that overflows", Lost("headers of the answer cannot be read"), |r| {
        r.write(answer("Content-Length: 99999999999999999999999", &body()));
    }),
    ("announces the largest length", Token, |r| {
        r.write(answer("Content-Length: 18446744073709551613", &body()));
    }),
    ("announces a length and chunks", Token, |r| {
        let chunked = format!("{:x}\r\n{}\r\n0\r\n\r\n", body().len(), body());
        r.write(answer("Content-Length: 3\r\nTransfer-Encoding: chunked", &chunked));
    }),
    ("sends chunks without sizes", Lost("within the answer"), |r| {
        r.write(answer("Transfer-Encoding: chunked", &body()));
    }),
    ("sends a chunk whose size overflows", Lost("within the answer"), |r| {
        r.write(answer("Transfer-Encoding: chunked", &format!("fffffffffffffffff\r\n{}", body())));
    }),
    ("sends a chunk with a shorter size", Lost("within the answer"), |r| {
        r.write(answer("Transfer-Encoding: chunked", &format!("9\r\n{}\r\n0\r\n\r\n", body())));
    }),
    ("sends chunks without an end", Token, |r| {
        r.write(answer(
            "Transfer-Encoding: chunked",
            &format!("{:x}\r\n{}\r\n", body().len(), body()),
        ));
        r.wait();
    }),
    ("sends an endless extension of a chunk", Lost(""), |r| {
        r.write(answer("Transfer-Encoding: chunked", "9;"));
        r.flood("x");
    }),
    ("sends endless trailers", Lost(""), |r| {
        r.write(answer("Transfer-Encoding: chunked", "1\r\n{\r\n0\r\n"));
        r.flood("X-Trailer: 1\r\n");
    }),
    ("sends chunks of one byte without an end", Lost("reading"), |r| {
        r.write(answer("Transfer-Encoding: chunked", ""));
        r.flood("1\r\nx\r\n");
    }),
    ("sends an endless body", NoTokenEndpoint("longer than"), |r| {
        r.write(answer("Connection: close", ""));
        r.flood("x");
    }),
    ("sends endless headers", Lost("cannot be read"), |r| {
        r.write("HTTP/1.1 200 OK\r\n");
        r.flood("X-Header: 1\r\n");
    }),
    ("sends an endless header", Lost("cannot be read"), |r| {
        r.write("HTTP/1.1 200 OK\r\nX-Header: ");
        r.flood("x");
    }),
    ("sends an endless status line", Lost("cannot be read"), |r| {
        r.write("HTTP/1.1 200 ");
        r.flood("x");
    }),
    ("sends endless empty lines", Lost(""), |r| r.flood("\r\n")),
    ("sends endless 100 Continue", Lost("no answer"), |r| r.flood("HTTP/1.1 100 Continue\r\n\r\n")),
    ("sends endless 102 Processing", Lost("no answer"), |r| {
        r.flood("HTTP/1.1 102 Processing\r\n\r\n");
    }),
    ("sends endless 103 Early Hints", Lost("no answer"), |r| {
        r.flood("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    }),
    ("sends 100 Continue and 103 Early Hints first", Token, |r| {
        r.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        r.write(answer(&format!("Content-Length: {}", body().len()), &body()));
    }),
    ("switches protocols", NoTokenEndpoint("101"), |r| {
        r.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        r.flood("x");
    }),
    ("answers 204", NoTokenEndpoint(""), |r| {
        r.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    }),
    ("answers 304", NoTokenEndpoint("304"), |r| {
        r.write("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    }),
    ("answers status 000", Lost("cannot be read"), |r| {
        r.write("HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n");
    }),
    ("answers status 999", Unavailable("999"), |r| {
        r.write("HTTP/1.1 999 Request denied\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }),
    ("answers in HTTP/2", Lost(""), |r| {
        r.write(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d\0\x04\0\x01\0\0\0\x02\0\0\0\0");
    }),
    ("answers in HTTP/0.9", Lost("cannot be read"), |r| {
        r.write(body());
    }),
    ("answers in another protocol", Lost("cannot be read"), |r| {
        r.write("220 mail.example ESMTP\r\n");
    }),
    ("answers with zeros", Lost("cannot be read"), |r| r.flood("\0")),
    ("answers 500 and floods", Unavailable("500"), |r| {
        r.write("HTTP/1.1 500 Oops\r\n\r\n");
        r.flood("x");
    }),
    ("answers 401 and floods", Rejected, |r| {
        r.write("HTTP/1.1 401 Unauthorized\r\n\r\n{\"error\":\"invalid_client\"}");
        r.flood(" ");
    }),
];

/// Rule: Login: each fault of an answer ends a call in time with its own error, prints no secret, and
/// repeats a login only after the pause of its kind.
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_an_answer_ends_in_time_and_repeats_no_login_early() {
    let _alone = secrets::watch_the_log().await;
    let mut failed = 0;
    // Six at once, and not neighbours: the floods would keep all threads of the client busy.
    let rounds = FAULTS.len().div_ceil(6);
    for first in 0..rounds {
        let tasks = FAULTS
            .iter()
            .skip(first)
            .step_by(rounds)
            .map(|(name, expected, serve)| tokio::spawn(try_fault(name, *expected, *serve)));
        for task in tasks.collect::<Vec<_>>() {
            failed += usize::from(task.await.is_err());
        }
    }
    assert_eq!(failed, 0, "faults have other results than the table says: see above");
}

async fn try_fault(name: &'static str, expected: Expected, serve: Serve) {
    let (address, seen) = server(false, serve);
    let process = Process::new(HttpOptions::new().with_timeout(SHORT));
    let client = process.client(&format!("http://{address}"), "u0");
    let result = ask(&client).await;
    let logins = |expected: usize, when: &str| {
        assert_eq!(seen.logins("u0"), expected, "a server that {name}: logins {when}");
    };
    // After an outage, the pause is shorter than the deadline.
    if !matches!(expected, Unavailable(_)) {
        logins(1, "of the first call");
    }
    if let Token = expected {
        assert_eq!(
            result.as_deref().map_err(ToString::to_string),
            Ok(TOKEN),
            "a server that {name}"
        );
        return;
    }
    let error = result.expect_err(name);
    let text = format!("{name}: {:?} {error}", error.kind());
    let (words, quiet) = match expected {
        Lost(words) => (words, 9),
        NoTokenEndpoint(words) => (words, 55),
        Unavailable(words) => (words, 0),
        Rejected | Token => ("", 3500),
    };
    let late = matches!(expected, Lost(_)) && text.contains("did not answer in time");
    assert!(late || text.contains(words), "{words}: {text}");
    let kinds: &[ErrorKind] = match expected {
        Lost(_) => &[ErrorKind::DeadlineExceeded, ErrorKind::Transport],
        NoTokenEndpoint(_) => &[ErrorKind::InvalidResponse],
        // The pause may be longer than the rest of the deadline.
        Unavailable(_) => &[ErrorKind::Unavailable, ErrorKind::DeadlineExceeded],
        Rejected | Token => &[ErrorKind::CredentialsRejected],
    };
    assert!(kinds.contains(&error.kind()), "{text}");
    for _ in 0..3 {
        ask(&client).await.expect_err(name);
    }
    if quiet > 0 {
        logins(1, "of four calls at once");
        process.clock.advance(Duration::from_secs(quiet - 6));
        ask(&client).await.expect_err(name);
        logins(1, &format!("{} s later", quiet - 6));
    }
    if !matches!(expected, Rejected) {
        process.clock.advance(Duration::from_secs(64));
        let error = ask(&client).await.expect_err(name);
        let logins = seen.logins("u0");
        assert!((2..=9).contains(&logins), "{name}: {logins} logins, {error}");
    }
}

/// Rule: Secrets: a redirect is not followed: its target receives nothing, and the error names the
/// status.
#[tokio::test(flavor = "multi_thread")]
async fn the_target_of_a_redirect_receives_nothing() {
    let _alone = secrets::watch_the_log().await;
    let (target, received) = server(false, |request| {
        request.write(answer("Content-Length: 2", "{}"));
    });
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for location in [
            format!("http://{target}/connect/token"),
            format!("//{target}/connect/token"),
            format!("http://u:{}@{target}/?password={}", secrets::PASSWORD, secrets::PASSWORD),
            "/connect/token".to_owned(),
            String::new(),
        ] {
            let head = Arc::new(format!("Location: {location}\r\nContent-Length: 0"));
            let (address, seen) = server(false, move |request| {
                request.write(format!("HTTP/1.1 {status} Moved\r\n{head}\r\n\r\n"));
            });
            let process = Process::new(HttpOptions::new());
            let client = process.client(&format!("http://{address}"), "u0");
            for _ in 0..3 {
                let error = ask(&client).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
                assert!(error.to_string().contains(&status.to_string()), "{error}");
            }
            assert_eq!(seen.logins("u0"), 1, "{status} {location}");
        }
    }
    assert!(received.bytes().is_empty(), "the target received a request");
}

/// Rule: Login: a server that accepts connections and reads nothing costs one login at most.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_reads_nothing_costs_one_login_at_most() {
    let _alone = secrets::watch_the_log().await;
    // The system accepts the connection; no program does.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let process = Process::new(HttpOptions::new().with_timeout(SHORT));
    let client = process.client(&format!("http://{address}"), "u0");
    for _ in 0..4 {
        let error = ask(&client).await.unwrap_err();
        let kinds = [ErrorKind::DeadlineExceeded, ErrorKind::Transport];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.incoming().take_while(Result::is_ok).count(), 1);
}
