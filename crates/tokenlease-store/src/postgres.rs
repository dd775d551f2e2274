//! The store in PostgreSQL (12 and later), for many hosts.
//!
//! [`MIGRATION`] creates one table, `tokenlease`, with one row for each identity: its record with
//! revision and expiry, and its lock with owner and expiry. Each call is one statement and uses the
//! server's time (`clock_timestamp()`). No call leaves state in the session, so the store works
//! through a pooler in transaction mode. The user needs `select, insert, update, delete` on the
//! table.
//!
//! A call that fails because the server shut down or became read-only is repeated once on a new
//! connection. A call that lost a race (a serialization failure or a deadlock) is repeated once on
//! the same one. The system checks a quiet connection after 30 s, and the store checks one that it
//! did not use for 60 s.
//!
//! The lock of an owner that died ends with its TTL, which is 30 s by default. One write in 64
//! deletes the rows that expired more than a day ago.

mod addresses;
mod seen_locks;
mod sql;
mod url;

use std::{fmt, sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokenlease::{
    Error, ErrorKind, Result, Store,
    core::StoreTime,
    store::{Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};
use tokio_postgres::{
    Client, Config, Connection, NoTls, Row,
    config::SslMode,
    types::{ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;

pub use self::sql::MIGRATION;
use self::{
    addresses::with_addresses,
    seen_locks::SeenLocks,
    sql::{ANY, CLEAR, INSERT, LOAD, LOCK, RENEW, UNLOCK, UPDATE},
};
use crate::{
    connection::{Connect, Failure, Remedy, Slot, deadline, millis},
    tls,
};

/// One in so many writes deletes the rows that expired more than a day ago.
const CLEAR_EVERY: u64 = 64;

/// A PostgreSQL database that many hosts share.
///
/// It stores records as they are: wrap it in [`Sealed`](crate::Sealed) to encrypt them, or let
/// [`open`](crate::open()) do so. The first call connects, and later calls connect again if the
/// connection broke. A call takes 1.8 s at most.
///
/// ```no_run
/// use tokenlease_store::PostgresStore;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let store = PostgresStore::open("postgres://user:PASSWORD@db.example/erp", &[])?;
/// store.init().await?; // creates the table, if it does not exist
/// println!("{}", tokenlease_store::check(&store).await?);
/// # Ok::<(), tokenlease::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    config: Config,
    tls: Option<ClientConfig>,
    /// The hosts for error messages, without user and password.
    hosts: String,
    slot: Slot<Client>,
    seen_locks: SeenLocks,
}

type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

impl PostgresStore {
    /// Returns the store at `postgres://USER:PASSWORD@HOST[:PORT]/DATABASE[?OPTIONS]`. Sends
    /// nothing yet.
    ///
    /// The options are those of libpq that [`tokio_postgres::Config`] knows. Connections to other
    /// hosts use TLS and check the server's certificate, unless the options say `sslmode=disable`
    /// or `sslmode=prefer`. TLS trusts the certificate authorities of the system and those in the
    /// PEM texts `extra_cas`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the URL can't be parsed or the certificate authorities can't be
    /// used; [`ErrorKind::Internal`] if TLS can't be set up.
    pub fn open(url: &str, extra_cas: &[Vec<u8>]) -> Result<Self> {
        let (config, hosts) = url::parse(url)?;
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(tls::config(extra_cas)?),
        };
        Ok(Self::of(config, tls, hosts))
    }

    fn of(config: Config, tls: Option<ClientConfig>, hosts: String) -> Self {
        let (slot, seen_locks) = (Slot::new(), SeenLocks::default());
        Self(Arc::new(Inner { config, tls, hosts, slot, seen_locks }))
    }

    /// Returns the SQL statement that creates the table, for callers that run it themselves.
    pub fn migration() -> &'static str {
        MIGRATION
    }

    /// Creates the table if it does not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the server can't be reached, or the user may not create tables.
    pub async fn init(&self) -> Result<()> {
        let inner = &self.0;
        let call = |client: Arc<Client>| async move {
            // Two processes that create it at once collide in the catalogue. A retry finds the
            // table.
            match client.batch_execute(MIGRATION).await {
                Err(error) if error.as_db_error().is_some() => {
                    client.batch_execute(MIGRATION).await
                }
                result => result,
            }
            .map_err(|error| inner.failure("creating the table failed", &error))
        };
        Ok(inner.slot.call(deadline(), &**inner, call).await?)
    }

    /// Returns whether the table has a record that has not expired.
    pub(crate) async fn holds_records(&self) -> Result<bool> {
        Ok(self.0.query(ANY, &[]).await?.is_some())
    }
}

impl Inner {
    /// Runs one statement in one round trip, without preparing it, and returns the first row.
    async fn query(
        &self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Option<Row>, StoreError> {
        let call = |client: Arc<Client>| async move {
            let rows = client.query_typed(statement, parameters).await;
            rows.map(|rows| rows.into_iter().next())
                .map_err(|error| self.failure("a call failed", &error))
        };
        self.slot.call(deadline(), self, call).await
    }

    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        let row = self.query(LOAD, &[(&name.key(), Type::TEXT)]).await?;
        let row = row.ok_or_else(|| StoreError::Unavailable(unexpected()))?;
        let revision: Option<i64> = get(&row, 1)?;
        let record: Option<Vec<u8>> = get(&row, 2)?;
        self.seen_locks.note(name, get(&row, 3)?);
        let record = revision
            .zip(record)
            .map(|(revision, record)| Stored::new(revision.cast_unsigned(), record));
        Ok(Loaded { record, now: StoreTime(get(&row, 0)?) })
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        let (key, keep) = (name.key(), keep.map(millis));
        let expected = expected.map(u64::cast_signed);
        let mut parameters: Vec<Parameter<'_>> =
            vec![(&key, Type::TEXT), (&record, Type::BYTEA), (&keep, Type::INT8)];
        let statement = match &expected {
            None => INSERT,
            Some(expected) => {
                parameters.push((expected, Type::INT8));
                UPDATE
            }
        };
        let Some(row) = self.query(statement, &parameters).await? else {
            return self.load(name).await.map(Swapped::Conflict);
        };
        let revision = get::<i64>(&row, 1)?.cast_unsigned();
        if revision.is_multiple_of(CLEAR_EVERY) {
            // If this fails, a later write does it.
            let _ = self.query(CLEAR, &[]).await;
        }
        Ok(Swapped::Done { revision, now: StoreTime(get(&row, 0)?) })
    }

    async fn run_lock_statement(
        &self,
        statement: &'static str,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        let (key, owner, ttl) = (name.key(), owner.as_str(), millis(ttl));
        let parameters: [Parameter<'_>; 3] =
            [(&key, Type::TEXT), (&owner, Type::TEXT), (&ttl, Type::INT8)];
        let row = self.query(statement, &parameters).await?;
        Ok(if row.is_some() { Locked::Granted } else { Locked::Busy })
    }

    fn failure(&self, what: &str, error: &tokio_postgres::Error) -> Failure {
        let code = error.as_db_error().map(|error| error.code().code());
        let why = match (error.as_db_error(), std::error::Error::source(error)) {
            (Some(error), _) => error.message().to_owned(),
            (None, Some(source)) => format!("{error}: {source}"),
            (None, None) => error.to_string(),
        };
        // The client itself finds that the server asks for a password and the URL has none.
        let lacks_password = code.is_none() && why.contains("password missing");
        // A pooler may answer a wrong password with the code of a protocol violation.
        let is_of_pooler = code == Some("08P01") && why.contains("auth");
        let code = if lacks_password || is_of_pooler { Some("28P01") } else { code };
        let advice = match code {
            Some("42P01") => "create the table with `tokenlease store init` or its migration",
            Some("28P01" | "28000") => {
                "give the right user in the URL, and its password there or by --store-password-file"
            }
            Some("42501") => "grant select, insert, update and delete on table tokenlease",
            Some("53100") => "free the disk of the server",
            Some("25006") => "name the primary server, or add target_session_attrs=read-write",
            _ => "check the server and the network to it; the client retries by itself",
        };
        let password = self.config.get_password().unwrap_or_default();
        let password = String::from_utf8_lossy(password);
        let error =
            Error::new(ErrorKind::Store, format!("PostgreSQL at {}: {what}: {why}", self.hosts))
                .redact(&[&*password])
                .advice(advice);
        let error = match code.filter(|code| is_rejection(code)) {
            Some(code) => error.with_code(code),
            None => error,
        };
        Failure { remedy: remedy(code), error }
    }
}

impl Connect for Inner {
    type Connection = Client;

    async fn connect(&self) -> Result<Client> {
        let failed = |error: tokio_postgres::Error| {
            tls::fault(&format!("PostgreSQL at {}", self.hosts), &error)
                .unwrap_or_else(|| self.failure("connecting failed", &error).error)
        };
        let config = with_addresses(&self.config, &self.hosts).await?;
        match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
                drive(connection);
                Ok(client)
            }
            Some(trust) => {
                let tls = MakeRustlsConnect::new(trust.clone());
                let (client, connection) = config.connect(tls).await.map_err(failed)?;
                drive(connection);
                Ok(client)
            }
        }
    }

    async fn answers(&self, client: &Client) -> bool {
        client.check_connection().await.is_ok()
    }
}

