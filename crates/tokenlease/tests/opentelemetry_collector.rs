//! The example of OpenTelemetry, with the collector of the OpenTelemetry project.

#[path = "../examples/opentelemetry.rs"]
#[allow(dead_code, reason = "the example's main function")]
mod example;

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokenlease::{
    Client,
    core::{Credentials, Identity, provider::Server},
};
use tokenlease_emulator::Emulator;

/// A running collector. It prints what it exports.
struct Collector {
    process: Child,
    address: String,
}

impl Collector {
    /// Builds and starts the collector. `None` without Go.
    fn start() -> Option<Self> {
        Command::new("go").arg("version").output().ok()?;
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("collector");
        let output = Command::new("go")
            .args(["build", "-trimpath", "-buildvcs=false", "-o"])
            .args([program.as_os_str(), ".".as_ref()])
            .env("GOFLAGS", "-mod=readonly")
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/collector"))
            .output()
            .expect("go");
        assert!(output.status.success(), "{output:#?}");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("its address").to_string();
        drop(free);
        let config = format!(
            "yaml:{{receivers: {{otlp: {{protocols: {{http: {{endpoint: \"{address}\"}}}}}}}}, \
             exporters: {{print: {{}}}}, \
             service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [print]}}}}}}}}"
        );
        let mut command = Command::new(program);
        command.args(["--config", &config]).stdout(Stdio::piped());
        let mut collector = Self { process: command.spawn().expect("the collector"), address };
        while !accepts(&collector.address) {
            let ended = collector.process.try_wait().expect("its state");
            assert!(ended.is_none(), "the collector ended: {ended:?}");
            thread::yield_now();
        }
        Some(collector)
    }

    /// Returns the spans that it printed, as soon as one has that name. `flush` exports those that have ended:
    /// a flight's ends a moment after its callers have the token, and then that of its caller.
    fn spans_until(&mut self, name: &str, flush: impl Fn()) -> Vec<Value> {
        let output = BufReader::new(self.process.stdout.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().try_for_each(|line| sender.send(line)));
        let mut spans: Vec<Value> = Vec::new();
        let began = Instant::now();
        while spans.iter().all(|span| span["name"] != name) {
            assert!(began.elapsed() < Duration::from_secs(60), "no span {name}: {spans:#?}");
            flush();
            let Ok(line) = lines.recv_timeout(Duration::from_millis(10)) else { continue };
            let all: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
            let resources = all["resourceSpans"].as_array().cloned().unwrap_or_default();
            let scopes = resources.iter().filter_map(|resource| resource["scopeSpans"].as_array());
            let found = scopes.flatten().filter_map(|scope| scope["spans"].as_array());
            spans.extend(found.flatten().cloned());
        }
        spans
    }
}

/// Returns whether a server accepts connections. A connection to a free port may reach itself.
fn accepts(address: &str) -> bool {
    let stream = TcpStream::connect(address);
    stream.is_ok_and(|stream| stream.local_addr().ok() != stream.peer_addr().ok())
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    let all = span["attributes"].as_array()?;
    let found = all.iter().find(|attribute| attribute["key"] == key)?;
    found["value"]["stringValue"].as_str()
}

/// Rule: Events: the collector of OpenTelemetry takes the spans of the example.
#[test]
fn a_real_collector_takes_the_spans_of_the_example() {
    let Some(mut collector) = Collector::start() else {
        eprintln!("skipped: no Go, which builds the collector");
        return;
    };
    let emulator = Emulator::builder().start_blocking().expect("an emulator");
    let winkas = emulator.winkas();
    let identity = Identity::winkas(&winkas.server(), &winkas.user(), &winkas.contract());
    let server = Server::new(identity.expect("an identity"));
    let client = Client::builder(server, Credentials::password(winkas.password()));
    let client = client.build().expect("a client").blocking();
    let endpoint = format!("http://{}/v1/traces", collector.address);
    let exporting = example::export(Some(&endpoint)).expect("an exporter");
    example::report(&client).expect("a token");
    client.close().expect("no work is left");

    let spans = collector.spans_until("report", || exporting.force_flush().expect("exported"));
    let named = |name: &str| {
        let found = spans.iter().find(|span| span["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {spans:#?}"))
    };
    let (report, flight) = (named("report"), named("tokenlease.flight"));
    let login = named("tokenlease.login");
    assert_eq!(flight["parentSpanId"], report["spanId"]);
    assert_eq!(login["parentSpanId"], flight["spanId"]);
    assert_eq!(attribute(flight, "tokenlease.source"), Some("login"));
    assert_eq!(attribute(login, "tokenlease.cause"), Some("first"));
}
