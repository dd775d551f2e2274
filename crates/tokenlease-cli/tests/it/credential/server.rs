//! An HTTP server that serves files to requests with an active token.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokenlease_emulator::Emulator;

/// Serves a folder until the test ends.
pub(super) struct Server {
    pub(super) address: String,
    seen: Arc<Mutex<Vec<Authorization>>>,
    /// Rejects all tokens, also active ones.
    pub(super) rejects: Arc<AtomicBool>,
}

/// The credentials of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Authorization {
    pub(super) scheme: String,
    pub(super) username: String,
    pub(super) token: String,
}

impl Authorization {
    fn parse(value: &str) -> Self {
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "basic" {
            return Self { scheme, username: String::new(), token: rest.to_owned() };
        }
        let pair = BASE64_STANDARD.decode(rest).expect("base64");
        let pair = String::from_utf8(pair).expect("UTF-8");
        let (username, token) = pair.split_once(':').expect("a colon");
        Self { scheme, username: username.to_owned(), token: token.to_owned() }
    }
}

impl Server {
    /// Serves a folder to requests whose token is active at the emulator.
    pub(super) fn start(folder: PathBuf, emulator: &Arc<Emulator>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let (seen, rejects) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let server = Self { address, seen, rejects };
        let (seen, rejects) = (server.seen.clone(), server.rejects.clone());
        let emulator = Arc::clone(emulator);
        // The thread ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = |authorization: &Authorization, path: &str| {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(authorization.clone());
                    let is_active = emulator.token_is_active(&authorization.token);
                    let file = || fs::read(folder.join(path.trim_start_matches('/')));
                    (is_active && !rejects.load(Ordering::SeqCst))
                        .then(|| file().unwrap_or_default())
                };
                // A client that breaks off harms no other.
                let _ = serve(stream, answer);
            }
        });
        server
    }

    /// Returns the credentials that were sent since the last call.
    pub(super) fn take_seen(&self) -> Vec<Authorization> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(
    stream: TcpStream,
    answer: impl Fn(&Authorization, &str) -> Option<Vec<u8>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let path = target.split('?').next().unwrap_or_default();
    let mut authorization = None;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("authorization") {
            authorization = Some(Authorization::parse(value.trim()));
        }
    }
    let body = authorization.as_ref().and_then(|authorization| answer(authorization, path));
    let head = match &body {
        Some(body) => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len()),
        None => "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"files\"\r\n\
                 WWW-Authenticate: Basic realm=\"files\"\r\nContent-Length: 0\r\n"
            .to_owned(),
    };
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"Content-Type: text/plain\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&body.unwrap_or_default())?;
    stream.flush()
}
