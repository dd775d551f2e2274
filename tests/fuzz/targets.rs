//! The bodies of the fuzz targets: each reads arbitrary bytes with a parser of the project, and checks
//! that it neither panics nor breaks a rule. `tests/corpus.rs` runs them over their corpora.

use std::{path::Path, time::Duration};

use http::{HeaderName, HeaderValue, Response, StatusCode};
use tokenlease_config::{KEYS, Options, StoreUrl, duration, extra::ExtraField};
use tokenlease_core::{
    Credentials, Error, Identity, StoreTime, Timestamp, Token,
    provider::{
        Answer, Call, Server,
        oauth2::{Discover, WellKnown},
    },
    record::Record,
};

use crate::world::{Act, World};

/// A target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("answers", answers),
    ("certificate", certificate),
    ("discovery", discovery),
    ("machine", machine),
    ("options", options),
    ("record", record),
    ("store_url", store_url),
];

/// Secrets that a server may echo.
const PASSWORD: &str = "pass|word+1%";
const TOKEN: &str = "token/to=validate";

/// Reads a response: a status line, headers and a body, as far as they can be read.
fn response(data: &[u8]) -> Response<Vec<u8>> {
    let end = data.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = end.map_or((&data[..0], data), |end| (&data[..end], &data[end + 4..]));
    let mut response = Response::new(body.to_owned());
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let status = lines.next().and_then(|line| line.split(|byte| *byte == b' ').nth(1));
    if let Some(Ok(status)) = status.map(StatusCode::from_bytes) {
        *response.status_mut() = status;
    }
    for line in lines.take(100) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn servers() -> [Server; 3] {
    let oauth2 = Server::new(Identity::oauth2("https://h", "u", "c").unwrap());
    [
        Server::new(Identity::winkas("https://h", "u", "c").unwrap()),
        Server::new(Identity::wyn("https://h", "u", "integration").unwrap()),
        oauth2.with_introspection_path("/introspect").unwrap(),
    ]
}

/// Checks an error's texts.
fn check(error: &Error) {
    let text = format!("{error} {error:?}");
    assert!(!text.contains(PASSWORD) && !text.contains(TOKEN), "a secret is in an error: {text}");
    assert!(text.len() < 20_000, "an error of {} bytes", text.len());
}

/// Reads a response with the exchanges of all providers.
pub fn answers(data: &[u8]) {
    let response = response(data);
    let credentials = Credentials::password(PASSWORD).with_client_secret("a client's secret");
    for server in servers() {
        let token = Token::new(server.token_kind(), TOKEN);
        let calls =
            [Call::Login, Call::Refetch, Call::Validate(token.clone()), Call::Revoke(token)];
        for call in calls {
            match server.read(&call, &response, Timestamp(1000), &credentials) {
                Answer::Token(granted) => {
                    assert!(!granted.token.expose().is_empty(), "an empty token");
                    let _ = (granted.expires_at(), format!("{granted:?}"));
                }
                Answer::NoToken(error) | Answer::NotRevoked(error) | Answer::Failed(error) => {
                    check(&error);
                }
                Answer::Active | Answer::Inactive | Answer::Revoked => {}
            }
        }
        let _ = server.read_answer(&response);
    }
}

/// Reads a discovery document.
pub fn discovery(data: &[u8]) {
    let response = response(data);
    for server in ["https://h", "https://op.example/tenant/", "http://127.0.0.1:3000"] {
        for at in WellKnown::ALL {
            match (Discover { server, at }).parse(&response) {
                Ok(Some(metadata)) => {
                    let identity = Identity::oauth2(server, "u", "c").unwrap();
                    let _ = Server::new(identity).with_metadata(Some(metadata.into()));
                }
                Ok(None) => {}
                Err(error) => check(&error),
            }
        }
    }
}

/// Decodes a record. Its own encoding is stable.
pub fn record(data: &[u8]) {
    let Ok(record) = Record::decode(data) else { return };
    let bytes = record.encode();
    let again = Record::decode(&bytes).expect("an encoded record");
    assert_eq!(*again.encode(), *bytes, "an encoding that changes");
    let _ = (record.keep(StoreTime(0)), record.generation(), format!("{record:?}"));
}

/// Sets options from lines `name=value`.
pub fn options(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut options = Options::default();
    for line in text.lines() {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        let result = options.set(name, value);
        assert!(result.is_ok() || !result.unwrap_err().to_string().is_empty());
        assert!(KEYS.contains(&name) || options.set_text(name, value).is_none());
        let _ = ExtraField::read(value);
        if let Ok(time) = duration::parse(value)
            && time < Duration::from_secs(10 * 366 * 86_400)
            && time.subsec_nanos() % 1_000_000 == 0
        {
            let shown = duration::show(time);
            assert!(!shown.is_empty(), "{time:?} is shown as nothing");
        }
    }
    let _ = format!("{options:?} {:?}", options.clone().or(Options::default()));
}

/// Reads the URL of a store. It is printed without its password.
pub fn store_url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let url = StoreUrl::read(&text).expect("any text");
    let text = text.trim();
    if let Some((scheme, rest)) = text.split_once("://")
        && !text.starts_with("file:")
    {
        let (user, after) = rest.rsplit_once('@').unwrap_or(("", rest));
        let host = after.split(['/', '?', '#']).next().unwrap_or_default();
        assert_eq!(url.to_string(), format!("{scheme}://{host}"));
        assert_eq!(format!("{url:?}"), format!("StoreUrl({scheme}://{host})"));
        assert!(url.has_password() || !user.contains(':'), "{url}");
    }
    if let Err(error) = url.reject_password("--store", "others can read it") {
        check(&error);
    }
    let _ = (url.folder(), url.clone().relative_to(Path::new("/etc/x")).to_string());
}

/// Reads a certificate's expiry.
pub fn certificate(data: &[u8]) {
    let _ = tokenlease::bindings::expires_at(data);
}

/// Runs the state machine through a list of events.
pub fn machine(data: &[u8]) {
    let Some((&setup, rest)) = data.split_first() else { return };
    let mut world = World::new(setup & 1 == 0, setup & 2 == 0, i64::from(setup) * 1_000_000);
    for event in rest.chunks_exact(3).take(400) {
        let (kind, a, b) = (event[0], event[1], event[2]);
        let millis = u64::from(b) << (a % 32);
        world.act(&match kind % 16 {
            0..=2 => Act::Ask { wait: millis, min: (a > 230).then_some(millis) },
            3..=5 => Act::Poll,
            6..=8 => Act::Answer { choice: b, late: a > 230 },
            9 => Act::Pass(millis),
            10 if a > 128 => Act::LoseReceipt,
            10 => Act::JumpWall(i64::from(b.cast_signed()) << (a % 48)),
            11 => Act::Reject,
            12 => Act::Adopt((a > 128).then_some(millis)),
            13 if a > 128 => Act::Forget,
            13 => Act::Unblock,
            14 => Act::Revoke,
            _ => Act::Validate,
        });
    }
}
