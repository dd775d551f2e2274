//! Servers that answer byte for byte, and the clients that meet them.

use std::{
    io::{Read, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokenlease::{
    Client, HttpOptions, Registry, SteeredClock, TokenOptions,
    core::{Credentials, Error, Identity, provider::Server},
};

use crate::secrets;

/// The timeout of a request to a server that never ends its answer.
pub const SHORT: Duration = Duration::from_secs(1);

/// The deadline of a call. A call ends at once if the next login may only be sent later.
const WAIT: Duration = Duration::from_secs(2);

/// Ends a test whose call hangs. No call comes near it, on a busy machine either.
const HANGS: Duration = Duration::from_secs(60);

/// The requests that a server received, in the order of their arrival.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<Vec<u8>>>>);

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap()
    }

    /// Returns how many logins of this user arrived whole.
    pub fn logins(&self, user: &str) -> usize {
        let field = format!("username={user}&");
        let is_login = |request: &&Vec<u8>| {
            let text = String::from_utf8_lossy(request);
            text.starts_with("POST /connect/token ") && text.contains(&field)
        };
        self.lock().iter().filter(is_login).count()
    }

    /// Returns all bytes that arrived.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().concat()
    }

    pub fn add(&self, bytes: &[u8]) {
        self.lock().push(bytes.to_owned());
    }
}

/// A request whose body was not read yet.
pub struct Request {
    pub stream: TcpStream,
    /// The number at the end of the user's name.
    pub number: usize,
}

impl Request {
    /// Writes bytes; the client may have disconnected.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Waits until the client disconnects.
    pub fn wait(&mut self) {
        self.stream.set_read_timeout(None).unwrap();
        while self.stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    }

    /// Writes a byte at a time until the client disconnects.
    pub fn drip(&mut self, bytes: &[u8]) {
        self.stream.set_nodelay(true).unwrap();
        self.stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        for byte in bytes {
            // An end is no timeout.
            if self.stream.write_all(&[*byte]).is_err()
                || self.stream.read(&mut [0]).is_ok_and(|read| read == 0)
            {
                return;
            }
        }
        self.wait();
    }

    /// Writes the same bytes until the client disconnects: a flood of 4 MiB, and then a part after
    /// the other, so that the floods of other servers get the processor, too.
    pub fn flood(&mut self, bytes: &str) {
        let many = bytes.repeat(1 + 16_384 / bytes.len());
        for _ in 0..256 {
            if !self.write(&many) {
                return;
            }
        }
        self.drip(&many.as_bytes()[..bytes.len() * 100]);
    }
}

/// Starts a server that calls `serve` for each request, whose connection ends afterwards.
/// A complete answer needs `Connection: close`. Without it, the client may send the next login on a connection
/// that is about to end.
///
/// One byte of the request stays unread with `resets`, so the end is a reset.
pub fn server(
    resets: bool,
    serve: impl Fn(&mut Request) + Send + Sync + 'static,
) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, serve) = (Seen::default(), Arc::new(serve));
    let all = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, all, serve) = (stream.unwrap(), all.clone(), serve.clone());
            std::thread::spawn(move || {
                let request = read(&mut stream, resets);
                all.add(&request);
                let text = String::from_utf8_lossy(&request);
                let user = text.split("username=u").nth(1).unwrap_or_default();
                let number = user.split('&').next().unwrap_or_default().parse();
                serve(&mut Request { stream, number: number.unwrap_or_default() });
            });
        }
    });
    (address, seen)
}

/// Reads a request, but for its last byte if that is to stay.
fn read(stream: &mut TcpStream, leaves_one: bool) -> Vec<u8> {
    let mut all = vec![0; 65_536];
    let mut length = 0;
    while !is_whole(&all[..length]) {
        // Without taking the bytes.
        let peeked = stream.peek(&mut all).unwrap_or(0);
        if peeked == length && stream.peek(&mut [0]).unwrap_or(0) == 0 {
            break;
        }
        length = peeked;
        std::thread::yield_now();
    }
    let kept = usize::from(leaves_one);
    let _ = stream.read_exact(&mut vec![0; length.saturating_sub(kept)]);
    all.truncate(length);
    all
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// A process with its own virtual clock.
pub struct Process {
    pub clock: SteeredClock,
    registry: Registry,
}

impl Process {
    pub fn new(http: HttpOptions) -> Self {
        let clock = SteeredClock::new();
        let http = http.without_proxy().with_max_concurrent_logins(1000);
        let registry = Registry::builder().clock(Arc::new(clock.clone())).http(http);
        Self { clock, registry: registry.build().unwrap() }
    }

    pub fn client(&self, server: &str, user: &str) -> Client {
        let identity = Identity::wyn(server, user, "integration").unwrap();
        let credentials =
            Credentials::password(secrets::PASSWORD).with_client_secret(secrets::CLIENT_SECRET);
        let client = Client::builder(Server::new(identity), credentials);
        client.registry(&self.registry).build().unwrap()
    }
}

/// Asks for a token. Checks that the call ends, and that its error contains no secret.
pub async fn ask(client: &Client) -> Result<String, Error> {
    let options = TokenOptions::default().with_deadline(WAIT);
    let asked = tokio::time::timeout(HANGS, client.token_with(options)).await;
    let result = asked.expect("the call hangs").map(|token| token.expose().to_owned());
    let mut cause: Option<&dyn std::error::Error> = result.as_ref().err().map(|e| e as _);
    while let Some(error) = cause {
        secrets::check(format!("{error} {error:?} {error:#?}").as_bytes());
        cause = error.source();
    }
    secrets::check(format!("{client:?} {} {:?}", client.explain(), client.stats()).as_bytes());
    result
}
