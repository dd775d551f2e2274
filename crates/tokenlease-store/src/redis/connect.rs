//! Connections to Redis servers, and their errors.

use std::{sync::Arc, time::Duration};

use ::redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError, aio::MultiplexedConnection};
use rustls::{ClientConfig, pki_types::ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokenlease::{Error, ErrorKind, Result, runtime::look_up};
use tokio::net::TcpStream;

use crate::{
    connection::{CALL_TIMEOUT, Failure, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, Remedy},
    tls,
};

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// The kind of a server. Each kind has a separate user and password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Server,
    Sentinel,
}

/// A connection, and the server that it leads to.
pub(super) struct Connection {
    pub(super) address: Address,
    pub(super) link: MultiplexedConnection,
}

/// Connects to servers and sentinels with one store's settings.
pub(super) struct Connector {
    pub(super) settings: RedisConnectionInfo,
    pub(super) sentinel_settings: RedisConnectionInfo,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

impl Connector {
    /// Returns the settings for a forked child.
    pub(super) fn after_fork(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            sentinel_settings: self.sentinel_settings.clone(),
            tls: self.tls.as_deref().map(|tls| Arc::new(tls::after_fork(tls))),
        }
    }

    pub(super) async fn server(&self, address: &Address) -> Result<Connection> {
        let link = self.connect(address, Peer::Server).await?;
        Ok(Connection { address: address.clone(), link })
    }

    pub(super) async fn sentinel(&self, address: &Address) -> Result<MultiplexedConnection> {
        self.connect(address, Peer::Sentinel).await
    }

    async fn connect(&self, address: &Address, peer: Peer) -> Result<MultiplexedConnection> {
        let name = peer.name();
        let unreachable = |error: std::io::Error| {
            Error::new(
                ErrorKind::Store,
                format!("the {name} server {} can't be reached: {error}", address.host),
            )
            .advice("check the server and the network to it; the client retries by itself")
            .with_source(error)
        };
        let found = look_up(&address.host, address.port).await.map_err(unreachable)?;
        let stream = TcpStream::connect(&*found).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        keep_alive(&stream, KEEPALIVE_IDLE).map_err(unreachable)?;
        let Some(config) = &self.tls else { return self.greet(address, stream, peer).await };
        let host = ServerName::try_from(address.host.clone()).map_err(|error| {
            Error::new(ErrorKind::Config, "TLS can't check the name of the store's host")
                .with_source(error)
        })?;
        let connector = tokio_rustls::TlsConnector::from(config.clone());
        let stream = connector.connect(host, stream).await;
        let stream = stream.map_err(|error| {
            tls::fault(&place(peer, address), &error).unwrap_or_else(|| unreachable(error))
        })?;
        self.greet(address, stream, peer).await
    }

    async fn greet<S>(
        &self,
        address: &Address,
        stream: S,
        peer: Peer,
    ) -> Result<MultiplexedConnection>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let settings = match peer {
            Peer::Server => &self.settings,
            Peer::Sentinel => &self.sentinel_settings,
        };
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(CALL_TIMEOUT));
        let (connection, driver) = MultiplexedConnection::new_with_config(settings, stream, config)
            .await
            .map_err(|error| self.failed(peer, address, "logging in failed", &error))?;
        // The driver ends with the connection's last handle.
        tokio::spawn(driver);
        Ok(connection)
    }

    pub(super) fn failure(&self, address: &Address, what: &str, error: &RedisError) -> Failure {
        let broken = error.is_unrecoverable_error() || error.is_io_error() || is_read_only(error);
        Failure {
            remedy: if broken { Remedy::Reconnect } else { Remedy::None },
            error: self.failed(Peer::Server, address, what, error),
        }
    }

    pub(super) fn failed(
        &self,
        peer: Peer,
        address: &Address,
        what: &str,
        error: &RedisError,
    ) -> Error {
        // A server that requires a client certificate ends a connection after the handshake (TLS 1.3).
        if let Some(fault) = tls::fault(&place(peer, address), error) {
            return fault;
        }
        let secrets = [&self.settings, &self.sentinel_settings]
            .map(|settings| settings.password().unwrap_or_default());
        let login = match peer {
            Peer::Server => {
                "give the server's user in the URL, and its password there or by \
                 --store-password-file"
            }
            Peer::Sentinel => {
                "give the user and password of the sentinels as sentinel_user and \
                 sentinel_password in the URL's query; --store-password-file is the server's"
            }
        };
        let advice = match error.code() {
            Some("NOAUTH" | "WRONGPASS") => login,
            // The first command without a password selects the database.
            _ if error.to_string().contains("Authentication required") => login,
            _ if error.kind() == ::redis::ErrorKind::AuthenticationFailed => login,
            Some("NOPERM") if peer == Peer::Sentinel => {
                "let the user sentinel_user run SENTINEL GET-MASTER-ADDR-BY-NAME"
            }
            Some("NOPERM") => "give the user the permissions that the store's documentation lists",
            Some("OOM") => "raise the server's maxmemory, or free memory there",
            Some("MISCONF") => "free the disk of the server, and see its log",
            Some("CLUSTERDOWN") => "check the cluster's state; the client retries by itself",
            _ if is_read_only(error) => "name the primary server, not a replica",
            _ => "check the server; the client retries by itself",
        };
        let failed =
            Error::new(ErrorKind::Store, format!("{}: {what}: {error}", place(peer, address)))
                .redact(&secrets)
                .advice(advice);
        match rejection(error) {
            Some(code) => failed.with_code(code),
            None => failed,
        }
    }
}

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::Server => "Redis",
            Self::Sentinel => "Redis Sentinel",
        }
    }
}

fn place(peer: Peer, address: &Address) -> String {
    format!("{} at {}", peer.name(), address.host)
}

/// Returns the code of an answer that does not change before a person corrects the server or the
/// options. A server that starts, fails over or is busy is an outage.
fn rejection(error: &RedisError) -> Option<&str> {
    if error.is_io_error() || is_read_only(error) {
        return None;
    }
    match error.code() {
        Some("LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" | "NOREPLICAS") => None,
        _ if error.to_string().contains("max number of clients") => None,
        Some(code) => Some(code),
        None => (error.kind() == ::redis::ErrorKind::AuthenticationFailed).then_some("WRONGPASS"),
    }
}

/// Returns whether a replica rejected a write: a failover made the primary a replica.
fn is_read_only(error: &RedisError) -> bool {
    // Redis 6 wraps the error of a command in one of the script.
    error.code() == Some("READONLY") || error.to_string().contains("-READONLY ")
}

/// Lets the system check a quiet connection, and close it if the other end does not answer.
fn keep_alive(stream: &TcpStream, idle: Duration) -> std::io::Result<()> {
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(KEEPALIVE_INTERVAL);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(crate::connection::KEEPALIVE_RETRIES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Store: the system checks a quiet connection to Redis after 30 seconds.
    #[tokio::test]
    async fn a_quiet_connection_to_redis_is_kept_alive() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(!SockRef::from(&stream).keepalive().unwrap());
        keep_alive(&stream, KEEPALIVE_IDLE).unwrap();
        assert!(SockRef::from(&stream).keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(SockRef::from(&stream).tcp_keepalive_time().unwrap(), KEEPALIVE_IDLE);
    }
}
