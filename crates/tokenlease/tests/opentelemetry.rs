//! The spans of flights, as a collector of OpenTelemetry gets them from the example.

#[path = "../examples/opentelemetry.rs"]
#[allow(dead_code, reason = "the example's main function")]
mod example;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::any_value::Value,
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use prost::Message as _;
use tokenlease::{
    ErrorKind, Registry, SteeredClock,
    blocking::Client,
    core::{Credentials, Identity, provider::Server},
};
use tokenlease_emulator::Emulator;

/// A collector for OTLP over HTTP.
struct Collector {
    address: String,
    /// The bodies of its requests.
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let collector = Self { address, received: received.clone() };
        // The thread ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                received.lock().unwrap().push(take(stream));
            }
        });
        collector
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let requests =
            received.iter().map(|body| ExportTraceServiceRequest::decode(&body[..]).unwrap());
        let scopes = requests
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

/// Answers one request of `POST /v1/traces`, and returns its body.
fn take(stream: TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("POST /v1/traces "), "{line}");
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        answer.len()
    );
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&answer).unwrap();
    body
}

/// Returns an attribute as text.
fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{key}: {other:?}"),
    }
}

fn client(emulator: &Emulator, clock: &SteeredClock, password: &str) -> Client {
    let winkas = emulator.winkas();
    let identity = Identity::winkas(&winkas.server(), &winkas.user(), &winkas.contract()).unwrap();
    let registry = Registry::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let builder =
        tokenlease::Client::builder(Server::new(identity), Credentials::password(password));
    builder.registry(&registry).build().unwrap().blocking()
}

/// Rule: Events: a flight is a span below its caller's, with a span for each request and each call of the store:
/// with provider, cause and outcome, and without a token, a secret or a user.
#[test]
fn a_collector_gets_the_spans_of_flights_and_their_effects() {
    let collector = Collector::start();
    let emulator = Emulator::builder().start_blocking().unwrap();
    let endpoint = format!("{}/v1/traces", collector.address);
    let exporting = example::export(Some(&endpoint)).unwrap();
    let clock = SteeredClock::new();
    let first = client(&emulator, &clock, &emulator.winkas().password());
    example::report(&first).unwrap();
    let token = first.token().unwrap();
    clock.advance(Duration::from_secs(13 * 3600));
    emulator.advance(Duration::from_secs(13 * 3600));
    first.token().unwrap();
    let wrong = client(&emulator, &clock, "canary password");
    assert_eq!(wrong.token().unwrap_err().kind(), ErrorKind::CredentialsRejected);
    first.close().unwrap();
    wrong.close().unwrap();
    exporting.shutdown().unwrap();

    let spans = collector.spans();
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let report = named("report")[0];
    let flights = named("tokenlease.flight");
    let flight = flights
        .iter()
        .find(|flight| flight.parent_span_id == report.span_id)
        .unwrap_or_else(|| panic!("{spans:#?}"));
    let port = emulator.winkas().server().rsplit(':').next().unwrap().to_owned();
    for (key, value) in [
        ("tokenlease.provider", "winkas"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("tokenlease.outcome", "token"),
        ("tokenlease.source", "login"),
    ] {
        assert_eq!(attribute(flight, key).as_deref(), Some(value), "{key} of {flight:#?}");
    }
    let in_first: Vec<_> =
        spans.iter().filter(|span| span.parent_span_id == flight.span_id).collect();
    let login = in_first.iter().find(|span| span.name == "tokenlease.login").expect("a login");
    assert_eq!(login.kind(), SpanKind::Client);
    assert_eq!(attribute(login, "tokenlease.cause").as_deref(), Some("first"));
    assert_eq!(attribute(login, "tokenlease.outcome").as_deref(), Some("token"));
    assert_eq!(attribute(login, "error.type"), None);
    for (name, outcome) in [
        ("tokenlease.refetch", "no_token"),
        ("tokenlease.store.lock", "locked"),
        ("tokenlease.store.save", "saved"),
        ("tokenlease.store.unlock", "unlocked"),
    ] {
        let span = in_first.iter().find(|span| span.name == name);
        let span = span.unwrap_or_else(|| panic!("{name}: {in_first:#?}"));
        assert_eq!(attribute(span, "tokenlease.outcome").as_deref(), Some(outcome), "{name}");
    }
    // Past its assumed expiry the token is validated.
    let validated = named("tokenlease.validate");
    assert_eq!(attribute(validated[0], "tokenlease.outcome").as_deref(), Some("inactive"));
    let is_failed = |span: &&&Span| attribute(span, "error.type").is_some();
    let logins = named("tokenlease.login");
    let failed = logins.iter().find(is_failed).expect("a failed login");
    assert_eq!(attribute(failed, "error.type").as_deref(), Some("credentials_rejected"));
    assert_eq!(failed.status.as_ref().unwrap().code(), StatusCode::Error);
    assert!(logins.len() >= 3, "{logins:#?}");

    let all: Vec<_> = collector.received.lock().unwrap().concat();
    let has = |text: &str| all.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("report-export"), "the name of the service");
    for secret in [token.expose(), &emulator.winkas().password(), "canary password"] {
        assert!(!has(secret), "{secret}");
    }
    let user = emulator.winkas().user();
    let values = spans.iter().flat_map(|span| &span.attributes);
    assert!(values.into_iter().all(|attribute| !format!("{attribute:?}").contains(&user)));
}
