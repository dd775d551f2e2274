//! The server: its listeners, its connections, reload and stop.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokenlease::{Error, ErrorKind, Result};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};

use crate::{
    connection,
    consumers::Peer,
    forward::ForwardTo,
    guard::Place,
    limits::Limits,
    listen::{self, Listener},
    router::Origin,
    state::Shared,
};

/// How a server is set up.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settings {
    /// The configuration file; `None` is the user's own.
    pub config: Option<PathBuf>,
    /// The loopback addresses to listen on. Port 0 takes a free port.
    pub listen: Vec<SocketAddr>,
    /// The Unix socket to listen on.
    pub unix: Option<PathBuf>,
    /// The upstreams of the proxy.
    pub forwards: Vec<ForwardTo>,
    /// The limits on clients.
    pub limits: Limits,
}

/// A server that listens, and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

/// Reloads and stops a server that runs. Clones control the same one.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

/// Opens the Unix socket at that path, and the sockets of systemd.
#[cfg(unix)]
fn other_listeners(unix: Option<PathBuf>, shared: &Shared) -> Result<Vec<Listener>> {
    let mut listeners = listen::of_systemd()?;
    if let Some(path) = unix {
        let for_others = shared.configured().consumers.iter().any(|c| !c.uids.is_empty());
        listeners.push(Listener::Unix(listen::unix::UnixPlace::open(&path, for_others)?));
    }
    Ok(listeners)
}

#[cfg(not(unix))]
fn other_listeners(unix: Option<PathBuf>, _: &Shared) -> Result<Vec<Listener>> {
    match unix {
        Some(_) => Err(Error::new(ErrorKind::Unsupported, "this system has no Unix sockets")
            .expected("--listen 127.0.0.1:PORT")),
        None => Ok(Vec::new()),
    }
}

impl Server {
    /// Reads the configuration and opens stores and listeners, also those of systemd. Opening a store
    /// blocks.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for a configuration that can't be used, and for addresses that other
    /// hosts reach or another program uses; [`Store`](ErrorKind::Store) if a store can't be opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(settings: Settings) -> Result<Self> {
        let Settings { config, listen, unix, forwards, limits } = settings;
        let shared = Arc::new(Shared::open(config, forwards, limits)?);
        let mut listeners: Vec<_> = listen.into_iter().map(listen::tcp).collect::<Result<_>>()?;
        listeners.extend(other_listeners(unix, &shared)?);
        if listeners.is_empty() {
            return Err(Error::new(ErrorKind::Config, "there is nothing to listen on")
                .expected("--listen 127.0.0.1:PORT, --unix PATH, or a socket of systemd"));
        }
        Ok(Self { listeners, shared, stop: watch::Sender::new(false) })
    }

    /// Returns the addresses of the ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let address = |listener: &Listener| match listener {
            Listener::Tcp(_, address) => Some(*address),
            #[cfg(unix)]
            Listener::Unix(_) => None,
        };
        self.listeners.iter().filter_map(address).collect()
    }

    /// Returns the paths of the Unix sockets that this process made.
    #[cfg(unix)]
    pub fn sockets(&self) -> Vec<PathBuf> {
        let path = |listener: &Listener| match listener {
            Listener::Tcp(..) => None,
            Listener::Unix(place) => place.path().map(PathBuf::from),
        };
        self.listeners.iter().filter_map(path).collect()
    }

    /// Returns the control of this server.
    pub fn control(&self) -> Control {
        Control { shared: self.shared.clone(), stop: self.stop.clone() }
    }

    /// Answers requests until [`Control::stop`] is called, then waits for those in progress, and for the
    /// background work of the clients.
    pub async fn run(self) {
        let Self { listeners, shared, stop } = self;
        let connections = Arc::new(Semaphore::new(shared.limits.connections));
        let mut accepting = JoinSet::new();
        for listener in listeners {
            let accept = Accept {
                shared: shared.clone(),
                connections: connections.clone(),
                stopped: stop.subscribe(),
            };
            accepting.spawn(accept.run(listener));
        }
        let _ = stop.subscribe().wait_for(|stopped| *stopped).await;
        // Dropped listeners accept no more connections.
        while accepting.join_next().await.is_some() {}
        let all = u32::try_from(shared.limits.connections).unwrap_or(u32::MAX);
        let drained = connections.acquire_many(all);
        let _ = tokio::time::timeout(shared.limits.drain_timeout, drained).await;
        for profile in shared.configured().profiles.iter() {
            if let Err(error) = profile.client.close().await {
                tracing::warn!(target: "tokenlease", "profile {}: {error}", profile.name);
            }
        }
    }
}

impl Control {
    /// Reads the configuration again: consumers, their rights, and profiles. Connections stay open.
    ///
    /// # Errors
    /// As [`Server::open`]. Then the former configuration stays in force.
    pub async fn reload(&self) -> Result<()> {
        let shared = self.shared.clone();
        let reload = tokio::task::spawn_blocking(move || shared.reload());
        reload.await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Internal, "the reload ended by a panic")
                .advice("this is a bug in tokenlease: please report it"))
        })
    }

    /// Stops the server. Requests in progress are answered.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// Accepts the connections of a listener.
struct Accept {
    shared: Arc<Shared>,
    connections: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl Accept {
    async fn run(self, listener: Listener) {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = self.accept(&listener) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }

    async fn accept(&self, listener: &Listener) {
        loop {
            // A connection above the limit waits in the backlog of the system.
            let Ok(permit) = self.connections.clone().acquire_owned().await else { return };
            let accepted = match listener {
                Listener::Tcp(listener, address) => listener.accept().await.map(|(stream, _)| {
                    // A failure only makes answers slower.
                    let _ = stream.set_nodelay(true);
                    let origin = Origin { peer: Peer::Tcp, place: Place::Tcp(*address) };
                    self.serve(stream, origin, permit);
                }),
                #[cfg(unix)]
                Listener::Unix(place) => place.listener.accept().await.and_then(|(stream, _)| {
                    let uid = listen::unix::peer(&stream)?;
                    let configured = self.shared.configured();
                    if configured.consumers.may_connect(uid, listen::unix::own()) {
                        let origin = Origin { peer: Peer::Unix(uid), place: Place::Unix };
                        self.serve(stream, origin, permit);
                    } else {
                        crate::counts::add(&self.shared.counts.rejected_users);
                        tracing::debug!("user {uid} may not connect");
                    }
                    Ok(())
                }),
            };
            if let Err(error) = accepted {
                pause(&error).await;
            }
        }
    }

    fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        origin: Origin,
        permit: OwnedSemaphorePermit,
    ) {
        let serve = connection::serve(stream, origin, self.shared.clone(), self.stopped.clone());
        tokio::spawn(async move {
            serve.await;
            drop(permit);
        });
    }
}

/// Most likely there are no free file descriptors: connections that end free some.
async fn pause(error: &io::Error) {
    tracing::warn!(target: "tokenlease", "a connection could not be accepted: {error}");
    tokio::time::sleep(Duration::from_millis(50)).await;
}
