//! OAuth2 servers of other projects, as `servers/README.md` describes: installs and starts them.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use http::{Response, StatusCode};
use toml::Table;

use crate::{recorded, start::Program};

/// The user with special characters, unless `server.toml` names another one.
const SPECIAL: (&str, &str) = ("ø+&% 😀", "p ø+&%=😀\"ü");

/// A server that can be started: a folder with `server.toml` and `start.sh`.
#[derive(Clone, Debug)]
pub struct TestServer {
    /// Its folder's name.
    pub name: String,
    /// The server and its version, for the page.
    pub what: String,
    /// The path of an API that accepts its tokens.
    pub api: String,
    /// Surprises, for the page.
    pub notes: Vec<String>,
    /// The user whose name and password have all special characters that the server accepts.
    pub special: (String, String),
    /// Options by profile, under the names that the program gives them.
    pub profiles: Vec<(String, Table)>,
    /// The profiles whose validation does not show that a token was revoked.
    pub unproven: Vec<String>,
    /// It needs Go or Java, so it runs with `INTEROP_ALL` in the environment alone.
    pub optional: bool,
    program: Program,
}

/// A running server; it is ended when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    port: u16,
}

/// All servers under test, by name.
///
/// # Panics
/// If a `server.toml` can't be read.
pub fn all() -> Vec<TestServer> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers");
    let mut found: Vec<_> = fs::read_dir(here)
        .expect("the servers' folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|folder| folder.join("server.toml").exists())
        .map(|folder| TestServer::read(&folder))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Returns whether every server must run (`INTEROP_ALL` in the environment).
pub fn all_must_run() -> bool {
    std::env::var_os("INTEROP_ALL").is_some()
}

impl TestServer {
    /// Returns whether this run tries the server: with `INTEROP_SERVER` in the environment the named one
    /// alone, else those that need no further language, and with `INTEROP_ALL` every one.
    pub fn is_wanted(&self) -> bool {
        match std::env::var("INTEROP_SERVER") {
            Ok(wanted) => wanted == self.name,
            Err(_) => !self.optional || all_must_run(),
        }
    }

    fn read(folder: &Path) -> Self {
        let place = folder.join("server.toml");
        let text = fs::read_to_string(&place).expect("server.toml");
        let table: Table =
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", place.display()));
        let word = |key: &str| {
            table.get(key).and_then(|value| value.as_str()).unwrap_or_else(|| {
                panic!("{} lacks {key}", place.display());
            })
        };
        let texts = |key: &str| {
            let texts = table.get(key).and_then(|value| value.as_array());
            let text = |text: &toml::Value| text.as_str().expect("a text").to_owned();
            texts.into_iter().flatten().map(text).collect()
        };
        let profiles = table.get("profile").and_then(|value| value.as_table());
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            program: Program::of(&format!("servers/{name}")),
            name,
            what: word("what").to_owned(),
            api: word("api").to_owned(),
            optional: table.get("optional").and_then(toml::Value::as_bool).unwrap_or(false),
            special: match table.get("special").and_then(|value| value.as_array()) {
                None => (SPECIAL.0.into(), SPECIAL.1.into()),
                Some(pair) => {
                    let text = |at: usize| pair[at].as_str().expect("a text").to_owned();
                    (text(0), text(1))
                }
            },
            notes: texts("notes"),
            unproven: texts("unproven"),
            profiles: profiles
                .unwrap_or_else(|| panic!("{} has no [profile.NAME]", place.display()))
                .iter()
                .map(|(name, options)| {
                    (name.clone(), options.as_table().expect("a profile is a table").clone())
                })
                .collect(),
        }
    }

    /// Installs the server, unless it is installed, and starts it on a free port.
    ///
    /// # Errors
    /// The reason why the server can't be installed on this machine.
    ///
    /// # Panics
    /// If it was installed and does not start.
    pub fn start(&self) -> Result<Running, String> {
        self.program.install()?;
        let installed = &self.program.installed;
        // Another process may take the free port before the server does.
        for attempt in 1.. {
            let port = TcpListener::bind("127.0.0.1:0")
                .and_then(|listener| listener.local_addr())
                .expect("a free port")
                .port();
            let log = installed.join(format!("{}-{port}.log", std::process::id()));
            let file = File::create(&log).expect("a log");
            let child = self
                .program
                .command()
                .arg(port.to_string())
                .stdin(Stdio::piped())
                .stdout(file.try_clone().expect("a log"))
                .stderr(file)
                .spawn()
                .expect("sh");
            let mut running = Running { child, port };
            if running.answers(&self.api) {
                // Only the log of a server that does not start is needed.
                let _ = fs::remove_file(log);
                return Ok(running);
            }
            let log = fs::read_to_string(log).unwrap_or_default();
            let installed = installed.display();
            assert!(attempt < 3, "{} does not start; remove {installed}?\n{log}", self.name);
        }
        unreachable!("the last attempt returned or panicked")
    }
}

impl Running {
    /// Returns its base address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sends a request on a separate connection, unchanged except for its framing. Returns `None` if the
    /// connection ended without an answer.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Response<Vec<u8>>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let headers: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
             Content-Length: {}\r\n{headers}\r\n",
            self.port,
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        // A server may answer before it has read the whole request, and close.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer.starts_with(b"HTTP/1.").then(|| recorded(&answer))
    }

    /// Waits until the server answers its API. Some servers answer 404 until they have loaded their
    /// configuration.
    fn answers(&mut self, api: &str) -> bool {
        let end = Instant::now() + Duration::from_secs(180);
        while Instant::now() < end && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let answer = self.send("GET", api, &[], b"");
            if answer.is_some_and(|answer| {
                answer.status() != StatusCode::NOT_FOUND && !answer.status().is_server_error()
            }) {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
