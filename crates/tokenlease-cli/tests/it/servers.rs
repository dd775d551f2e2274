//! Real Redis and PostgreSQL servers on free ports, with a TLS certificate each.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::{
        fs::{OpenOptionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// The user `nobody`: `PostgreSQL` refuses to run as root, so tests of root run it as this user.
const NOBODY: u32 = 65534;

pub(crate) struct Server {
    process: Child,
    /// Its URL, with a password.
    pub(crate) url: String,
    /// Its URL for TLS, with a password.
    pub(crate) secure_url: String,
    /// A PEM file with the authority of its certificate.
    pub(crate) authority: PathBuf,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // PostgreSQL ends its child processes on SIGQUIT, not on SIGKILL.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &id]).status();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            if let Ok(Some(_)) = self.process.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Finds a program on the PATH or in `PostgreSQL`'s folders.
pub(crate) fn found(names: &[&str]) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let mut paths = names.iter().flat_map(|name| folders.iter().map(move |at| at.join(name)));
    let found = paths.find(|path| path.exists());
    if found.is_none() {
        println!("skipped: {} is not on the PATH", names.join(" or "));
    }
    found
}

/// Writes a certificate for 127.0.0.1 with its key for that user. Returns the file of the authority.
fn certify(folder: &Path, user: Option<u32>) -> PathBuf {
    let mut params = CertificateParams::new([]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
    let authority = authority.expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    let texts = [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
        ("authority.crt", authority.pem()),
    ];
    for (name, text) in texts {
        let path = folder.join(name);
        let mut file = fs::File::options();
        let mut file = file.write(true).create_new(true).mode(0o600).open(&path).expect("a file");
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
        chown(&path, user, user).expect("its owner");
    }
    folder.join("authority.crt")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn wait_for(port: u16, ready: impl Fn() -> bool) {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() || !ready() {
        assert!(began.elapsed() < Duration::from_secs(60), "the server does not start");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Starts an empty Redis or Valkey.
pub(crate) fn redis() -> Option<Server> {
    let program = found(&["redis-server", "valkey-server"])?;
    let folder = tempfile::tempdir().expect("a folder");
    let (port, secure) = (free_port(), free_port());
    let authority = certify(folder.path(), None);
    let process = Command::new(program)
        .args(["--port", &port.to_string(), "--tls-port", &secure.to_string()])
        .args(["--bind", "127.0.0.1", "--save", "", "--requirepass", "canary"])
        .args(["--tls-cert-file", "server.crt", "--tls-key-file", "server.key"])
        .args(["--tls-ca-cert-file", "authority.crt", "--tls-auth-clients", "no"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis");
    wait_for(port, || true);
    let url = format!("redis://:canary@127.0.0.1:{port}");
    let secure_url = format!("rediss://:canary@127.0.0.1:{secure}");
    Some(Server { process, url, secure_url, authority, _folder: folder })
}

/// Starts an empty PostgreSQL.
pub(crate) fn postgres() -> Option<Server> {
    let (program, initdb) = (found(&["postgres"])?, found(&["initdb"])?);
    let folder = tempfile::tempdir().expect("a folder");
    let root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt as _;
        own.uid() == 0
    });
    let run = |program: &PathBuf| {
        let mut command = Command::new(program);
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    if root {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("its owner");
    }
    let data = folder.path().join("data");
    let made = run(&initdb)
        .arg("-D")
        .arg(&data)
        .args(["-U", "tokens", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"])
        .status()
        .expect("initdb");
    assert!(made.success());
    let authority = certify(&data, root.then_some(NOBODY));
    let port = free_port();
    let process = run(&program)
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
        .args(["-c", "ssl=on", "-c", "unix_socket_directories="])
        .spawn()
        .expect("postgres");
    wait_for(port, || {
        fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| text.contains("ready"))
    });
    let url = format!("postgres://tokens:canary@127.0.0.1:{port}/postgres");
    let secure_url = format!("{url}?sslmode=verify-full");
    Some(Server { process, url, secure_url, authority, _folder: folder })
}
