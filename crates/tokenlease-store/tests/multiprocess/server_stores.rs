//! The stores in Redis and PostgreSQL against real servers.

use tokenlease::core::Error;
use tokenlease_test_servers::Running;

/// Checks that a certificate that is not trusted has the sentence of its cause, and that the server's
/// own certificate is trusted as an extra CA. `load` reads a record from the store at a URL.
async fn checks_trust<T: Future<Output = Result<(), Error>>>(
    server: &Running,
    load: impl Fn(String, Vec<Vec<u8>>) -> T,
) {
    let url = server.secure_url();
    load(url.clone(), vec![server.certificate()]).await.unwrap();
    let elsewhere = url.replace("127.0.0.1", "localhost");
    for (url, cas, words) in [
        (url, vec![], ["without that of its issuer", "extra CA"]),
        (elsewhere, vec![server.authority()], ["for another host", "host name"]),
    ] {
        let text = load(url, cas).await.unwrap_err().to_string();
        assert!(words.iter().all(|words| text.contains(words)), "{words:?}: {text}");
        assert!(!text.contains("canary") && !text.contains("InvalidCertificate"), "{text}");
    }
}

mod redis {
    use std::time::Duration;

    use tokenlease::{
        Store, conformance,
        core::Identity,
        store::{Owner, RecordName, StoreError},
    };
    use tokenlease_store::RedisStore;

    use tokenlease_test_servers as servers;

    const UNIT: Duration = Duration::from_millis(300);

    /// Rule: Store: Redis and Valkey pass the conformance checks of every store.
    #[tokio::test]
    async fn redis_passes_the_conformance_checks() {
        let Some(server) = servers::redis() else { return };
        let store = RedisStore::open(&server.url(), &[]).unwrap();
        conformance::all(&store, UNIT, tokio::time::sleep).await;
    }

    /// Rule: Fork: a forked child uses its parent's Redis on separate connections.
    #[tokio::test]
    async fn redis_passes_the_conformance_checks_after_a_fork() {
        let Some(server) = servers::redis() else { return };
        let store = RedisStore::open(&server.url(), &[]).unwrap();
        let name = RecordName::new(Identity::wyn("https://h", "u", "c").unwrap());
        store.swap(&name, None, b"record", None).await.unwrap();
        let child = store.after_fork().unwrap();
        let (of_child, of_parent) = (child.load(&name).await, store.load(&name).await);
        assert_eq!(of_child.unwrap().record, of_parent.unwrap().record);
        conformance::all(&child, UNIT, tokio::time::sleep).await;
        let store = RedisStore::open(&server.secure_url(), &[server.authority()]).unwrap();
        assert!(store.load(&name).await.unwrap().record.is_some());
        assert!(store.after_fork().unwrap().load(&name).await.unwrap().record.is_some());
    }

    /// Rule: Secrets: a connection to Redis over TLS checks the server's certificate, with the error
    /// sentences and the trust of the client. A fault of the certificates is a rejection that names it, and
    /// no outage, and no error shows the password.
    #[tokio::test]
    async fn redis_over_tls_checks_the_servers_certificate() {
        let Some(server) = servers::redis() else { return };
        let name = RecordName::new(Identity::wyn("https://h", "u", "c").unwrap());
        let store = RedisStore::open(&server.secure_url(), &[server.authority()]).unwrap();
        assert!(store.load(&name).await.unwrap().record.is_none());
        let elsewhere = servers::redis().unwrap();
        let store = RedisStore::open(&server.secure_url(), &[elsewhere.authority()]).unwrap();
        let error = store.load(&name).await.unwrap_err();
        assert!(matches!(error, StoreError::Rejected(_)), "{error:?}");
        assert!(error.to_string().contains("another key"), "{error}");
        let name = &name;
        super::checks_trust(&server, |url, cas| async move {
            RedisStore::open(&url, &cas)?.load(name).await.map(drop).map_err(Into::into)
        })
        .await;
        let wrong = server.url().replace("canary", "dog");
        let error = RedisStore::open(&wrong, &[]).unwrap().load(name).await.unwrap_err();
        assert!(error.to_string().contains("--store-password-file"), "{error}");
        assert!(!error.to_string().contains("dog"), "{error}");
    }