/// Returns what a call that failed with that SQLSTATE needs before it can be repeated. Without one,
/// the connection failed.
fn remedy(code: Option<&str>) -> Remedy {
    match code {
        // The server lost a race: a serialization failure or a deadlock.
        Some("40001" | "40P01") => Remedy::Repeat,
        // The server has been a standby since a failover.
        None | Some("25006") => Remedy::Reconnect,
        // The server closes the connection, or the connection failed.
        Some(code) if code.starts_with("57P") || code.starts_with("08") => Remedy::Reconnect,
        Some(_) => Remedy::None,
    }
}

/// Returns whether an answer with that SQLSTATE does not change before a person corrects the server
/// or the options. A server that starts, shuts down, fails over or has no free connection is an
/// outage.
fn is_rejection(code: &str) -> bool {
    !matches!(code, "40001" | "40P01" | "25006" | "53300" | "55P03" | "57014")
        && !code.starts_with("57P")
        && !code.starts_with("08")
}

/// Starts a task that drives the connection until its client is dropped.
fn drive<S, T>(connection: Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // The next call fails too, and connects again.
            tracing::debug!(target: "tokenlease", "a connection to PostgreSQL ended: {error}");
        }
    });
}

fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| StoreError::Unavailable(unexpected().with_source(error)))
}

