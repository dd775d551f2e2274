//! The store in PostgreSQL (12 and later), for many hosts.
//!
//! One table, `tokenlease`, made by [`MIGRATION`], has a row for each identity: its record with
//! revision and end, and its lock with owner and end. Each call is one statement, and time is the
//! server's (`clock_timestamp()`). No call leaves anything in the session, so it works through a
//! pooler that lends connections for a transaction. The user needs `select, insert, update,
//! delete` on the table. A lock whose owner died ends by time, 30 s after it was taken unless the
//! client says otherwise.

mod sql;

use std::{fmt, sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokenlease::{
    Error, ErrorKind, Result, Store,
    core::StoreTime,
    store::{BoxFuture, Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};
use tokio_postgres::{
    Client, Config, Connection, NoTls, Row,
    config::{Host, SslMode},
    types::{ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

pub use self::sql::MIGRATION;
use self::sql::{ANY, CLEAR, INSERT, LOAD, LOCK, RENEW, UNLOCK, UPDATE};
use crate::{
    connection::{Failure, LIMIT, Slot, bad_url, millis},
    tls,
};

const URL: &str = "postgres://user:password@host:5432/database";
/// What ended is cleared away with one in so many writes.
const CLEAR_EVERY: u64 = 64;

/// A PostgreSQL database that many hosts share. It keeps records as they are: wrap it in
/// [`Sealed`](crate::Sealed), or let [`open`](crate::open()) do so.
///
/// It connects when it is first used, and again by itself where a connection broke.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    config: Config,
    tls: Option<ClientConfig>,
    /// For people: the hosts, without what is secret.
    hosts: String,
    slot: Slot<Client>,
}

type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

impl PostgresStore {
    /// The store at `postgres://USER:PASSWORD@HOST[:PORT]/DATABASE[?OPTIONS]`, with the options of
    /// libpq that [`tokio_postgres::Config`] knows. Hosts other than this one are reached over TLS
    /// and their certificates checked, unless `sslmode=disable` (or `prefer`) is among the options.
    /// The authorities of the system are trusted, and those in the PEM texts `extra_cas`. Nothing
    /// is sent yet.
    ///
    /// # Errors
    /// `Config` if the URL can't be read, or for authorities that are of no use.
    pub fn open(url: &str, extra_cas: &[Vec<u8>]) -> Result<Self> {
        let bad = |why: &str| bad_url(why, URL);
        let mut url = Url::parse(url).map_err(|error| bad(&format!("can't be read: {error}")))?;
        let mode = strict(&mut url);
        let mut config: Config = url.as_str().parse().map_err(|error: tokio_postgres::Error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            bad(&format!("is of no use: {}", why.unwrap_or_else(|| error.to_string())))
                .redact(&[url.password().unwrap_or_default()])
        })?;
        let name = |host: &Host| match host {
            Host::Tcp(host) => host.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        let hosts: Vec<String> = config.get_hosts().iter().map(name).collect();
        if hosts.is_empty() {
            return Err(bad("names no host"));
        }
        match mode {
            Some(()) => {}
            None if hosts.iter().all(|host| tls::is_local(host)) => {
                config.ssl_mode(SslMode::Disable);
            }
            None => {
                config.ssl_mode(SslMode::Require);
            }
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(LIMIT);
        }
        if config.get_application_name().is_none() {
            config.application_name("tokenlease");
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(tls::config(extra_cas)?),
        };
        let hosts = hosts.join(", ");
        Ok(Self(Arc::new(Inner { config, tls, hosts, slot: Slot::new() })))
    }

    /// What makes the table, for those who apply it themselves.
    pub fn migration() -> &'static str {
        MIGRATION
    }

    /// Makes the table, if it does not exist.
    ///
    /// # Errors
    /// `Store` if the server can't be reached, or the user may not do so.
    pub async fn init(&self) -> Result<()> {
        let inner = &self.0;
        let call = |client: Arc<Client>| async move {
            // Two who make it at once collide in the catalogue: the second time it is there.
            match client.batch_execute(MIGRATION).await {
                Err(error) if error.as_db_error().is_some() => {
                    client.batch_execute(MIGRATION).await
                }
                result => result,
            }
            .map_err(|error| inner.failure("making the table failed", &error))
        };
        Ok(inner.slot.call(|| inner.connect(), call).await?)
    }

    /// Whether somebody wrote a record here that is of use still.
    pub(crate) async fn holds_records(&self) -> Result<bool> {
        Ok(self.0.ask(ANY, &[]).await?.is_some())
    }
}

/// What `verify-ca` and `verify-full` ask for is done anyway. Says whether a mode was given.
fn strict(url: &mut Url) -> Option<()> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let given = pairs.iter().any(|(name, _)| name == "sslmode");
    if pairs.is_empty() {
        return None;
    }
    let mut query = url.query_pairs_mut();
    query.clear();
    for (name, value) in &pairs {
        let verify = name == "sslmode" && value.starts_with("verify-");
        query.append_pair(name, if verify { "require" } else { value });
    }
    given.then_some(())
}

impl Inner {
    /// Asks one statement, in one round trip and without a prepared one.
    async fn ask(
        &self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Option<Row>, StoreError> {
        let call = |client: Arc<Client>| async move {
            let rows = client.query_typed(statement, parameters).await;
            rows.map(|rows| rows.into_iter().next())
                .map_err(|error| self.failure("a call failed", &error))
        };
        self.slot.call(|| self.connect(), call).await
    }

    async fn connect(&self) -> Result<Client> {
        let failed = |error: tokio_postgres::Error| self.failure("connecting failed", &error).error;
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
                drive(connection);
                Ok(client)
            }
            Some(config) => {
                let tls = MakeRustlsConnect::new(config.clone());
                let (client, connection) = self.config.connect(tls).await.map_err(failed)?;
                drive(connection);
                Ok(client)
            }
        }
    }

    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        let row = self.ask(LOAD, &[(&name.key(), Type::TEXT)]).await?;
        let row = row.ok_or_else(|| StoreError::Away(unexpected()))?;
        let revision: Option<i64> = get(&row, 1)?;
        let record: Option<Vec<u8>> = get(&row, 2)?;
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
        let Some(row) = self.ask(statement, &parameters).await? else {
            return self.load(name).await.map(Swapped::Conflict);
        };
        let revision = get::<i64>(&row, 1)?.cast_unsigned();
        if revision.is_multiple_of(CLEAR_EVERY) {
            // What fails now is done by a later write.
            let _ = self.ask(CLEAR, &[]).await;
        }
        Ok(Swapped::Done { revision, now: StoreTime(get(&row, 0)?) })
    }

    async fn hold(
        &self,
        statement: &'static str,
        name: &RecordName,
        owner: &Owner,
        life: Duration,
    ) -> Result<Locked, StoreError> {
        let (key, owner, life) = (name.key(), owner.as_str(), millis(life));
        let parameters: [Parameter<'_>; 3] =
            [(&key, Type::TEXT), (&owner, Type::TEXT), (&life, Type::INT8)];
        let row = self.ask(statement, &parameters).await?;
        Ok(if row.is_some() { Locked::Granted } else { Locked::Busy })
    }

    fn failure(&self, what: &str, error: &tokio_postgres::Error) -> Failure {
        let code = error.as_db_error().map(|error| error.code().code());
        let why = match (error.as_db_error(), std::error::Error::source(error)) {
            (Some(error), _) => error.message().to_owned(),
            (None, Some(source)) => format!("{error}: {source}"),
            (None, None) => error.to_string(),
        };
        let advice = match code {
            Some("42P01") => "make the table: `tokenlease store init`, or apply its migration",
            Some("28P01" | "28000") => "give the right user and password in the URL",
            Some("42501") => "grant select, insert, update and delete on table tokenlease",
            Some("25006") => "name the primary server, or add target_session_attrs=read-write",
            _ => "look at the server and the network to it; all comes back by itself",
        };
        let password = self.config.get_password().unwrap_or_default();
        let password = String::from_utf8_lossy(password);
        Failure {
            // The server ends it (57P), it never was one (08), or it leads to a standby by now.
            broken: code.is_none_or(|code| {
                code.starts_with("57P") || code.starts_with("08") || code == "25006"
            }),
            error: Error::new(
                ErrorKind::Store,
                format!("PostgreSQL at {}: {what}: {why}", self.hosts),
            )
            .redact(&[&*password])
            .advice(advice),
        }
    }
}

