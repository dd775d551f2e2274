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
//! +set +del +persist +pexpire`, and `+scan` if the store's key is in a keyring. A cluster also needs
//! `+asking`, and `+cluster|slots` with a keyring. Behind sentinels `+role` lets the store recognize
//! a replica before the first write.
//!
//! The store follows the redirections of a cluster (`MOVED` and `ASK`), and remembers them until the
//! server fails. After `READONLY` it connects again, through the sentinels if there are any, and
//! repeats the call once. The system checks a quiet connection after 30 s, and the store checks one
//! that it did not use for 60 s.
//!
//! # Limits
//! - The lock of an owner that died ends with its TTL, which is 30 s by default.
//! - A failover loses the writes that the replica had not received. A lost lock or lease costs at
//!   most one login.
//! - Reads from a server that was demoted unnoticed are as old as the demotion. Its first write
//!   shows that.
//! - A server that evicts keys (a `maxmemory-policy` other than `noeviction`) may drop leases
//!   early.

mod call;
mod connect;
mod nodes;
mod scripts;
mod sentinel;
mod url;

use std::{fmt, sync::Arc, time::Duration};

use ::redis::Script;
use tokenlease::{
    Result, Store,
    core::StoreTime,
    store::{Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};

use self::{call::Call, nodes::Nodes, scripts::Scripts};
use crate::connection::millis;

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
    nodes: Nodes,
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
    /// `redis+cluster://[USER][:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]` names servers of a cluster,
    /// and `redis+sentinel://[USER][:PASSWORD@]HOST[:PORT][,…]/PRIMARY[/DATABASE]` the sentinels
    /// that know the primary. The query `?sentinel_user=…&sentinel_password=…` is for the sentinels.
    /// `rediss+cluster` and `rediss+sentinel` use TLS for all connections.
    ///
    /// TLS trusts the certificate authorities of the system and those in the PEM texts `extra_cas`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](tokenlease::ErrorKind::Config) if the URL can't be parsed or the
    /// certificate authorities can't be used;
    /// [`ErrorKind::Internal`](tokenlease::ErrorKind::Internal) if TLS can't be set up.
    pub fn open(url: &str, extra_cas: &[Vec<u8>]) -> Result<Self> {
        let nodes = url::parse(url, extra_cas)?;
        Ok(Self(Arc::new(Inner { nodes, scripts: Scripts::new() })))
    }

    /// Returns whether a search finds a record.
    pub(crate) async fn holds_records(&self) -> Result<bool> {
        self.0.nodes.holds_records().await
    }
}

impl Inner {
    async fn run_lock_script(
        &self,
        script: &Script,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        let ttl = millis(ttl).to_string();
        let arguments = vec![owner.as_str().as_bytes(), ttl.as_bytes()];
        let call = Call { script, key: lock_key(name), arguments };
        let granted: u8 = self.nodes.run(&call).await?;
        Ok(if granted == 1 { Locked::Granted } else { Locked::Busy })
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
        let (script, key) = (&inner.scripts.load, record_key(name));
        inner.nodes.run(&Call { script, key, arguments: Vec::new() }).await.map(loaded)
    }

    fn after_fork(&self) -> Option<Self> {
        let nodes = self.0.nodes.after_fork();
        Some(Self(Arc::new(Inner { nodes, scripts: Scripts::new() })))
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        let expected = expected.map(|revision| revision.to_string()).unwrap_or_default();
        let keep = keep.map(|keep| millis(keep).to_string()).unwrap_or_default();
        let arguments = vec![expected.as_bytes(), record, keep.as_bytes()];
        let call = Call { script: &self.0.scripts.swap, key: record_key(name), arguments };
        let (seconds, micros, revision, bytes, done): Swap = self.0.nodes.run(&call).await?;
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
        let (script, key) = (&self.0.scripts.unlock, lock_key(name));
        let call = Call { script, key, arguments: vec![owner.as_str().as_bytes()] };
        self.0.nodes.run::<u8>(&call).await.map(|_| ())
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("hosts", &self.0.nodes.hosts()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokenlease::ErrorKind;

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
            "redis://u:canary@h,h2",
            "redis+proxy://u:canary@h",
            "redis+cluster://u:canary@h,h2/1",
            "redis+cluster://u:canary@h,h2:x",
            "redis+sentinel://u:canary@h,h2",
            "redis+sentinel://u:canary@h,h2/name/db",
            "redis+sentinel://u:canary@h/name?password=canary",
        ] {
            let error = RedisStore::open(url, &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let store = RedisStore::open("redis://u:canary@127.0.0.1:7/2", &[]).unwrap();
        assert!(!format!("{store:?}").contains("canary"));
        let error = (::redis::ErrorKind::Io, "it", "said canary".to_owned()).into();
        let at = connect::Address { host: "h".into(), port: 1 };
        let connector = store.0.nodes.connector();
        assert!(
            !connector
                .failed(connect::Peer::Server, &at, "failed", &error)
                .to_string()
                .contains("canary")
        );
        let url = "rediss+sentinel://u:canary@a,[::1]:7/name/2?sentinel_password=canary";
        let store = RedisStore::open(url, &[]).unwrap();
        assert_eq!(store.0.nodes.hosts(), ["a:26379", "::1:7"]);
        assert!(!format!("{store:?}").contains("canary"));
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
