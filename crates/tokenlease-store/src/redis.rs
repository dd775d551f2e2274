//! The store in Redis (6 and later) or Valkey, for many hosts.
//!
//! | key | content |
//! | --- | --- |
//! | `tokenlease:{IDENTITY}:record` | a hash: `r` is the revision, `d` the record's bytes |
//! | `tokenlease:{IDENTITY}:lock` | the owner; the lock's TTL is the key's |
//!
//! `IDENTITY` is [`RecordName::key`]; the braces keep both keys in one slot of a cluster. Each call
//! is one script, which runs atomically on the server and reads the server's time (`TIME`).
//!
//! With an ACL, the user needs `~tokenlease:* +eval +evalsha +script|load +time +hmget +hset +get
//! +set +del +persist +pexpire`, and `+scan` if the store's key is in a keyring.
//!
//! # Limits
//! - The lock of an owner that died ends with its TTL, which is 30 s by default.
//! - A failover loses the writes that the replica had not received. A lost lock or lease costs at
//!   most one login.
//! - A server that evicts keys (a `maxmemory-policy` other than `noeviction`) may drop leases
//!   early.
//! - The client follows no redirections: use a proxy in front of a cluster.

mod scripts;

use std::{fmt, sync::Arc, time::Duration};

use ::redis::{
    AsyncConnectionConfig, FromRedisValue, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, Script, ScriptInvocation, aio::MultiplexedConnection,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokenlease::{
    Error, ErrorKind, Result, Store,
    core::StoreTime,
    store::{Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};
use tokio::net::TcpStream;
use url::Url;

use self::scripts::Scripts;
use crate::{
    connection::{CALL_TIMEOUT, Failure, Slot, bad_url, millis},
    tls,
};

const PORT: u16 = 6379;
const URL: &str = "redis://user:password@host:6379/0, or rediss://… for TLS";

/// The most `SCAN` calls of a search for any record. Each one reads about 10,000 keys.
const MAX_SCANS: u32 = 50;

/// A Redis or Valkey server that many hosts share.
///
/// It stores records as they are: wrap it in [`Sealed`](crate::Sealed) to encrypt them, or let
/// [`open`](crate::open()) do so. The first call connects, and later calls connect again if the
/// connection broke. A call takes 1.8 s at most.
///
/// ```
/// use tokenlease_store::RedisStore;
///
/// // This sends nothing yet.
/// let store = RedisStore::open("redis://user:PASSWORD@127.0.0.1:6379/0", &[])?;
/// assert!(!format!("{store:?}").contains("PASSWORD"));
/// # Ok::<(), tokenlease::Error>(())
/// ```
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    host: String,
    port: u16,
    settings: RedisConnectionInfo,
    tls: Option<Arc<ClientConfig>>,
    slot: Slot<MultiplexedConnection>,
    scripts: Scripts,
}

/// Seconds, microseconds, revision, record.
type Read = (i64, i64, Option<u64>, Option<Vec<u8>>);
/// The same, and 1 if the record was replaced.
type Swap = (i64, i64, Option<u64>, Option<Vec<u8>>, u8);

impl RedisStore {
    /// Returns the store at `redis://[USER][:PASSWORD@]HOST[:PORT][/DATABASE]`, or at `rediss://…`
    /// for TLS. Sends nothing yet.
    ///
    /// TLS trusts the certificate authorities of the system and those in the PEM texts `extra_cas`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the URL can't be parsed or the certificate authorities can't be
    /// used; [`ErrorKind::Internal`] if TLS can't be set up.
    pub fn open(url: &str, extra_cas: &[Vec<u8>]) -> Result<Self> {
        let bad = |why: &str| bad_url(why, URL);
        let mut url = Url::parse(url).map_err(|error| bad(&format!("can't be parsed: {error}")))?;
        let encrypted = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(bad("is not a Redis URL")),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("has a query or fragment, which Redis URLs do not have"));
        }
        url.set_scheme("redis").map_err(|()| bad("is not a Redis URL"))?;
        let host = match url.host().ok_or_else(|| bad("has no host"))? {
            url::Host::Domain(name) => name.to_owned(),
            url::Host::Ipv4(address) => address.to_string(),
            url::Host::Ipv6(address) => address.to_string(),
        };
        let port = url.port().unwrap_or(PORT);
        let info = url
            .into_connection_info()
            .map_err(|error| bad(&format!("can't be used: {}", error.category())))?;
        if !encrypted && !tls::is_local(&host) {
            tracing::warn!(
                target: "tokenlease",
                "the store's password is sent unencrypted to {host}; use rediss://"
            );
        }
        let tls = encrypted.then(|| tls::config(extra_cas).map(Arc::new)).transpose()?;
        Ok(Self(Arc::new(Inner {
            host,
            port,
            settings: info.redis_settings().clone(),
            tls,
            slot: Slot::new(),
            scripts: Scripts::new(),
        })))
    }
}

