//! Real servers on free ports of loopback, started from the PATH and ended by their ids.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::{Pid, Signal, kill_process};

/// Whom postgres runs as where the tests run as root, which it refuses: `nobody`.
#[cfg(feature = "postgres")]
const NOBODY: u32 = 65534;

pub(crate) struct Running {
    process: Child,
    url: String,
    secure_url: String,
    authority: String,
    _folder: tempfile::TempDir,
}

impl Running {
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Its address for TLS.
    pub(crate) fn secure_url(&self) -> String {
        self.secure_url.clone()
    }

    /// The authority of its certificate, in PEM.
    pub(crate) fn authority(&self) -> Vec<u8> {
        self.authority.clone().into_bytes()
    }

    /// Stops it and its children, or lets them go on.
    #[cfg(feature = "postgres")]
    pub(crate) fn signal_group(&self, signal: Signal) {
        rustix::process::kill_process_group(Pid::from_child(&self.process), signal).unwrap();
        for child in &self.children() {
            let _ = kill_process(*child, signal);
        }
    }

    /// Postgres' children lead groups of their own.
    #[cfg(feature = "postgres")]
    fn children(&self) -> Vec<Pid> {
        let id = self.process.id();
        let list = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        list.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().unwrap())).collect()
    }

    /// Stops it, or lets it go on.
    #[cfg(feature = "redis")]
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Postgres has children: they end with it, in order, where it is asked to.
        let _ = kill_process(Pid::from_child(&self.process), Signal::QUIT);
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

fn found(programs: &[&str]) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let paths = programs.iter().flat_map(|name| folders.iter().map(move |at| at.join(name)));
    let found = paths.into_iter().find(|path| path.exists());
    if found.is_none() {
        println!("skipped: {} is not on the PATH", programs.join(" or "));
    }
    found
}

/// A certificate of 127.0.0.1, its key, and their authority, as files in that folder.
fn certify(folder: &Path, user: Option<u32>) -> String {
    use std::os::unix::fs::{OpenOptionsExt as _, chown};
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        let path = folder.join(name);
        let mut file =
            fs::File::options().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        chown(&path, user, user).unwrap();
    }
    authority.pem()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for(port: u16, mut ready: impl FnMut() -> bool) {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() || !ready() {
        assert!(began.elapsed() < Duration::from_secs(30), "the server does not start");
        thread::sleep(Duration::from_millis(20));
    }
}

/// An empty Redis or Valkey with a password.
#[cfg(feature = "redis")]
pub(crate) fn redis() -> Option<Running> {
    let program = found(&["redis-server", "valkey-server"])?;
    let folder = tempfile::tempdir().unwrap();
    let (port, secure) = (free_port(), free_port());
    let authority = certify(folder.path(), None);
    let process = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--tls-port", &secure.to_string(), "--tls-auth-clients", "no"])
        .args(["--tls-cert-file", "server.crt", "--tls-key-file", "server.key"])
        .args(["--tls-ca-cert-file", "server.crt"])
        .args(["--appendonly", "no", "--requirepass", "canary", "--daemonize", "no"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port, || true);
    let url = format!("redis://:canary@127.0.0.1:{port}/1");
    let secure_url = format!("rediss://:canary@127.0.0.1:{secure}/1");
    Some(Running { process, url, secure_url, authority, _folder: folder })
}

/// An empty PostgreSQL cluster.
#[cfg(feature = "postgres")]
pub(crate) fn postgres() -> Option<Running> {
    use std::os::unix::process::CommandExt as _;

    let program = found(&["postgres"])?;
    let initdb = found(&["initdb"])?;
    let folder = tempfile::tempdir().unwrap();
    let root = rustix::process::getuid().is_root();
    let run = |program: &PathBuf| {
        let mut command = Command::new(program);
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.process_group(0).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    if root {
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let data = folder.path().join("data");
    let made = run(&initdb)
        .arg("-D")
        .arg(&data)
        .args(["-U", "tokens", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"])
        .status()
        .unwrap();
    assert!(made.success());
    let authority = certify(&data, root.then_some(NOBODY));
    let port = free_port();
    let process = run(&program)
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
        .args(["-c", "ssl=on"])
        .args(["-c", "unix_socket_directories=", "-c", "max_connections=200"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port, || {
        fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| text.contains("ready"))
    });
    let url = format!("postgres://tokens:canary@127.0.0.1:{port}/postgres");
    let secure_url = format!("{url}?sslmode=verify-full");
    Some(Running { process, url, secure_url, authority, _folder: folder })
}

/// A pooler before that server, which lends each transaction one of two connections.
#[cfg(feature = "postgres")]
pub(crate) fn pooler(of: &Running) -> Option<Running> {
    use std::os::unix::process::CommandExt as _;

    let program = found(&["pgbouncer"])?;
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let behind = of.url.rsplit_once(':').unwrap().1.split_once('/').unwrap().0;
    let users = folder.path().join("users");
    fs::write(&users, "\"tokens\" \"canary\"\n").unwrap();
    let config = format!(
        "[databases]\npostgres = host=127.0.0.1 port={behind}\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = plain\nauth_file = {}\npool_mode = transaction\n\
         default_pool_size = 2\n",
        users.display()
    );
    let path = folder.path().join("config");
    fs::write(&path, config).unwrap();
    let mut command = Command::new(program);
    if rustix::process::getuid().is_root() {
        for path in [folder.path(), &users, &path] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    let process =
        command.arg("-q").arg(&path).current_dir("/").stdin(Stdio::null()).spawn().unwrap();
    wait_for(port, || true);
    let url = format!("postgres://tokens:canary@127.0.0.1:{port}/postgres");
    let (secure_url, authority) = (url.clone(), String::new());
    Some(Running { process, url, secure_url, authority, _folder: folder })
}
