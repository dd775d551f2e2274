//! The injecting proxy.

use std::{convert::Infallible, fmt::Write as _, net::SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Running, SECRET, consumers};

const ECHO: &str = "/forward/erp/report/echo";

/// Sends a JSON body through the proxy.
async fn call(running: &Running, path: &str, body: &'static str) -> (u16, Value) {
    let request = running.http.post(running.url(path)).basic_auth("proxy", Some(SECRET));
    let response =
        request.header("content-type", "application/json").body(body).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_goes_into_the_field_of_a_winkas_call() {
    let running = Running::start().await;
    for _ in 0..3 {
        let (status, body) = call(&running, ECHO, r#"{"DebtorNumber": 1.50}"#).await;
        assert_eq!((status, &body["WinKasData"]), (200, &json!({ "DebtorNumber": 1.5 })), "{body}");
    }
    let (_, body) = call(&running, ECHO, r#"{"Token": "", "A": 1}"#).await;
    assert_eq!(body["WinKasData"], json!({ "A": 1 }));
    assert_eq!(call(&running, ECHO, "[1]").await.0, 400);
    assert_eq!(running.emulator.counts().winkas.login, 1);
}

/// Rule: Rejection: the proxy of `serve` reads a rejection inside HTTP 200, and sends the call once more with
/// another token.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_inside_a_successful_answer_is_replayed_once() {
    let running = Running::start().await;
    call(&running, ECHO, "{}").await;
    running.emulator.end_all_tokens();
    let (_, body) = call(&running, ECHO, r#"{"A": 1}"#).await;
    assert_eq!(body["WinKasData"], json!({ "A": 1 }), "{body}");
    let counts = running.emulator.counts().winkas;
    assert_eq!((counts.login, counts.rejected), (2, 1));
    let (_, metrics) = running.get("/metrics").await;
    assert!(metrics.contains("tokenlease_serve_replays_total 1\n"), "{metrics}");
    // A missing permission is no rejection of the token: the consumer gets the answer.
    let (status, body) = call(&running, "/forward/erp/report/forbidden", "{}").await;
    assert!(
        status == 200 && body["WinkasErrorMessage"].is_string() || body["WinkasErrorCode"] != 0,
        "{body}"
    );
    assert_eq!(running.emulator.counts().winkas.login, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_goes_into_the_header_of_other_calls_and_a_401_is_replayed_once() {
    let running = Running::start().await;
    let get = async |path: &str| {
        let request = running.http.get(running.url(path)).basic_auth("proxy", Some(SECRET));
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, body) = get("/forward/bi/api/v2/me").await;
    assert!(status == 200 && body.contains("report user"), "{status} {body}");
    running.emulator.end_all_tokens();
    assert_eq!(get("/forward/bi/api/v2/me").await.0, 200);
    let counts = running.emulator.counts().wyn;
    assert_eq!((counts.login, counts.rejected), (2, 1));
    assert_eq!(get("/forward/bi/api/v2/forbidden").await.0, 403);
    assert_eq!(running.emulator.counts().wyn.login, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_call_presents_the_token_in_the_header_of_the_profile() {
    let address = echo().await;
    let running = Running::with(&consumers(), |settings, _| {
        let config = settings.config.as_ref().unwrap();
        let text = std::fs::read_to_string(config).unwrap();
        let header = "[profile.bi]\ntoken_header = \"reference-token\"\n";
        std::fs::write(config, text.replace("[profile.bi]\n", header)).unwrap();
        settings.forwards[2].url = format!("http://{address}/");
    })
    .await;
    let token = running.token("bi", "bi").await;
    let request = running.http.get(running.url("/forward/other/a"));
    let response = request.basic_auth("proxy", Some(SECRET)).send().await.unwrap();
    let text = response.text().await.unwrap();
    let masked = format!("reference-token: {}\n", "*".repeat(token.len()));
    assert!(text.contains(&masked) && !text.contains("authorization"), "{text}");
}

/// Rule: Secrets: only the consumers that may forward to an upstream reach it, and they get no token.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_answers_its_consumers_alone() {
    let running = Running::start().await;
    let status = async |consumer: &str, path: &str| {
        let request = running.http.get(running.url(path)).basic_auth(consumer, Some(SECRET));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("php", "/forward/bi/api/v2/me").await, 403);
    assert_eq!(status("proxy", "/forward/nothing/x").await, 403);
    assert_eq!(status("proxy", "/token/bi").await, 403);
    assert_eq!(status("nobody", "/forward/bi/api/v2/me").await, 401);
    assert_eq!(running.emulator.counts().wyn.login, 0);
}

/// An upstream that answers with all that it received, and with a cookie.
async fn echo() -> SocketAddr {
    async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let mut text = format!("{} {}\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
        }
        let token = request.headers().get("authorization").cloned();
        let status = if request.uri().path().ends_with("/rejected") { 401 } else { 200 };
        let body = request.into_body().collect().await.map(Collected::to_bytes);
        writeln!(text, "{} bytes", body.map_or(0, |body| body.len())).unwrap();
        let mut answer = Response::builder().status(status).header("set-cookie", "session=1");
        if let Some(token) = token {
            answer = answer.header("x-echo", token);
        }
        Ok(answer.body(Full::new(text.into())).unwrap())
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    address
}

async fn with_echo(replay_len: usize) -> Running {
    let address = echo().await;
    Running::with(&consumers(), |settings, _| {
        settings.limits.replay_len = replay_len;
        settings.forwards[2].url = format!("http://{address}/base");
    })
    .await
}

/// Rule: Secrets: a consumer of the proxy does not see the token that the upstream echoes, and the upstream does
/// not see the consumer's secret.
#[tokio::test(flavor = "multi_thread")]
async fn neither_side_sees_the_others_secret() {
    let running = with_echo(1024).await;
    let token = running.token("bi", "bi").await;
    let request = running.http.post(running.url("/forward/other/a?q=1"));
    let request = request.basic_auth("proxy", Some(SECRET)).header("cookie", "a=1");
    let response = request.header("x-kept", "yes").body("12345").send().await.unwrap();
    assert!(!response.headers().contains_key("set-cookie"));
    assert_eq!(response.headers()["x-echo"], "[redacted]");
    let text = response.text().await.unwrap();
    assert!(text.starts_with("POST /base/a?q=1\n"), "{text}");
    assert!(text.contains("x-kept: yes\n") && text.contains("5 bytes\n"), "{text}");
    let masked = format!("authorization: Bearer {}\n", "*".repeat(token.len()));
    assert!(text.contains(&masked), "{text}");
    for secret in [SECRET, &token, "cookie", "Basic"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_is_streamed_and_its_rejection_is_the_answer() {
    let running = with_echo(1024).await;
    let send = async |path: &str, length: usize| {
        let request = running.http.put(running.url(path)).basic_auth("proxy", Some(SECRET));
        let response = request.body(vec![b'x'; length]).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, text) = send("/forward/other/long", 5_000_000).await;
    assert!(status == 200 && text.contains("5000000 bytes"), "{text}");
    // The token is active: the rejection is about something else, whatever the length.
    for length in [10, 5_000_000] {
        let (status, text) = send("/forward/other/rejected", length).await;
        assert!(status == 401 && text.contains(&format!("{length} bytes")), "{text}");
    }
    assert_eq!(running.emulator.counts().wyn.login, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_winkas_body_above_the_limit_and_an_upstream_that_is_away_are_errors() {
    let running = Running::with(&consumers(), |settings, _| {
        settings.limits.replay_len = 64;
        settings.forwards[2].url = "http://127.0.0.1:1/".into();
    })
    .await;
    let long = r#"{"A": "0123456789012345678901234567890123456789012345678901234567890123456789"}"#;
    assert_eq!(call(&running, ECHO, long).await.0, 413);
    let (status, body) = call(&running, "/forward/other/x", "{}").await;
    assert_eq!(status, 502);
    assert!(
        body["error_description"].as_str().unwrap().contains("other can't be reached"),
        "{body}"
    );
}
