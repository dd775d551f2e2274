//! `serve`: its signals, its sockets, and what a killed one leaves.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt as _, net::UnixDatagram, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tempfile::TempDir;
use tokenlease_emulator::Emulator;

use crate::support::{Program, emulator, folder, tokenlease};

/// An emulator, and a folder with a configuration for it.
struct Setup {
    emulator: Emulator,
    folder: TempDir,
    secret: String,
}

/// A `serve` that runs.
struct Serving {
    child: Child,
    ready: Value,
    secret: String,
}

impl Setup {
    fn new() -> Self {
        let (emulator, folder) = (emulator(), folder());
        let file = folder.path().join("php.secret");
        let hash = tokenlease(["serve", "--new-secret"]).args([&file]).run().exits_with(0).out;
        let secret = fs::read_to_string(&file).unwrap().trim().to_owned();
        let winkas = emulator.winkas();
        fs::write(folder.path().join("password"), winkas.password()).unwrap();
        let text = format!(
            "[profile.erp]\nprovider = \"winkas\"\nserver = \"{}\"\nuser = \"{}\"\n\
             contract = \"{}\"\npassword_file = \"password\"\nstore = \"file:store\"\n\
             [consumer.php]\n{hash}profiles = [\"erp\"]\nforwards = [\"erp\"]\n",
            winkas.server(),
            winkas.user(),
            winkas.contract()
        );
        fs::write(folder.path().join("config.toml"), text).unwrap();
        Self { emulator, folder, secret }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, args: &[&str]) -> Program {
        let forward = format!("erp=erp,{}/api/", self.emulator.winkas().server());
        let program = tokenlease(["serve", "--forward", &forward, "--config"]);
        program.args([self.path("config.toml")]).args(args)
    }

    fn start(&self, args: &[&str]) -> Serving {
        self.spawn(self.program(args).command())
    }

    fn spawn(&self, command: &mut Command) -> Serving {
        let errors = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("the program");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = || fs::read_to_string(self.path("log")).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}{}", log()));
        Serving { child, ready, secret: self.secret.clone() }
    }
}

