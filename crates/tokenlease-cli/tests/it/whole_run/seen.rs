//! All that a run shows, and the search for secrets in it.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use tokenlease::{Error, ErrorKind};

/// All texts and bytes that a run shows, each with its place.
#[derive(Default)]
pub(super) struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    pub(super) fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    /// Adds the names and bytes of all files below the folder, except these.
    pub(super) fn add_files(&mut self, folder: &Path, except: &[PathBuf]) -> usize {
        let mut count = 0;
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a file").path();
            if except.contains(&path) {
                continue;
            }
            self.add("the name of a file", path.display().to_string());
            if path.is_dir() {
                count += self.add_files(&path, except);
            } else {
                self.add(path.display().to_string(), fs::read(&path).expect("its bytes"));
                count += 1;
            }
        }
        count
    }

    /// Returns the places that show a secret, raw or in any encoding that redaction finds.
    pub(super) fn leaks(&self, secrets: &BTreeSet<String>) -> Vec<&str> {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        assert!(secrets.iter().all(|secret| !secret.is_empty()), "an empty secret is nowhere");
        let shows = |bytes: &[u8]| {
            // Lines repeat: a log is searched faster without those.
            let text = String::from_utf8_lossy(bytes);
            let lines: BTreeSet<&str> = text.lines().collect();
            // An error keeps only a part of a long text.
            lines.into_iter().flat_map(parts).any(|part| {
                Error::new(ErrorKind::Internal, part.clone()).redact(&secrets).detail() != part
            })
        };
        self.0.iter().filter(|(_, bytes)| shows(bytes)).map(|(place, _)| place.as_str()).collect()
    }

    /// Fails if a place shows a secret.
    #[track_caller]
    pub(super) fn is_clean_of(&self, secrets: &BTreeSet<String>) {
        let leaks = self.leaks(secrets);
        assert!(leaks.is_empty(), "a secret is in: {leaks:#?}");
    }
}

/// Splits a text into overlapping parts, each of which an error keeps whole.
fn parts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let starts = (0..chars.len().max(1)).step_by(512);
    let starts = starts.take_while(|at| *at == 0 || at + 512 < chars.len());
    starts.map(|at| chars[at..chars.len().min(at + 1024)].iter().collect()).collect()
}

/// Passes connections to a server on, and keeps all bytes that are sent to it and by it.
pub(super) struct Recorder {
    pub(super) address: SocketAddr,
    /// Each direction of a connection, so that no secret is split by the other direction.
    bytes: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    pub(super) fn of(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = bytes.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { break };
                let (to, from) = (client.try_clone(), server.try_clone());
                let (Ok(to), Ok(from)) = (to, from) else { break };
                pass_on(client, server, kept.clone());
                pass_on(from, to, kept.clone());
            }
        });
        Self { address, bytes }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().expect("the bytes").join(&b'\n')
    }
}

/// Copies one direction of a connection to its end.
fn pass_on(mut from: TcpStream, mut to: TcpStream, kept: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut directions = kept.lock().expect("the bytes");
    let direction = directions.len();
    directions.push(Vec::new());
    drop(directions);
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let read = buffer.get(..count).unwrap_or_default();
            if let Some(bytes) = kept.lock().expect("the bytes").get_mut(direction) {
                bytes.extend_from_slice(read);
            }
            if to.write_all(read).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
