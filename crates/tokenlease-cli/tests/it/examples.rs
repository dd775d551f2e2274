//! Runs the examples of `--help` as printed, in a shell.
//!
//! Their hosts do not exist. A proxy on this machine terminates TLS for them, and forwards the
//! requests to the emulators.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    thread,
};

use rcgen::CertificateParams;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;
use tokenlease_emulator::Emulator;
use tokenlease_test_servers::found;

use crate::{certificate::server_config, help::all_help, support::tokenlease};

/// The hosts of the examples.
const HOSTS: [&str; 3] = ["air.winkas.net", "wyn.example.com", "id.example.com"];

/// Returns the examples of a help text. Continuation lines are indented by four spaces.
fn examples(help: &str) -> Vec<String> {
    let (_, after) = help.split_once("Examples:\n").expect("examples");
    let mut examples: Vec<String> = Vec::new();
    for line in after.lines().take_while(|line| !line.is_empty()) {
        match line.strip_prefix("  ").expect("an indented line") {
            more if more.starts_with(' ') => {
                let example = examples.last_mut().expect("a first line");
                *example = format!("{example}\n{line}");
            }
            first => examples.push(first.to_owned()),
        }
    }
    examples
}

/// A home directory with the files and profiles of the examples.
struct Home {
    folder: TempDir,
    emulator: Emulator,
    proxy: String,
}

impl Home {
    fn new() -> Self {
        let emulator = Emulator::builder()
            .winkas_credentials("api@example.dk", "winkas password", "4711")
            .wyn_credentials("report", "wyn password", "wyn secret")
            .start_blocking()
            .expect("an emulator");
        let folder = tempfile::tempdir().expect("a folder");
        let proxy = proxy(&emulator, &folder.path().join("ca.pem"));
        let home = Self { folder, emulator, proxy };
        home.write(
            "config/tokenlease/config.toml",
            "[profile.erp]\nprovider = \"winkas\"\nuser = \"api@example.dk\"\ncontract = \"4711\"\n\
             password_file = \"../../erp.password\"\n\
             [profile.bi]\nprovider = \"wyn\"\nserver = \"https://wyn.example.com\"\n\
             user = \"report\"\nlifetime = \"8h\"\npassword_file = \"../../bi.password\"\n\
             client_secret_file = \"../../bi.secret\"\n\
             [consumer.cron]\nuids = [1]\nprofiles = [\"erp\"]\n",
        );
        home.write("erp.password", "winkas password");
        home.write("bi.password", "wyn password");
        home.write("bi.secret", "wyn secret");
        home.write("app.secret", "app secret");
        home.write("store.key", &"42".repeat(32));
        home.write("store.url", &format!("file:{}", home.path().join("shared").display()));
        home.write("export-reports", "#!/bin/sh\nprintf %s \"$TOKENLEASE_TOKEN\"\n");
        let script = home.path().join("export-reports");
        fs::set_permissions(script, fs::Permissions::from_mode(0o700)).expect("its mode");
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    }

    /// Returns a command with the program on its PATH and the proxy in its environment.
    fn command(&self, program: &str) -> Command {
        let folder = PathBuf::from(env!("CARGO_BIN_EXE_tokenlease"));
        let folder = folder.parent().expect("a folder").to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&path)));
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path.expect("a path"))
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("HTTPS_PROXY", &self.proxy)
            .env("TOKENLEASE_CA", self.path().join("ca.pem"))
            .env("CURL_CA_BUNDLE", self.path().join("ca.pem"))
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, example: &str) -> Output {
        self.command("sh").args(["-c", example]).output().expect("a shell")
    }
}

/// Starts an HTTP proxy that terminates TLS for the hosts of the examples. Returns its URL, and
/// writes the authority of its certificate to a file.
fn proxy(emulator: &Emulator, authority: &Path) -> String {
    let params = CertificateParams::new(HOSTS.map(str::to_owned)).expect("parameters");
    let (config, pem) = server_config(&params);
    fs::write(authority, pem).expect("written");
    let address = |server: String| server.trim_start_matches("http://").to_owned();
    let (winkas, wyn) = (address(emulator.winkas().server()), address(emulator.wyn().server()));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    // The threads end with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, winkas, wyn) = (Arc::clone(&config), winkas.clone(), wyn.clone());
            thread::spawn(move || tunnel(stream, config, &winkas, &wyn));
        }
    });
    url
}