/// Moves the connection's bytes until its client is dropped.
fn drive<S, T>(connection: Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // Who calls next meets it too, and connects anew.
            tracing::debug!(target: "tokenlease", "a connection to PostgreSQL ended: {error}");
        }
    });
}

fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| StoreError::Away(unexpected().with_source(error)))
}

fn unexpected() -> Error {
    Error::new(ErrorKind::Store, "PostgreSQL answered something else than was asked")
        .expected("the table as the migration makes it")
}

impl Store for PostgresStore {
    fn load<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        Box::pin(self.0.load(name))
    }

    fn swap<'a>(
        &'a self,
        name: &'a RecordName,
        expected: Option<u64>,
        record: &'a [u8],
        keep: Option<Duration>,
    ) -> BoxFuture<'a, Result<Swapped, StoreError>> {
        Box::pin(self.0.swap(name, expected, record, keep))
    }

    fn lock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, Result<Locked, StoreError>> {
        Box::pin(self.0.hold(LOCK, name, owner, life))
    }

    fn renew<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, Result<Locked, StoreError>> {
        Box::pin(self.0.hold(RENEW, name, owner, life))
    }

    fn unlock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (key, owner) = (name.key(), owner.as_str());
            let parameters: [Parameter<'_>; 2] = [(&key, Type::TEXT), (&owner, Type::TEXT)];
            self.0.ask(UNLOCK, &parameters).await.map(|_| ())
        })
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

    #[test]
    fn lesson_1_no_password_is_in_an_error_or_in_debug() {
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

    #[test]
    fn other_hosts_are_reached_over_tls_unless_the_url_says_otherwise() {
        let mode = |url: &str| {
            let mut url = Url::parse(url).unwrap();
            (strict(&mut url), url.query().map(str::to_owned))
        };
        let full = "postgres://h/d?sslmode=verify-full&connect_timeout=1";
        assert_eq!(mode(full), (Some(()), Some("sslmode=require&connect_timeout=1".into())));
        assert_eq!(mode("postgres://h/d"), (None, None));
        let local = PostgresStore::open("postgres://u@localhost/d", &[]).unwrap();
        assert_eq!(local.0.config.get_ssl_mode(), SslMode::Disable);
        let plain = PostgresStore::open("postgres://u@db.example/d?sslmode=disable", &[]).unwrap();
        assert_eq!(plain.0.config.get_ssl_mode(), SslMode::Disable);
    }
}
