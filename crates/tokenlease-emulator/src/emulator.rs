//! The builder, and the handle that controls a running emulator.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::clock::saturating_ms;
use crate::counts::{Counts, Details, LogEntry, Provider};
use crate::fault::{Endpoint, Fault};
use crate::handles::{Winkas, Wyn};
use crate::options::Options;
use crate::quirk::Quirk;
use crate::server;
use crate::state::{InitialState, Shared};
use crate::wyn::{API_RESOURCE, CLIENT_ID};

/// Both providers on loopback, on their own thread. Dropping it stops them and closes all connections
/// before the drop returns.
pub struct Emulator {
    shared: Arc<Shared>,
    winkas: SocketAddr,
    wyn: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Returns a builder with free ports on 127.0.0.1, the default options and the default users.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Returns the `WinKAS` Air side.
    pub fn winkas(&self) -> Winkas<'_> {
        Winkas::new(&self.shared, self.winkas)
    }

    /// Returns the Wyn Enterprise side.
    pub fn wyn(&self) -> Wyn<'_> {
        Wyn::new(&self.shared, self.wyn)
    }

    /// Returns the addresses and credentials of both sides, as `tokenlease emulate` prints them:
    /// `{"winkas":{"server","user","password","contract"},
    /// "wyn":{"server","user","password","client_id","client_secret","api_resource","api_secret"}}`.
    pub fn ready_line(&self) -> Value {
        let (winkas, wyn) = (self.winkas(), self.wyn());
        json!({
            "winkas": {
                "server": winkas.server(),
                "user": winkas.user(),
                "password": winkas.password(),
                "contract": winkas.contract(),
            },
            "wyn": {
                "server": wyn.server(),
                "user": wyn.user(),
                "password": wyn.password(),
                "client_id": CLIENT_ID,
                "client_secret": wyn.client_secret(),
                "api_resource": API_RESOURCE,
                "api_secret": wyn.api_secret(),
            },
        })
    }

    /// Advances the emulator's clock: tokens expire, lockouts end, and `Date` headers follow.
    pub fn advance(&self, time: Duration) {
        self.shared.clock.advance_ms(saturating_ms(time));
    }

    /// Sets the emulator's clock back, as if the server's clock had been corrected.
    pub fn set_back(&self, time: Duration) {
        self.shared.clock.advance_ms(saturating_ms(time).saturating_neg());
    }

    /// Returns the time by the emulator's clock: real time plus its offset.
    pub fn now(&self) -> SystemTime {
        self.shared.clock.now().system_time()
    }

    /// Returns the number of calls of each endpoint.
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// Returns the numbers of connections, issued tokens and wrong credentials.
    pub fn details(&self) -> Details {
        self.shared.state().details
    }

    /// Returns the latest 10,000 requests, oldest first, without control calls.
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.state().log.entries()
    }

    /// Adds a fault for the next `times` calls of an endpoint, after the faults that already wait.
    pub fn fault(&self, endpoint: Endpoint, fault: Fault, times: u32) {
        self.shared.state().faults.add(endpoint, fault, times);
    }

    /// Removes all faults that wait.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// Changes options from the next call on. Issued tokens keep their lifetime.
    pub fn options(&self, change: impl FnOnce(&mut Options)) {
        // The closure may use this handle, so the lock is not held while it runs.
        let mut options = self.shared.state().options.clone();
        change(&mut options);
        self.shared.state().options = options;
    }

    /// Ends a token of either provider. Returns whether it was active.
    pub fn end_token(&self, token: &str) -> bool {
        let now = self.shared.clock.now();
        self.shared.state().tokens.end(now, |other| other.value == token) > 0
    }

    /// Ends all tokens of both providers. Returns the number of active ones.
    pub fn end_all_tokens(&self) -> usize {
        self.shared.state().tokens.end(self.shared.clock.now(), |_| true)
    }

    /// Returns whether a token of either provider is active.
    pub fn token_is_active(&self, token: &str) -> bool {
        self.shared.state().tokens.is_active(token, self.shared.clock.now())
    }

    /// Restores the initial state: tokens, counts, faults, options, accounts and clock.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Runs until `stopped` completes, for example a signal; then stops both providers.
    pub async fn serve_until(self, stopped: impl Future<Output = ()>) {
        stopped.await;
    }

    /// Blocks until the process ends.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // The thread itself reports a panic.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("winkas", &self.winkas)
            .field("wyn", &self.wyn)
            .finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The addresses, credentials and options of an [`Emulator`].
#[derive(Clone)]
pub struct Builder {
    winkas: SocketAddr,
    wyn: SocketAddr,
    start: InitialState,
}

impl Builder {
    /// Sets the address of the `WinKAS` Air side. Port 0, the default, selects a free port.
    #[must_use]
    pub const fn winkas_addr(mut self, addr: SocketAddr) -> Self {
        self.winkas = addr;
        self
    }

