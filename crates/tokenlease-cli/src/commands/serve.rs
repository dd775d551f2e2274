//! `serve`: gives tokens to the programs of this host.

use std::{fs::OpenOptions, io, io::Write as _, path::Path};

use serde_json::json;
use tokenlease::{Error, ErrorKind, Result, core::Secret};
use tokenlease_config::environment;
use tokenlease_serve::{
    Control, Server, Settings, hash, new_secret,
    systemd::{ServiceState, notify},
};

use crate::{
    args::Serve,
    output::{Failure, config, line},
    settings::Environment,
};

pub(crate) fn run(args: &Serve, environment: Environment<'_>) -> Result<(), Failure> {
    if let Some(file) = &args.new_secret {
        let secret = new_secret()?;
        write(file, &secret)?;
        return line(&format!("secret_hash = \"{}\"", hash(&secret)));
    }
    let mut settings = Settings::default();
    settings.config = args.config.clone().or_else(|| environment::config_file(environment));
    settings.listen.clone_from(&args.listen);
    settings.unix.clone_from(&args.unix);
    settings.forwards.clone_from(&args.forwards);
    raise_the_limit_of_files();
    // Not the client's runtime, whose few threads are for calls about tokens.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the threads of the server can't be made: {error}"))
            .advice("raise the limits of threads and open files")
    })?;
    let server = {
        // The listeners belong to the runtime. Opening a store blocks.
        let _guard = runtime.enter();
        Server::open(settings)?
    };
    runtime.block_on(serve(server))
}

async fn serve(server: Server) -> Result<(), Failure> {
    // Before the line is printed: a program that reads it may send a signal at once.
    let signals = Signals::new().map_err(|error| {
        config(format!("signal handlers can't be installed: {error}"))
            .expected("a system with signals")
    })?;
    let addresses: Vec<_> = server.addresses().iter().map(|at| format!("http://{at}")).collect();
    #[cfg(unix)]
    let sockets = server.sockets();
    #[cfg(not(unix))]
    let sockets: [std::path::PathBuf; 0] = [];
    line(&json!({ "listen": addresses, "unix": sockets }).to_string())?;
    notify(ServiceState::Ready);
    let control = server.control();
    let stopping = tokio::spawn(signals.control(control));
    server.run().await;
    stopping.abort();
    Ok(())
}

#[cfg(unix)]
async fn reload(control: &Control) {
    notify(ServiceState::Reloading);
    if let Err(error) = control.reload().await {
        crate::output::warn(format!("the former configuration stays in force: {error}"));
    } else {
        tracing::debug!("the configuration was read again");
    }
    notify(ServiceState::Ready);
}

/// Allows as many open files as the system does, because each connection is one. The lower limit is for
/// programs that can handle no more.
#[cfg(unix)]
fn raise_the_limit_of_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // With the lower limit, further connections wait.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

#[cfg(not(unix))]
fn raise_the_limit_of_files() {}

/// Writes a secret to a new file that only this user can read.
fn write(path: &Path, secret: &Secret) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(secret.expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(|error| {
        config(format!("{} can't be written: {error}", path.display()))
            .expected("the path of a file that does not exist")
    })
}

/// The signals that stop the server or reload its configuration.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn control(mut self, control: Control) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => reload(&control).await,
            }
        }
        notify(ServiceState::Stopping);
        control.stop();
    }
}

/// Ctrl-C and Ctrl-Break, which reload nothing. A reload is a restart: the store keeps the tokens.
#[cfg(not(unix))]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn control(mut self, control: Control) {
        self.0.recv().await;
        control.stop();
    }
}
