//! `serve`: a cached answer, and a forwarded call, beside a bare server and a bare proxy on hyper.

use std::{
    convert::Infallible,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    num::NonZeroU32,
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tempfile::TempDir;
use tokenlease_serve::{ForwardTo, Server, Settings, hash, new_secret};
use tokio::net::TcpListener;

use crate::{
    fixture::Fixture,
    measurement::{Case, Measurement, Selection},
};

const CACHED: Case = Case {
    name: "serve_cached",
    unit: "µs",
    measures: "a token request to `tokenlease serve` on a kept connection, with a cached token",
    baseline: "the same request to a server on hyper that reads it and sends a fixed answer of that length",
};
const FORWARD: Case = Case {
    name: "serve_forward",
    unit: "µs",
    measures: "a call through the proxy of `tokenlease serve`, to a server on hyper",
    baseline: "the same call through a proxy on hyper and hyper-util that adds a fixed token",
};

/// Requests per turn.
const REQUESTS: u32 = 500;
const TURNS: usize = 31;

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    if [CACHED, FORWARD].into_iter().any(|case| selection.includes(case)) {
        let fixture = Fixture::new();
        let upstream = fixture.serve(|_| async { fixed("{\"name\":\"report user\"}") });
        let serving = Serving::start(&fixture, upstream);
        if selection.includes(CACHED) {
            measurements.push(cached(&fixture, &serving));
        }
        if selection.includes(FORWARD) {
            measurements.push(forward(&fixture, &serving, upstream));
        }
    }
    measurements
}

fn cached(fixture: &Fixture, serving: &Serving) -> Measurement {
    let body = "grant_type=client_credentials&scope=bi";
    let request = |address: SocketAddr| {
        let (authorization, length) = (&serving.authorization, body.len());
        format!(
            "POST /token HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let mut tokenlease = Connection::open(serving.address, request(serving.address));
    let answer = tokenlease.exchange();
    assert!(answer.contains("access_token"), "{answer}");
    let text = answer.split("\r\n\r\n").nth(1).expect("a body").to_owned();
    let bare = fixture.serve(move |request: Request<Incoming>| {
        let text = text.clone();
        async move {
            request.into_body().collect().await.expect("a body");
            fixed(&text)
        }
    });
    let mut baseline = Connection::open(bare, request(bare));
    let measured = Measurement::take(CACHED, TURNS, || tokenlease.turn(), || baseline.turn());
    measured.at_most(1.5)
}

fn forward(fixture: &Fixture, serving: &Serving, upstream: SocketAddr) -> Measurement {
    let request = |address: SocketAddr| {
        let authorization = &serving.authorization;
        format!(
            "GET /forward/bi/me HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\r\n"
        )
    };
    let mut tokenlease = Connection::open(serving.address, request(serving.address));
    let answer = tokenlease.exchange();
    assert!(answer.contains("report user"), "{answer}");
    let client: Client<HttpConnector, Incoming> =
        Client::builder(TokioExecutor::new()).build_http();
    let bare = fixture.serve(move |mut request: Request<Incoming>| {
        let uri = format!("http://{upstream}/me").parse::<Uri>().expect("a URL");
        *request.uri_mut() = uri;
        request.headers_mut().remove(header::HOST);
        let token = HeaderValue::from_static("Bearer 0123456789abcdef0123456789abcdef");
        request.headers_mut().insert(header::AUTHORIZATION, token);
        let answer = client.request(request);
        async move { answer.await.expect("an answer") }
    });
    let mut baseline = Connection::open(bare, request(bare));
    let measured = Measurement::take(FORWARD, TURNS, || tokenlease.turn(), || baseline.turn());
    measured.at_most(1.3)
}

/// `serve` with a consumer that has no limit.
struct Serving {
    address: SocketAddr,
    authorization: String,
    _folder: TempDir,
}

impl Serving {
    fn start(fixture: &Fixture, upstream: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (wyn, path) = (fixture.emulator.wyn(), |name: &str| folder.path().join(name));
        let secret = new_secret().expect("a secret");
        fs::write(path("password"), wyn.password()).expect("a file");
        fs::write(path("client.secret"), wyn.client_secret()).expect("a file");
        let text = format!(
            "[profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\nstore = \"memory:\"\n\
             password_file = \"password\"\nclient_secret_file = \"client.secret\"\n\
             [consumer.bench]\nsecret_hash = \"{}\"\nprofiles = [\"bi\"]\nforwards = [\"bi\"]\n\
             max_requests_per_second = {}\n",
            wyn.server(),
            wyn.user(),
            hash(&secret),
            NonZeroU32::MAX
        );
        fs::write(path("config.toml"), text).expect("a file");
        let mut settings = Settings::default();
        settings.config = Some(path("config.toml"));
        settings.listen = vec![([127, 0, 0, 1], 0).into()];
        let url = format!("http://{upstream}/");
        settings.forwards = vec![ForwardTo { name: "bi".into(), profile: "bi".into(), url }];
        let _guard = fixture.runtime.enter();
        let server = Server::open(settings).expect("a server");
        let address = server.addresses()[0];
        fixture.runtime.spawn(server.run());
        let pair = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("bench:{}", secret.expose()),
        );
        Self { address, authorization: format!("Basic {pair}"), _folder: folder }
    }
}

impl Fixture {
    /// Starts a server on hyper.
    fn serve<B, F>(
        &self,
        answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    ) -> SocketAddr
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
    {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("its address");
        self.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("an option");
                let answer = answer.clone();
                let service = service_fn(move |request| {
                    let answer = answer(request);
                    async { Ok::<_, Infallible>(answer.await) }
                });
                let connection = http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        address
    }
}

fn fixed(text: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

/// A kept connection on which the same request is sent again and again.
struct Connection {
    stream: TcpStream,
    request: String,
    /// The bytes of an answer.
    length: usize,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr, request: String) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Self { stream, request, length: 0, buffer: vec![0; 16 * 1024] }
    }

    /// Sends a request whose answer comes in one part, and returns it.
    fn exchange(&mut self) -> String {
        self.stream.write_all(self.request.as_bytes()).expect("sent");
        let length = self.stream.read(&mut self.buffer).expect("an answer");
        String::from_utf8_lossy(&self.buffer[..length]).into_owned()
    }

    /// Returns the microseconds per request. All answers have one length.
    fn turn(&mut self) -> f64 {
        self.length = self.exchange().len();
        let start = Instant::now();
        for _ in 0..REQUESTS {
            self.stream.write_all(self.request.as_bytes()).expect("sent");
            self.stream.read_exact(&mut self.buffer[..self.length]).expect("an answer");
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(REQUESTS)
    }
}