    /// Rule: Outage: the Redis store connects again by itself, and loads its scripts again.
    #[tokio::test]
    async fn the_redis_store_recovers_from_lost_connections_and_scripts() {
        let Some(server) = servers::redis() else { return };
        let store = RedisStore::open(&server.url(), &[]).unwrap();
        let name = RecordName::new(Identity::wyn("https://h", "u", "c").unwrap());
        let owner = Owner::new(1);
        store.lock(&name, &owner, UNIT).await.unwrap();
        // The server discards the scripts and closes every connection.
        let url = server.url();
        let client = ::redis::Client::open(url).unwrap();
        let mut admin = client.get_multiplexed_async_connection().await.unwrap();
        let _: () = ::redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut admin).await.unwrap();
        let kill = ::redis::cmd("CLIENT").arg(&["KILL", "SKIPME", "yes"]).clone();
        let _: () = kill.query_async(&mut admin).await.unwrap();
        store.renew(&name, &owner, UNIT).await.unwrap();
        // A call to a server that does not answer times out; later calls work again.
        server.signal(rustix::process::Signal::STOP);
        assert!(store.load(&name).await.is_err());
        server.signal(rustix::process::Signal::CONT);
        assert!(store.load(&name).await.unwrap().record.is_none());
    }
}

mod postgres {
    use std::time::Duration;

    use rustix::process::Signal;
    use tokenlease::{
        Store, conformance,
        core::Identity,
        store::{Locked, Owner, RecordName, StoreError, Swapped},
    };
    use tokenlease_store::PostgresStore;

    use tokenlease_test_servers as servers;

    const UNIT: Duration = Duration::from_millis(300);

    fn name(user: &str) -> RecordName {
        RecordName::new(Identity::wyn("https://h", user, "c").unwrap())
    }

    /// Rule: Lock: in PostgreSQL, a process that waits for a lock does not lock the row against the
    /// lock's owner: the read of the record tells that the lock is taken.
    #[tokio::test]
    async fn a_process_that_waits_for_a_lock_does_not_lock_the_row() {
        let Some(server) = servers::postgres() else { return };
        let url = server.url();
        let store = PostgresStore::open(&url, &[]).unwrap();
        store.init().await.unwrap();
        let name = RecordName::new(Identity::wyn("https://h", "u", "c").unwrap());
        let (owner, other) = (Owner::new(1), Owner::new(2));
        store.lock(&name, &owner, UNIT * 1000).await.unwrap();
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        // The last transaction that changed or locked the row.
        let last = async || -> String {
            let statement = "select xmax::text || ' ' || xmin::text from tokenlease";
            client.query_one(statement, &[]).await.unwrap().get(0)
        };
        // On a busy machine, a read may be too old when the lock is tried.
        let mut unchanged = 0;
        for _ in 0..20 {
            let before = last().await;
            store.load(&name).await.unwrap();
            assert_eq!(store.lock(&name, &other, UNIT).await.unwrap(), Locked::Busy);
            unchanged += u32::from(last().await == before);
        }
        assert!(unchanged > 0);
        // Only one call relies on the read.
        let before = last().await;
        assert_eq!(store.lock(&name, &other, UNIT).await.unwrap(), Locked::Busy);
        assert_ne!(last().await, before);
        store.load(&name).await.unwrap();
        store.unlock(&name, &owner).await.unwrap();
        assert_eq!(store.lock(&name, &other, UNIT).await.unwrap(), Locked::Granted);
    }

    /// Rule: Store: PostgreSQL passes the conformance checks of every store.
    #[tokio::test(flavor = "multi_thread")]
    async fn postgres_passes_the_conformance_checks() {
        let Some(server) = servers::postgres() else { return };
        let store = PostgresStore::open(&server.url(), &[]).unwrap();
        let error = store.load(&name("u")).await.unwrap_err();
        assert!(error.to_string().contains("tokenlease store init"), "{error}");
        let (one, other) = tokio::join!(store.init(), store.init());
        one.and(other).unwrap();
        store.init().await.unwrap();
        conformance::all(&store, UNIT, tokio::time::sleep).await;
    }

    /// Rule: Fork: a forked child uses its parent's PostgreSQL on a separate connection.
    #[tokio::test(flavor = "multi_thread")]
    async fn postgres_passes_the_conformance_checks_after_a_fork() {
        let Some(server) = servers::postgres() else { return };
        let store = PostgresStore::open(&server.url(), &[]).unwrap();
        store.init().await.unwrap();
        let child = store.after_fork().unwrap();
        conformance::all(&child, UNIT, tokio::time::sleep).await;
    }