impl RedisStore {
    /// Returns whether a search of at most [`MAX_SCANS`] calls finds a record.
    pub(crate) async fn holds_records(&self) -> Result<bool> {
        let inner = &self.0;
        let call = |connection: Arc<MultiplexedConnection>| async move {
            let (mut connection, mut cursor) = ((*connection).clone(), 0_u64);
            for _ in 0..MAX_SCANS {
                let mut scan = ::redis::cmd("SCAN");
                scan.arg(cursor).arg(&["MATCH", "tokenlease:*:record", "COUNT", "10000"]);
                let (next, found): (u64, Vec<String>) = scan
                    .query_async(&mut connection)
                    .await
                    .map_err(|error| inner.failure("the search for records failed", &error))?;
                if !found.is_empty() {
                    return Ok(true);
                }
                if next == 0 {
                    break;
                }
                cursor = next;
            }
            Ok(false)
        };
        Ok(inner.slot.call(|| inner.connect(), call).await?)
    }
}

impl Inner {
    async fn run<R: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<R, StoreError> {
        let call = |connection: Arc<MultiplexedConnection>| async move {
            let mut connection = (*connection).clone();
            call.invoke_async(&mut connection)
                .await
                .map_err(|error| self.failure("a call failed", &error))
        };
        self.slot.call(|| self.connect(), call).await
    }

    async fn run_lock_script(
        &self,
        script: &Script,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        let mut call = script.key(lock_key(name));
        let granted: u8 = self.run(call.arg(owner.as_str()).arg(millis(ttl))).await?;
        Ok(if granted == 1 { Locked::Granted } else { Locked::Busy })
    }

    async fn connect(&self) -> Result<MultiplexedConnection> {
        let unreachable = |error: std::io::Error| {
            Error::new(
                ErrorKind::Store,
                format!("the Redis server {} can't be reached: {error}", self.host),
            )
            .advice("check the server and the network to it; the client retries by itself")
            .with_source(error)
        };
        let stream = TcpStream::connect((&*self.host, self.port)).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let Some(config) = &self.tls else { return self.greet(stream).await };
        let name = ServerName::try_from(self.host.clone()).map_err(|error| {
            Error::new(ErrorKind::Config, "TLS can't check the name of the store's host")
                .with_source(error)
        })?;
        let connector = tokio_rustls::TlsConnector::from(config.clone());
        self.greet(connector.connect(name, stream).await.map_err(unreachable)?).await
    }

    async fn greet<S>(&self, stream: S) -> Result<MultiplexedConnection>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(CALL_TIMEOUT));
        let (connection, driver) =
            MultiplexedConnection::new_with_config(&self.settings, stream, config)
                .await
                .map_err(|error| self.failed("logging in failed", &error))?;
        // The driver ends with the connection's last handle.
        tokio::spawn(driver);
        Ok(connection)
    }

    fn failure(&self, what: &str, error: &RedisError) -> Failure {
        Failure {
            broken: error.is_unrecoverable_error() || error.is_io_error(),
            error: self.failed(what, error),
        }
    }

    fn failed(&self, what: &str, error: &RedisError) -> Error {
        let password = self.settings.password().unwrap_or_default();
        let login = "give the server's user and password in the URL";
        let advice = match error.code() {
            Some("NOAUTH" | "WRONGPASS") => login,
            _ if error.kind() == ::redis::ErrorKind::AuthenticationFailed => login,
            Some("NOPERM") => "give the user the permissions that the store's documentation lists",
            Some("MOVED" | "ASK") => "name a proxy of the cluster, or a server without a cluster",
            Some("READONLY") => "name the primary server, not a replica",
            _ => "check the server; the client retries by itself",
        };
        Error::new(ErrorKind::Store, format!("Redis at {}: {what}: {error}", self.host))
            .redact(&[password])
            .advice(advice)
    }
}

