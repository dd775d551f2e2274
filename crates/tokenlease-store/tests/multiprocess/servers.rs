//! Real Redis and PostgreSQL servers on free ports, started from the PATH.

use std::{
    cell::RefCell,
    ffi::OsString,
    fs,
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::{Pid, Signal, kill_process};

use crate::clock_offset::ClockOffset;

/// The user `nobody`. PostgreSQL rejects root, so it runs as this user if the tests run as root.
const NOBODY: u32 = 65534;

/// The address that a server listens on, and the file with its clock's offset.
pub(crate) struct Place {
    address: IpAddr,
    clock_offset: Option<PathBuf>,
}

impl Place {
    /// Loopback, in real time.
    fn here() -> Self {
        Self::at(Ipv4Addr::LOCALHOST, None)
    }

    pub(crate) fn at(address: Ipv4Addr, clock: Option<&ClockOffset>) -> Self {
        Self { address: address.into(), clock_offset: clock.map(ClockOffset::path) }
    }

    /// Applies the offset to a command's wall clock, and to no other clock. `None` if libfaketime
    /// is not installed.
    fn offset_wall_clock(&self, command: &mut Command) -> Option<()> {
        let Some(offset) = &self.clock_offset else { return Some(()) };
        for (name, value) in fake_time()? {
            command.env(name, value);
        }
        command.env("FAKETIME_TIMESTAMP_FILE", offset).env("FAKETIME_NO_CACHE", "1");
        Some(())
    }
}

/// Returns the environment that fakes a process's wall clock and leaves its monotonic clocks alone.
pub(crate) fn fake_time() -> Option<Vec<(&'static str, OsString)>> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let library = folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists());
    let Some(library) = library else {
        println!("skipped: libfaketime is not installed");
        return None;
    };
    // Redis' allocator reads a clock before it can allocate, and libfaketime allocates to read a
    // clock. With the C library loaded first, the allocator gets the C library's clock.
    let mut libraries = library.into_os_string();
    libraries.push(":libc.so.6");
    Some(vec![
        ("LD_PRELOAD", libraries),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("DONT_FAKE_MONOTONIC", "1".into()),
        ("FAKETIME_DISABLE_SHM", "1".into()),
    ])
}

pub(crate) struct Running {
    process: RefCell<Child>,
    start: Box<dyn Fn() -> Child>,
    url: String,
    secure_url: String,
    authority: String,
    _folder: tempfile::TempDir,
}

impl Running {
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Returns its URL for TLS.
    pub(crate) fn secure_url(&self) -> String {
        self.secure_url.clone()
    }

    /// Returns the certificate authority of its certificate, in PEM.
    pub(crate) fn authority(&self) -> Vec<u8> {
        self.authority.clone().into_bytes()
    }

    /// Sends a signal (`STOP` or `CONT`) to the server and its children.
    pub(crate) fn signal(&self, signal: Signal) {
        let process = Pid::from_child(&self.process.borrow());
        kill_process(process, signal).unwrap();
        // PostgreSQL's children are in other process groups.
        for child in children(process) {
            let _ = kill_process(child, signal);
        }
    }

    /// Ends the server. Redis loses its data, as in a power failure; PostgreSQL closes its files.
    pub(crate) fn stop(&self) {
        let mut process = self.process.borrow_mut();
        // PostgreSQL's children end in order with it on this signal.
        let _ = kill_process(Pid::from_child(&process), Signal::QUIT);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            if let Ok(Some(_)) = process.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = process.kill();
        let _ = process.wait();
    }

    /// Starts the server again, with its data on disk.
    pub(crate) fn start(&self) {
        *self.process.borrow_mut() = (self.start)();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

fn children(of: Pid) -> Vec<Pid> {
    let id = of.as_raw_nonzero();
    let list = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().unwrap())).collect()
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

/// Writes a certificate for 127.0.0.1 and its key to the folder, and returns the PEM text of their
/// certificate authority.
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

fn free_port(address: IpAddr) -> u16 {
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

/// Starts a server and waits until it listens and is ready.
fn start_server(
    command: &RefCell<Command>,
    (address, port): (IpAddr, u16),
    mut ready: impl FnMut() -> bool,
) -> Child {
    let mut process = command.borrow_mut().spawn().unwrap();
    let began = Instant::now();
    while TcpStream::connect((address, port)).is_err() || !ready() {
        let ended = process.try_wait().unwrap();
        if ended.is_some() || began.elapsed() > Duration::from_secs(30) {
            let _ = process.kill();
            panic!("the server does not start: {ended:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    process
}

/// Starts an empty Redis or Valkey with a password, in real time.
pub(crate) fn redis() -> Option<Running> {
    redis_at(&Place::here())
}

pub(crate) fn redis_at(place: &Place) -> Option<Running> {
    let program = found(&["redis-server", "valkey-server"])?;
    let (folder, address) = (tempfile::tempdir().unwrap(), place.address);
    let (port, secure) = (free_port(address), free_port(address));
    let authority = certify(folder.path(), None);
    let mut command = Command::new(program);
    command
        .args(["--port", &port.to_string(), "--bind", &address.to_string(), "--save", ""])
        .args(["--tls-port", &secure.to_string(), "--tls-auth-clients", "no"])
        .args(["--tls-cert-file", "server.crt", "--tls-key-file", "server.key"])
        .args(["--tls-ca-cert-file", "server.crt"])
        .args(["--appendonly", "no", "--requirepass", "canary", "--daemonize", "no"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    place.offset_wall_clock(&mut command)?;
    let command = RefCell::new(command);
    let start = Box::new(move || start_server(&command, (address, port), || true));
    let process = RefCell::new(start());
    let url = format!("redis://:canary@{address}:{port}/1");
    let secure_url = format!("rediss://:canary@{address}:{secure}/1");
    Some(Running { process, start, url, secure_url, authority, _folder: folder })
}

/// Starts an empty PostgreSQL cluster, in real time.
pub(crate) fn postgres() -> Option<Running> {
    postgres_at(&Place::here())
}

pub(crate) fn postgres_at(place: &Place) -> Option<Running> {
    let program = found(&["postgres"])?;
    let initdb = found(&["initdb"])?;
    let (folder, address) = (tempfile::tempdir().unwrap(), place.address);
    if let Some(nobody) = nobody() {
        std::os::unix::fs::chown(folder.path(), Some(nobody), Some(nobody)).unwrap();
    }
    let data = folder.path().join("data");
    let made = as_nobody(&initdb)
        .arg("-D")
        .arg(&data)
        .args(["-U", "tokens", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    if !address.is_loopback() {
        let mut rules = fs::File::options().append(true).open(data.join("pg_hba.conf")).unwrap();
        std::io::Write::write_all(&mut rules, b"host all all 0.0.0.0/0 trust\n").unwrap();
    }
    let authority = certify(&data, nobody());
    let port = free_port(address);
    let mut command = as_nobody(&program);
    command
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-c", &format!("listen_addresses={address}")])
        .args(["-c", "fsync=off", "-c", "ssl=on"])
        .args(["-c", "unix_socket_directories=", "-c", "max_connections=200"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    place.offset_wall_clock(&mut command)?;
    let command = RefCell::new(command);
    let start = Box::new(move || {
        let status = data.join("postmaster.pid");
        start_server(&command, (address, port), || {
            fs::read_to_string(&status).is_ok_and(|text| text.contains("ready"))
        })
    });
    let process = RefCell::new(start());
    let url = format!("postgres://tokens:canary@{address}:{port}/postgres?sslmode=disable");
    let secure_url = url.replace("disable", "verify-full");
    Some(Running { process, start, url, secure_url, authority, _folder: folder })
}

/// Creates the store's table in that database.
pub(crate) fn make_table(url: &str) {
    let store = tokenlease_store::PostgresStore::open(url, &[]).unwrap();
    let runtime = tokenlease::runtime::Runtime::current().unwrap();
    runtime.block_on(async move { store.init().await }).unwrap().unwrap();
}

/// Returns the user to run a server as if the tests run as root.
fn nobody() -> Option<u32> {
    rustix::process::getuid().is_root().then_some(NOBODY)
}

fn as_nobody(program: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    if let Some(nobody) = nobody() {
        command.uid(nobody).gid(nobody);
    }
    command.process_group(0).current_dir("/").stdin(Stdio::null());
    command
}

/// Starts a pooler in front of that server, which lends two connections to transactions.
pub(crate) fn pooler(of: &Running) -> Option<Running> {
    let program = found(&["pgbouncer"])?;
    let (folder, address) = (tempfile::tempdir().unwrap(), IpAddr::from(Ipv4Addr::LOCALHOST));
    let port = free_port(address);
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
    if let Some(nobody) = nobody() {
        for path in [folder.path(), &users, &path] {
            std::os::unix::fs::chown(path, Some(nobody), Some(nobody)).unwrap();
        }
    }
    let mut command = as_nobody(&program);
    command.arg("-q").arg(&path);
    let command = RefCell::new(command);
    let start = Box::new(move || start_server(&command, (address, port), || true));
    let process = RefCell::new(start());
    let url = format!("postgres://tokens:canary@127.0.0.1:{port}/postgres");
    let (secure_url, authority) = (url.clone(), String::new());
    Some(Running { process, start, url, secure_url, authority, _folder: folder })
}