    /// Sets the address of the Wyn Enterprise side. Port 0, the default, selects a free port.
    #[must_use]
    pub const fn wyn_addr(mut self, addr: SocketAddr) -> Self {
        self.wyn = addr;
        self
    }

    /// Sets the user, password and contract code that `WinKAS` Air accepts.
    #[must_use]
    pub fn winkas_credentials(mut self, user: &str, password: &str, contract: &str) -> Self {
        user.clone_into(&mut self.start.winkas_user);
        password.clone_into(&mut self.start.winkas_password);
        contract.clone_into(&mut self.start.contract);
        self
    }

    /// Sets the user, password and client secret that Wyn Enterprise accepts.
    #[must_use]
    pub fn wyn_credentials(mut self, user: &str, password: &str, client_secret: &str) -> Self {
        user.clone_into(&mut self.start.wyn_user);
        password.clone_into(&mut self.start.wyn_password);
        client_secret.clone_into(&mut self.start.client_secret);
        self
    }

    /// Activates quirks, in addition to those that are active.
    #[must_use]
    pub fn quirks(mut self, quirks: impl IntoIterator<Item = Quirk>) -> Self {
        self.start.options.quirks.extend(quirks);
        self
    }

    /// Changes the initial options.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.start.options);
        self
    }

    /// Starts both providers. They have their own runtime, so the caller needs none of tokio.
    ///
    /// # Errors
    ///
    /// Returns an error if an address can't be bound (for example [`io::ErrorKind::AddrInUse`]), or if
    /// the runtime or its thread can't be created.
    pub async fn start(self) -> io::Result<Emulator> {
        let (ready, started) = oneshot::channel();
        let starting = Starting::spawn(self, ready)?;
        let addrs = started.await;
        starting.finish(addrs.unwrap_or_else(|_| Err(ended_early())))
    }

    /// Starts both providers, and blocks until they listen.
    ///
    /// # Errors
    ///
    /// Returns an error if an address can't be bound (for example [`io::ErrorKind::AddrInUse`]), or if
    /// the runtime or its thread can't be created.
    pub fn start_blocking(self) -> io::Result<Emulator> {
        let (ready, started) = oneshot::channel();
        let starting = Starting::spawn(self, ready)?;
        let addrs = started.blocking_recv();
        starting.finish(addrs.unwrap_or_else(|_| Err(ended_early())))
    }

    fn new() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // The defaults contain characters that JSON, forms and Basic headers must escape.
        let start = InitialState {
            options: Options::default(),
            winkas_user: "api-user@example.dk".to_owned(),
            winkas_password: "Kode+Ord \"7\" & 100%=\u{f8}".to_owned(),
            contract: "DEMO-4711".to_owned(),
            wyn_user: "report user".to_owned(),
            wyn_password: "Wyn&Pass=50%+\u{e5}".to_owned(),
            client_secret: "s3cret:of+integration/100%".to_owned(),
            api_secret: "api s3cret:50%+\u{e6}".to_owned(),
        };
        Self { winkas: any, wyn: any, start }
    }
}

/// An emulator whose thread is starting.
struct Starting {
    shared: Arc<Shared>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

type Addrs = io::Result<(SocketAddr, SocketAddr)>;

impl Starting {
    fn spawn(builder: Builder, ready: oneshot::Sender<Addrs>) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Shared::new(builder.start));
        let of_thread = Arc::clone(&shared);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let run = async move {
            let listeners = server::listen(builder.winkas)
                .and_then(|winkas| Ok((winkas, server::listen(builder.wyn)?)));
            let addrs = listeners.and_then(|(winkas, wyn)| {
                let addrs = (winkas.local_addr()?, wyn.local_addr()?);
                tokio::spawn(server::accept(winkas, Provider::Winkas, Arc::clone(&of_thread)));
                tokio::spawn(server::accept(wyn, Provider::Wyn, of_thread));
                Ok(addrs)
            });
            if ready.send(addrs).is_ok() {
                // A message and a closed channel both mean that the handle was dropped.
                let _ = stopped.await;
            }
        };
        let thread = thread::Builder::new()
            .name("tokenlease-emulator".to_owned())
            .spawn(move || runtime.block_on(run))?;
        Ok(Self { shared, stop, thread })
    }

    fn finish(self, addrs: Addrs) -> io::Result<Emulator> {
        let (winkas, wyn) = addrs?;
        let Self { shared, stop, thread } = self;
        Ok(Emulator { shared, winkas, wyn, stop: Some(stop), thread: Some(thread) })
    }
}

fn ended_early() -> io::Error {
    io::Error::other("the emulator's thread ended before it listened on its addresses")
}