fn record_key(name: &RecordName) -> String {
    format!("tokenlease:{{{}}}:record", name.key())
}

fn lock_key(name: &RecordName) -> String {
    format!("tokenlease:{{{}}}:lock", name.key())
}

fn loaded((seconds, micros, revision, bytes): Read) -> Loaded {
    let now = StoreTime(seconds.saturating_mul(1000).saturating_add(micros / 1000));
    let record = revision.map(|revision| Stored::new(revision, bytes.unwrap_or_default()));
    Loaded { record, now }
}

impl Store for RedisStore {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        let inner = &self.0;
        inner.run(&inner.scripts.load.key(record_key(name))).await.map(loaded)
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        let mut call = self.0.scripts.swap.key(record_key(name));
        let expected = expected.map(|revision| revision.to_string()).unwrap_or_default();
        let keep = keep.map(|keep| millis(keep).to_string()).unwrap_or_default();
        call.arg(expected).arg(record).arg(keep);
        let (seconds, micros, revision, bytes, done): Swap = self.0.run(&call).await?;
        let loaded = loaded((seconds, micros, revision, bytes));
        Ok(match (done, revision) {
            (1, Some(revision)) => Swapped::Done { revision, now: loaded.now },
            _ => Swapped::Conflict(loaded),
        })
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.0.run_lock_script(&self.0.scripts.lock, name, owner, ttl).await
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.0.run_lock_script(&self.0.scripts.renew, name, owner, ttl).await
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        let mut call = self.0.scripts.unlock.key(lock_key(name));
        self.0.run::<u8>(call.arg(owner.as_str())).await.map(|_| ())
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("host", &self.0.host)
            .field("port", &self.0.port)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: no error and no Debug text of the Redis store shows its password.
    ///
    /// Reported as seanmonstar/reqwest#2971
    #[test]
    fn neither_errors_nor_debug_of_redis_show_the_password() {
        for url in [
            "redis://:canary@",
            "redis://u:canary@h:x",
            "redis://u:canary@h/db",
            "redis://u:canary@h?x=1",
            "rediss://u:canary@h#insecure",
            "http://u:canary@h",
        ] {
            let error = RedisStore::open(url, &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let store = RedisStore::open("redis://u:canary@127.0.0.1:7/2", &[]).unwrap();
        assert!(!format!("{store:?}").contains("canary"));
        let error = (::redis::ErrorKind::Io, "it", "said canary".to_owned()).into();
        assert!(!store.0.failed("failed", &error).to_string().contains("canary"));
    }

    #[test]
    fn both_keys_of_an_identity_are_in_one_slot_of_a_cluster() {
        let identity = tokenlease::core::Identity::wyn("https://h", "u", "c").unwrap();
        let name = RecordName::new(identity);
        for key in [record_key(&name), lock_key(&name)] {
            let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).unwrap().0;
            assert_eq!(tag, name.key());
        }
    }

    /// Rule: Outage: a Redis server that can't be reached is an outage, and the error names it.
    #[tokio::test]
    async fn an_unreachable_redis_server_is_named_by_the_error() {
        // The socket is bound and does not listen, so the system refuses connections at once.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("redis://u:canary@{}", socket.local_addr().unwrap());
        let store = RedisStore::open(&url, &[]).unwrap();
        let identity = tokenlease::core::Identity::wyn("https://h", "u", "c").unwrap();
        let error = store.load(&RecordName::new(identity)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains("127.0.0.1 can't be reached"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
