//! A server's process: found, started on a free port, and ended by its ID.

use std::{
    cell::RefCell,
    fmt, fs,
    net::{IpAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// The user `nobody`. PostgreSQL rejects root, so it runs as this user if the tests run as root.
const NOBODY: u32 = 65534;

/// A running server. It is ended when this is dropped.
pub struct Running {
    pub(crate) process: RefCell<Child>,
    pub(crate) start: Box<dyn Fn() -> Child>,
    pub(crate) url: String,
    pub(crate) secure_url: String,
    pub(crate) authority: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Running {
    /// Returns its URL, with a password.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Returns the port of its URL.
    ///
    /// # Panics
    /// If its URL has no port.
    pub fn port(&self) -> u16 {
        let (_, port) = self.url.rsplit_once(':').expect("a port");
        port.split('/').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Returns its URL for TLS.
    pub fn secure_url(&self) -> String {
        self.secure_url.clone()
    }

    /// Writes the authority of its certificate to a file and returns its path.
    ///
    /// # Panics
    /// If the file can't be written.
    pub fn authority_file(&self) -> PathBuf {
        let path = self.folder.path().join("authority.pem");
        fs::write(&path, &self.authority).expect("a file");
        path
    }

    /// Returns its own certificate, in PEM.
    ///
    /// # Panics
    /// If the server has none.
    pub fn certificate(&self) -> Vec<u8> {
        let folder = self.folder.path();
        // PostgreSQL has it in its folder of data.
        let paths = [folder.join("server.crt"), folder.join("data/server.crt")];
        paths.iter().find_map(|path| fs::read(path).ok()).expect("a certificate")
    }

    /// Returns the certificate authority of its certificate, in PEM.
    pub fn authority(&self) -> Vec<u8> {
        self.authority.clone().into_bytes()
    }

    /// Sends a signal (`STOP` or `CONT`) to the server and its children.
    ///
    /// # Panics
    /// If the server has ended.
    pub fn signal(&self, signal: Signal) {
        let process = Pid::from_child(&self.process.borrow());
        kill_process(process, signal).unwrap();
        // PostgreSQL's children are in other process groups.
        for child in children(process) {
            let _ = kill_process(child, signal);
        }
    }

    /// Ends the server. Redis loses its data, as in a power failure; PostgreSQL closes its files.
    pub fn stop(&self) {
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
    pub fn start(&self) {
        *self.process.borrow_mut() = (self.start)();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
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

/// Finds one of the programs on the `PATH` or in PostgreSQL's folders. Otherwise prints `skipped: why`.
pub fn found(programs: &[&str]) -> Option<PathBuf> {
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

pub(crate) fn free_port(address: IpAddr) -> u16 {
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

/// Starts a server and waits until it listens and is ready.
pub(crate) fn start_server(
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

/// Returns the user to run a server as if the tests run as root.
pub(crate) fn nobody() -> Option<u32> {
    rustix::process::getuid().is_root().then_some(NOBODY)
}

pub(crate) fn as_nobody(program: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    if let Some(nobody) = nobody() {
        command.uid(nobody).gid(nobody);
    }
    command.process_group(0).current_dir("/").stdin(Stdio::null());
    command
}