    /// Rule: Store: PostgreSQL behind a pooler in transaction mode passes the conformance checks.
    #[tokio::test(flavor = "multi_thread")]
    async fn postgres_behind_a_transaction_pooler_passes_the_conformance_checks() {
        let Some(server) = servers::postgres() else { return };
        let Some(pooler) = servers::pooler(&server) else { return };
        let store = PostgresStore::open(&pooler.url(), &[]).unwrap();
        store.init().await.unwrap();
        conformance::all(&store, UNIT, tokio::time::sleep).await;
        // More clients than the pooler has connections, each with its own statements.
        let stores: Vec<_> =
            (0..8).map(|_| PostgresStore::open(&pooler.url(), &[]).unwrap()).collect();
        let tasks = stores.into_iter().map(|store| {
            tokio::spawn(async move {
                for user in 0..20 {
                    store.load(&name(&user.to_string())).await.unwrap();
                    store.lock(&name(&user.to_string()), &Owner::new(1), UNIT).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }

    /// Rule: Secrets: a connection to PostgreSQL over TLS checks the server's certificate, with the error
    /// sentences and the trust of the client. A fault of the certificates is a rejection that names it, and
    /// no outage.
    #[tokio::test(flavor = "multi_thread")]
    async fn postgres_over_tls_checks_the_servers_certificate() {
        let Some(server) = servers::postgres() else { return };
        let store = PostgresStore::open(&server.secure_url(), &[server.authority()]).unwrap();
        store.init().await.unwrap();
        assert!(store.load(&name("u")).await.unwrap().record.is_none());
        let elsewhere = servers::postgres().unwrap();
        let store = PostgresStore::open(&server.secure_url(), &[elsewhere.authority()]).unwrap();
        let error = store.load(&name("u")).await.unwrap_err();
        assert!(matches!(error, StoreError::Rejected(_)), "{error:?}");
        assert!(error.to_string().contains("another key"), "{error}");
        super::checks_trust(&server, |url, cas| async move {
            PostgresStore::open(&url, &cas)?.load(&name("u")).await.map(drop).map_err(Into::into)
        })
        .await;
    }

    /// Rule: Store: PostgreSQL deletes records and locks a day after they expired.
    ///
    /// Reported as DuendeArchive/Support#455
    #[tokio::test(flavor = "multi_thread")]
    async fn postgres_deletes_rows_that_expired_long_ago() {
        let Some(server) = servers::postgres() else { return };
        let store = PostgresStore::open(&server.url(), &[]).unwrap();
        store.init().await.unwrap();
        let (admin, connection) =
            tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        store.swap(&name("old"), None, b"record", Some(UNIT)).await.unwrap();
        store.swap(&name("kept"), None, b"record", None).await.unwrap();
        store.lock(&name("locked"), &Owner::new(1), UNIT).await.unwrap();
        admin.batch_execute("update tokenlease set ends_at = 0 where ends_at > 0").await.unwrap();
        let mut revision = None;
        for _ in 0..2000 {
            match store.swap(&name("busy"), revision, b"record", None).await.unwrap() {
                Swapped::Done { revision: new, .. } => revision = Some(new),
                Swapped::Conflict(loaded) => panic!("there is no other writer: {loaded:?}"),
            }
        }
        let rows = admin.query_one("select count(*) from tokenlease", &[]).await.unwrap();
        assert_eq!(rows.get::<_, i64>(0), 3, "the expired record is gone");
    }

    /// Rule: Outage: the PostgreSQL store connects again by itself.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_recovers_from_lost_connections() {
        let Some(server) = servers::postgres() else { return };
        let store = PostgresStore::open(&server.url(), &[]).unwrap();
        store.init().await.unwrap();
        let (admin, connection) =
            tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let owner = Owner::new(1);
        for _ in 0..3 {
            store.lock(&name("u"), &owner, UNIT).await.unwrap();
            let end = "select pg_terminate_backend(pid) from pg_stat_activity \
                       where pid <> pg_backend_pid() and application_name = 'tokenlease'";
            admin.batch_execute(end).await.unwrap();
        }
        // This stops all of the server's processes, also the one behind the connection.
        server.signal(Signal::STOP);
        assert!(store.load(&name("u")).await.is_err());
        server.signal(Signal::CONT);
        assert!(store.load(&name("u")).await.unwrap().record.is_none());
    }
}
