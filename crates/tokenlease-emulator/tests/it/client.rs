//! A minimal HTTP client, so that tests control and see each byte.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tokenlease_emulator::Emulator;

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// A connection that stays open between calls.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(server: &str) -> Self {
        let stream = TcpStream::connect(server.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Reply> {
        self.send_bytes(method, target, headers, body.as_bytes())
    }

    pub(crate) fn send_bytes(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        self.write(method, target, headers, body)?;
        self.read()
    }

    pub(crate) fn write(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> io::Result<()> {
        let body = body.as_ref();
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: emulator\r\n");
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        write!(text, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        self.0.get_mut().write_all(&[text.as_bytes(), body].concat())
    }

    pub(crate) fn read(&mut self) -> io::Result<Reply> {
        let (status, headers) = self.read_head()?;
        let mut reply = Reply { status, headers, body: Vec::new() };
        let length = reply.header("content-length").map_or(0, |text| text.parse().unwrap());
        reply.body.resize(length, 0);
        self.0.read_exact(&mut reply.body)?;
        Ok(reply)
    }

    /// Reads until the server closes the connection.
    pub(crate) fn read_rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).map(|_| rest)
    }

    pub(crate) fn read_head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let status = self.read_line()?;
        let status = status.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            let Some((name, value)) = line.split_once(": ") else { return Ok((status, headers)) };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

pub(crate) fn start() -> Emulator {
    Emulator::builder().start_blocking().unwrap()
}

pub(crate) fn get(server: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
    Client::connect(server).send("GET", target, headers, "").unwrap()
}

pub(crate) fn post_json(server: &str, target: &str, body: &Value) -> Reply {
    try_post_json(server, target, body).unwrap()
}

pub(crate) fn try_post_json(server: &str, target: &str, body: &Value) -> io::Result<Reply> {
    let headers = [("Content-Type", "application/json")];
    Client::connect(server).send("POST", target, &headers, &body.to_string())
}

pub(crate) fn post_form(
    server: &str,
    target: &str,
    headers: &[(&str, &str)],
    form: &[(&str, &str)],
) -> Reply {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    Client::connect(server).send("POST", target, &all, &body).unwrap()
}

pub(crate) const AUTHENTICATE: &str = "/api/Authentication/Authenticate";
pub(crate) const REFETCH: &str = "/api/authentication/refetchToken/";

pub(crate) fn authenticate_body(emulator: &Emulator, password: &str) -> Value {
    let winkas = emulator.winkas();
    json!({
        "UserName": winkas.user(),
        "UserPassword": password,
        "UserContractCode": winkas.contract(),
    })
}

pub(crate) fn authenticate(emulator: &Emulator) -> Value {
    let body = authenticate_body(emulator, &emulator.winkas().password());
    post_json(&emulator.winkas().server(), AUTHENTICATE, &body).json()
}

/// Returns the token of an Authenticate call; panics if the call is rejected.
pub(crate) fn winkas_token(emulator: &Emulator) -> String {
    authenticate(emulator)["WinKasData"]["CurrentToken"].as_str().unwrap().to_owned()
}

pub(crate) fn refetch(emulator: &Emulator, password: &str) -> Value {
    let winkas = emulator.winkas();
    let body = json!({
        "ContractId": winkas.contract(),
        "Username": winkas.user(),
        "Password": password,
    });
    post_json(&winkas.server(), REFETCH, &body).json()
}

pub(crate) fn connect_token(emulator: &Emulator, more: &[(&str, &str)]) -> Reply {
    let wyn = emulator.wyn();
    let (user, password, secret) = (wyn.user(), wyn.password(), wyn.client_secret());
    let mut form = vec![("grant_type", "password")];
    for pair in [
        ("username", user.as_str()),
        ("password", &password),
        ("client_id", wyn.client_id()),
        ("client_secret", &secret),
    ] {
        if !more.iter().any(|(name, _)| *name == pair.0) {
            form.push(pair);
        }
    }
    form.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    // An empty value omits the parameter.
    form.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    post_form(&wyn.server(), "/connect/token", &[], &form)
}

pub(crate) fn wyn_token(emulator: &Emulator) -> String {
    connect_token(emulator, &[]).json()["access_token"].as_str().unwrap().to_owned()
}

/// Returns the Basic header of the client, with form-url-encoded parts (RFC 6749 section 2.3.1).
pub(crate) fn basic(emulator: &Emulator) -> String {
    basic_of(emulator.wyn().client_id(), &emulator.wyn().client_secret())
}

pub(crate) fn basic_of(id: &str, secret: &str) -> String {
    use base64::Engine;
    let encode = |part: &str| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>();
    let text = format!("{}:{}", encode(id), encode(secret));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
}

pub(crate) fn revoke(emulator: &Emulator, form: &[(&str, &str)]) -> Reply {
    let basic = basic(emulator);
    post_form(&emulator.wyn().server(), "/connect/revocation", &[("Authorization", &basic)], form)
}