impl Serving {
    fn address(&self) -> SocketAddr {
        self.ready["listen"][0].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Sends a request with the consumer's secret, and returns the answer.
    fn get(&self, path: &str) -> String {
        self.request("GET", path, "")
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let pair = STANDARD.encode(format!("php:{}", self.secret));
        let (address, length) = (self.address(), body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {pair}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn token(&self) -> String {
        let answer = self.get("/token/erp");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let json: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
        json["access_token"].as_str().unwrap().to_owned()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    fn ends_with(mut self, code: Option<i32>) {
        assert_eq!(self.child.wait().unwrap().code(), code);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Rule: Logins: a killed `serve` loses no token, and leaves nothing that stops the next one.
#[test]
fn a_killed_server_loses_nothing() {
    let setup = Setup::new();
    let socket = setup.path("socket");
    let args = ["--listen", "127.0.0.1:0", "--unix", socket.to_str().unwrap()];
    let first = setup.start(&args);
    let token = first.token();
    first.signal("KILL");
    first.ends_with(None);
    assert!(socket.exists());
    let second = setup.start(&args);
    assert_eq!(second.token(), token);
    assert_eq!(setup.emulator.counts().winkas.login, 1);
    second.signal("TERM");
    second.ends_with(Some(0));
    assert!(!socket.exists());
}

/// Rule: Signals: `serve` reads its configuration again at SIGHUP, and goes on with the former one if the new
/// one is malformed; at SIGTERM and SIGINT it answers the requests in progress and exits with 0.
#[test]
fn serve_reloads_at_sighup_and_ends_at_sigterm_and_sigint() {
    let setup = Setup::new();
    let serving = setup.start(&["--listen", "127.0.0.1:0"]);
    let token = serving.token();
    let config = fs::read_to_string(setup.path("config.toml")).unwrap();
    fs::write(setup.path("config.toml"), config.replace("consumer.php", "consumer.other")).unwrap();
    serving.signal("HUP");
    until(|| serving.get("/token/erp").starts_with("HTTP/1.1 401 "));
    fs::write(setup.path("config.toml"), "[consumer.canary").unwrap();
    serving.signal("HUP");
    let log = || fs::read_to_string(setup.path("log")).unwrap();
    until(|| log().contains("the former configuration stays in force"));
    assert!(!log().contains("canary"), "{}", log());
    fs::write(setup.path("config.toml"), config).unwrap();
    serving.signal("HUP");
    until(|| serving.get("/token/erp").starts_with("HTTP/1.1 200 "));
    assert_eq!(serving.token(), token);
    assert_eq!(setup.emulator.counts().winkas.login, 1);
    serving.signal("TERM");
    serving.ends_with(Some(0));
    let serving = setup.start(&["--listen", "127.0.0.1:0"]);
    serving.signal("INT");
    serving.ends_with(Some(0));
}

/// Waits for a condition that another process brings about.
fn until(mut is_true: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_true() {
        assert!(begun.elapsed().as_secs() < 30, "it did not happen");
        std::thread::yield_now();
    }
}

/// Rule: Signals: `serve` takes the sockets that systemd has opened, and notifies it of its states.
#[test]
fn serve_takes_the_sockets_of_systemd_and_notifies_it() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no python3");
        return;
    }
    let setup = Setup::new();
    let (notify, socket) = (setup.path("notify"), setup.path("activated"));
    let notified = UnixDatagram::bind(&notify).unwrap();
    // systemd passes sockets from descriptor 3 on, and names the process in a variable.
    let listening = "import os, socket, sys\n\
         port = socket.create_server(('127.0.0.1', 0))\n\
         unix = socket.socket(socket.AF_UNIX)\n\
         unix.bind(sys.argv[1])\n\
         unix.listen()\n\
         os.dup2(port.fileno(), 20)\n\
         os.dup2(unix.fileno(), 21)\n\
         os.dup2(20, 3)\n\
         os.dup2(21, 4)\n\
         os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()))\n\
         os.execv(sys.argv[2], sys.argv[2:])\n";
    let mut program = setup.program(&[]);
    let program = program.command();
    let mut command = Command::new("python3");
    command.env_clear().envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    command.env("NOTIFY_SOCKET", &notify).args(["-c", listening]).arg(&socket);
    command.arg(program.get_program()).args(program.get_args());
    let serving = setup.spawn(&mut command);
    let state = || {
        let mut bytes = [0; 256];
        let length = notified.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    assert_eq!(state().trim(), "READY=1");
    assert!(!serving.token().is_empty());
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    serving.signal("HUP");
    let reloading = state();
    assert!(reloading.contains("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(state().trim(), "READY=1");
    serving.signal("TERM");
    assert_eq!(state().trim(), "STOPPING=1");
    serving.ends_with(Some(0));
    // The socket belongs to systemd.
    assert!(socket.exists());
}

/// Rule: Deadlines: `serve` keeps 10,000 idle connections, or as many as the limit of open files allows, and
/// answers on each of them.
#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_kept_connections_are_answered() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    // Other tests of this process use some.
    let count = usize::try_from(files.saturating_sub(2000)).unwrap().min(10_000);
    println!("{count} connections");
    let setup = Setup::new();
    let serving = setup.start(&["--listen", "127.0.0.1:0"]);
    let connect = |_| TcpStream::connect(serving.address()).unwrap();
    let mut kept: Vec<_> = (0..count).map(connect).collect();
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", serving.address());
    for _ in 0..2 {
        for stream in &mut kept {
            stream.write_all(request.as_bytes()).unwrap();
        }
        for stream in &mut kept {
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\nok\n") {
                let mut part = [0; 1024];
                let length = stream.read(&mut part).unwrap();
                assert!(length > 0, "{}", String::from_utf8_lossy(&answer));
                answer.extend_from_slice(&part[..length]);
            }
            assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
        }
    }
    let metrics = serving.get("/metrics");
    let open = metrics.lines().find_map(|line| line.strip_prefix("tokenlease_serve_connections "));
    assert!(open.unwrap().parse::<usize>().unwrap() > count, "{metrics}");
}

/// Rule: Secrets: the log of `serve` at its highest level contains no secret, no token and no path.
#[test]
fn the_log_of_serve_contains_no_secret() {
    let setup = Setup::new();
    let serving = setup.start(&["--listen", "127.0.0.1:0", "-vv"]);
    let token = serving.token();
    let answer = serving.request("POST", "/forward/erp/report/echo?canary-query", "{\"A\": 1}");
    assert!(answer.contains("Okay."), "{answer}");
    serving.get("/token/canary-path");
    serving.signal("TERM");
    serving.ends_with(Some(0));
    let log = fs::read_to_string(setup.path("log")).unwrap();
    assert!(log.contains("POST forward 200"), "{log}");
    let basic = STANDARD.encode(format!("php:{}", setup.secret));
    for secret in [
        &token,
        &setup.secret,
        &basic,
        &setup.emulator.winkas().password(),
        "canary-query",
        "canary-path",
    ] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

/// Rule: Secrets: `serve --new-secret` writes a secret that only its user can read, and prints its hash alone.
#[test]
fn a_new_secret_is_written_for_its_user_alone() {
    let folder = folder();
    let file = folder.path().join("secret");
    let make = |file: &Path| tokenlease(["serve", "--new-secret"]).args([file]).run();
    let run = make(&file).exits_with(0);
    let secret = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(run.out.starts_with("secret_hash = \"sha256:") && !run.out.contains(secret.trim()));
    make(&file).exits_with(2).complains("a file that does not exist");
    assert_eq!(fs::read_to_string(&file).unwrap(), secret);
}

#[test]
fn a_server_that_cannot_serve_is_an_error_that_says_why() {
    let setup = Setup::new();
    let config = setup.path("config.toml");
    let run = |args: &[&str]| tokenlease(["serve", "--config"]).args([&config]).args(args).run();
    run(&["--listen", "127.0.0.1:0"]).exits_with(2).complains("there is no --forward erp");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("forwards = [\"erp\"]", "")).unwrap();
    run(&[]).exits_with(2).complains("--listen 127.0.0.1:PORT");
    run(&["--listen", "0.0.0.0:0"]).exits_with(2).complains("other hosts");
    run(&["--listen", "127.0.0.1:0", "--forward", "x"]).exits_with(2).complains("NAME=PROFILE,URL");
    fs::write(&config, text.split("[consumer").next().unwrap()).unwrap();
    run(&["--listen", "127.0.0.1:0"]).exits_with(2).complains("has no consumer");
    fs::write(&config, "[consumer.a]\nuids = [1]\nprofiles = [\"b\"]\n[profile.a]\n").unwrap();
    run(&["--listen", "127.0.0.1:0"]).exits_with(2).complains("there is no profile \"b\"");
}