fn unexpected() -> Error {
    Error::new(ErrorKind::Store, "PostgreSQL's answer does not have the expected columns")
        .expected("the table `tokenlease` as the migration creates it")
}

impl Store for PostgresStore {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        self.0.load(name).await
    }

    fn after_fork(&self) -> Option<Self> {
        let Inner { config, tls, hosts, .. } = &*self.0;
        Some(Self::of(config.clone(), tls.as_ref().map(tls::after_fork), hosts.clone()))
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        self.0.swap(name, expected, record, keep).await
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        if self.0.seen_locks.is_taken(name, owner) {
            return Ok(Locked::Busy);
        }
        self.0.run_lock_statement(LOCK, name, owner, ttl).await
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.0.run_lock_statement(RENEW, name, owner, ttl).await
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        let (key, owner) = (name.key(), owner.as_str());
        let parameters: [Parameter<'_>; 2] = [(&key, Type::TEXT), (&owner, Type::TEXT)];
        self.0.seen_locks.note(name, None);
        self.0.query(UNLOCK, &parameters).await.map(|_| ())
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("hosts", &self.0.hosts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: no error and no Debug text of the PostgreSQL store shows its password.
    ///
    /// Reported as seanmonstar/reqwest#2971
    #[test]
    fn neither_errors_nor_debug_of_postgres_show_the_password() {
        for url in [
            "postgres://u:canary@",
            "postgres://u:canary@h:x/d",
            "postgres://u:canary@h/d?sslmode=canary",
            "postgres://u:canary@h/d?passwort=canary",
        ] {
            let error = PostgresStore::open(url, &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let store = PostgresStore::open("postgres://u:canary@127.0.0.1:7/d", &[]).unwrap();
        assert!(!format!("{store:?}").contains("canary"));
    }
}