/// Serves one CONNECT request (RFC 9110 section 9.3.6) and the request in its tunnel.
fn tunnel(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
    winkas: &str,
    wyn: &str,
) -> std::io::Result<()> {
    let head = read_head(&mut stream)?;
    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    let connection = ServerConnection::new(config).expect("a connection");
    let mut stream = StreamOwned::new(connection, stream);
    let request = read_head(&mut stream)?;
    let mut body = vec![0; content_length(&request)];
    stream.read_exact(&mut body)?;
    let host = head.split([' ', ':']).nth(1).unwrap_or_default();
    let response = match host {
        "air.winkas.net" => forward(winkas, &request, &body)?,
        "wyn.example.com" => forward(wyn, &request, &body)?,
        _ => token_response(),
    };
    stream.write_all(&response)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn read_head(stream: &mut impl std::io::Read) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn content_length(head: &str) -> usize {
    let lower = head.to_ascii_lowercase();
    let value = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.map_or(0, |value| value.trim().parse().expect("a length"))
}

/// Sends a request to an emulator, and reads its response to the end.
fn forward(address: &str, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut emulator = TcpStream::connect(address)?;
    let (line, fields) = head.split_once("\r\n").expect("a request line");
    emulator.write_all(format!("{line}\r\nConnection: close\r\n{fields}").as_bytes())?;
    emulator.write_all(body)?;
    let mut response = Vec::new();
    emulator.read_to_end(&mut response)?;
    Ok(response)
}

/// The response of an OAuth 2.0 server that is not Wyn.
fn token_response() -> Vec<u8> {
    let body = r#"{"access_token":"app token","token_type":"Bearer","expires_in":3600}"#;
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn every_example_of_the_help_works_as_printed() {
    if found(&["curl"]).is_none() {
        return;
    }
    let home = Home::new();
    // A token that is not in the store: `revoke` in the help of one command must not end the token
    // that the example of another prints.
    home.write("bi.token", &home.emulator.wyn().log_in_elsewhere());
    let mut run = std::collections::BTreeSet::new();
    for (command, help) in all_help() {
        for example in examples(&help) {
            if !run.insert(example.clone()) || runs_on(&example) {
                continue;
            }
            let output = home.run(&example);
            assert!(output.status.success(), "help of {command:?}: {example}: {output:#?}");
            let out = String::from_utf8_lossy(&output.stdout).into_owned();
            check(&home, &example, &out);
        }
    }
    assert!(run.len() > 18, "{run:#?}");
}

/// Whether an example runs until it is interrupted. These are tested below.
fn runs_on(example: &str) -> bool {
    ["emulate", "serve --listen", "serve --unix"]
        .iter()
        .any(|start| example.starts_with(&format!("tokenlease {start}")))
}

/// Checks the output of the examples whose effect shows there.
fn check(home: &Home, example: &str, out: &str) {
    if example.contains("--write erp.token") {
        let token = fs::read_to_string(home.path().join("erp.token")).expect("a token");
        assert!(home.emulator.token_is_active(token.trim_end()), "{example}: {token}");
        let mode = fs::metadata(home.path().join("erp.token")).expect("a file").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{example}");
    } else if example.contains("./export-reports") {
        assert!(home.emulator.token_is_active(out), "{example}: {out}");
    } else if example.contains("curl") {
        assert!(out.contains("report"), "{example}: {out}");
    } else if example.contains("id.example.com") {
        assert!(out.contains("\"token\":\"app token\""), "{example}: {out}");
    } else if example.contains("validate") {
        assert_eq!(out, "active\n");
    }
}

#[test]
fn the_examples_of_emulate_and_serve_work_as_printed() {
    let home = Home::new();
    let help = |command| tokenlease([command, "--help"]).run().exits_with(0).out;
    let all = ["emulate", "serve"].map(help).map(|help| examples(&help)).concat();
    let mut count = 0;
    for example in all.into_iter().filter(|example| runs_on(example)) {
        let address = example.split(' ').find(|word| word.starts_with("127.0.0.1:"));
        if address.is_some_and(|address| TcpListener::bind(address).is_err()) {
            println!("skipped: {address:?} is in use");
            continue;
        }
        let mut shell = home.command("sh");
        let shell = shell.args(["-c", &format!("exec {example}")]).stdout(Stdio::piped());
        let mut child = shell.spawn().expect("a shell");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        stdout.read_line(&mut line).expect("a line");
        child.kill().expect("killed");
        child.wait().expect("its end");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let expected = address.map(|address| format!("http://{address}"));
        let expected = expected.unwrap_or_else(|| "tokenlease.socket".to_owned());
        assert!(ready.to_string().contains(&format!("\"{expected}\"")), "{example}: {ready}");
        count += 1;
    }
    assert!(count > 0, "no example ran");
}
