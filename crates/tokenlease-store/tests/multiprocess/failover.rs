//! The stores on servers that fail over: replicas, sentinels, clusters and standbys.

use std::{fmt::Debug, time::Duration};

use redis::{FromRedisValue, aio::MultiplexedConnection};
use tokenlease::{
    Store,
    core::Identity,
    store::{RecordName, StoreError, Swapped},
};
use tokenlease_store::{PostgresStore, RedisStore};
use tokenlease_test_servers as servers;

fn name(user: &str) -> RecordName {
    RecordName::new(Identity::wyn("https://h", user, "c").unwrap())
}

/// Repeats a call until a failover has ended, as a client does.
async fn eventually<R: Debug, E: Debug>(mut call: impl AsyncFnMut() -> Result<R, E>) -> R {
    let began = std::time::Instant::now();
    loop {
        match call().await {
            Ok(result) => return result,
            Err(error) if began.elapsed() > Duration::from_secs(60) => panic!("{error:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn admin(server: &servers::Running) -> MultiplexedConnection {
    try_admin(server).await.unwrap()
}

async fn try_admin(server: &servers::Running) -> redis::RedisResult<MultiplexedConnection> {
    let url = server.url().rsplit_once('/').unwrap().0.to_owned();
    let url = if url.ends_with('/') { server.url() } else { url };
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await
}

async fn send<R: FromRedisValue>(to: &mut MultiplexedConnection, words: &str) -> R {
    try_send(to, words).await.unwrap()
}

async fn try_send<R: FromRedisValue>(
    to: &mut MultiplexedConnection,
    words: &str,
) -> redis::RedisResult<R> {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    command.arg(words.collect::<Vec<_>>()).query_async(to).await
}

/// Repeats a question until the answer contains a text. Failovers close connections, so each time
/// on a new one.
async fn wait_for(server: &servers::Running, words: &str, part: &str) {
    eventually(async || {
        let ask = async { try_send::<String>(&mut try_admin(server).await?, words).await };
        let text = ask.await.map_err(|error| error.to_string())?;
        if text.contains(part) { Ok(()) } else { Err(text) }
    })
    .await;
}

async fn put(store: &impl Store, user: &str) -> Result<Swapped, StoreError> {
    let loaded = store.load(&name(user)).await?;
    let revision = loaded.record.map(|record| record.revision());
    store.swap(&name(user), revision, b"record", None).await
}

/// Makes the second server a replica of the first, and waits until it has all records.
async fn replicate(primary: &servers::Running, replica: &servers::Running) {
    let () =
        send(&mut admin(replica).await, &format!("REPLICAOF 127.0.0.1 {}", primary.port())).await;
    wait_for(replica, "INFO replication", "master_link_status:up").await;
}

/// Rule: Outage: after a failover made the Redis server a replica, the error of a write names the
/// primary as the right server, and the next write after its promotion succeeds.
#[tokio::test]
async fn a_redis_server_that_became_a_replica_is_used_again_after_its_promotion() {
    let (Some(server), Some(other)) = (servers::redis(), servers::redis()) else { return };
    let store = RedisStore::open(&server.url(), &[]).unwrap();
    put(&store, "u").await.unwrap();
    replicate(&other, &server).await;
    let error = put(&store, "u").await.unwrap_err();
    assert!(error.to_string().contains("name the primary server"), "{error}");
    let () = send(&mut admin(&server).await, "REPLICAOF NO ONE").await;
    put(&store, "u").await.unwrap();
}

/// Rule: Outage: a demoted Redis server that answers `READONLY` on an open connection is left, and
/// the call is repeated on a connection to the new primary.
#[tokio::test]
async fn a_write_that_a_demoted_server_rejects_is_repeated_at_the_new_primary() {
    let (Some(one), Some(two)) = (servers::redis(), servers::redis()) else { return };
    replicate(&one, &two).await;
    let Some(sentinel) = servers::sentinel(&one, "tokens") else { return };
    let url = format!(
        "redis+sentinel://:canary@127.0.0.1:1,127.0.0.1:{}/tokens/1?sentinel_password=sentinel",
        sentinel.port()
    );
    let store = RedisStore::open(&url, &[]).unwrap();
    put(&store, "u").await.unwrap();
    wait_for(&sentinel, "INFO sentinel", "slaves=1").await;
    let watch = admin(&sentinel).await;
    let () = eventually(async || {
        redis::cmd("SENTINEL").arg(&["FAILOVER", "tokens"]).query_async(&mut watch.clone()).await
    })
    .await;
    wait_for(&one, "INFO replication", "role:slave").await;
    wait_for(&two, "INFO replication", "role:master").await;
    let revision = eventually(async || match put(&store, "u").await? {
        Swapped::Done { revision, .. } => Ok::<_, StoreError>(revision),
        Swapped::Conflict(loaded) => panic!("there is no other writer: {loaded:?}"),
    })
    .await;
    // The new primary has the record.
    let direct = RedisStore::open(&two.url(), &[]).unwrap();
    assert_eq!(direct.load(&name("u")).await.unwrap().record.unwrap().revision(), revision);
}

/// Rule: Outage: behind Redis Sentinel the store finds the new primary after the old one died, and a wrong
/// password of the sentinels names their option.
#[tokio::test]
async fn the_store_follows_the_sentinels_after_the_primary_died() {
    let (Some(one), Some(two)) = (servers::redis(), servers::redis()) else { return };
    replicate(&one, &two).await;
    let Some(sentinel) = servers::sentinel(&one, "tokens") else { return };
    let of = |name: &str, password: &str| {
        let port = sentinel.port();
        format!("redis+sentinel://:canary@127.0.0.1:{port}/{name}/1?sentinel_password={password}")
    };
    let wrong = RedisStore::open(&of("others", "sentinel"), &[]).unwrap();
    let error = put(&wrong, "u").await.unwrap_err().to_string();
    assert!(error.contains("does not know \"others\""), "{error}");
    let wrong = RedisStore::open(&of("tokens", "dog"), &[]).unwrap();
    let error = put(&wrong, "u").await.unwrap_err().to_string();
    assert!(error.contains("logging in failed") && !error.contains("dog"), "{error}");
    assert!(error.contains("Redis Sentinel at") && error.contains("sentinel_password"), "{error}");

    let store = RedisStore::open(&of("tokens", "sentinel"), &[]).unwrap();
    put(&store, "u").await.unwrap();
    wait_for(&sentinel, "INFO sentinel", "slaves=1").await;
    one.stop();
    eventually(async || put(&store, "u").await).await;
    let direct = RedisStore::open(&two.url(), &[]).unwrap();
    assert!(direct.load(&name("u")).await.unwrap().record.is_some());
}

/// Starts a cluster of three primaries that have a third of the slots each.
async fn cluster() -> Option<Vec<servers::Running>> {
    let nodes: Vec<_> = (0..3).map_while(|_| servers::redis_of_cluster()).collect();
    if nodes.len() < 3 {
        return None;
    }
    let ranges = ["0 5460", "5461 10922", "10923 16383"];
    for (node, range) in nodes.iter().zip(ranges) {
        let mut admin = admin(node).await;
        let () = send(&mut admin, &format!("CLUSTER ADDSLOTSRANGE {range}")).await;
        let () = send(&mut admin, &format!("CLUSTER MEET 127.0.0.1 {}", nodes[0].port())).await;
    }
    for node in &nodes {
        wait_for(node, "CLUSTER INFO", "cluster_state:ok").await;
        wait_for(node, "CLUSTER INFO", "cluster_known_nodes:3").await;
    }
    Some(nodes)
}

fn cluster_url(scheme: &str, ports: &[u16]) -> String {
    let hosts: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("{scheme}://:canary@{}", hosts.join(","))
}

/// Rule: Store: the store follows the redirections of a Redis cluster, also while a slot moves, and
/// passes the conformance checks there.
#[tokio::test]
async fn the_store_follows_the_redirections_of_a_redis_cluster() {
    let Some(nodes) = cluster().await else { return };
    let store = RedisStore::open(&cluster_url("redis", &[nodes[0].port()]), &[]).unwrap();
    tokenlease::conformance::all(&store, Duration::from_millis(300), tokio::time::sleep).await;
    for user in 0..20 {
        put(&store, &user.to_string()).await.unwrap();
    }
    // All nodes have some of the records.
    for node in &nodes {
        assert_ne!(send::<u32>(&mut admin(node).await, "DBSIZE").await, 0);
    }

    // One slot moves. Its key is not at its old server, which answers ASK.
    let moving = name("moving");
    let key = format!("tokenlease:{{{}}}:record", moving.key());
    let slot: u16 = send(&mut admin(&nodes[0]).await, &format!("CLUSTER KEYSLOT {key}")).await;
    let from = usize::from(slot > 5460) + usize::from(slot > 10922);
    let to = (from + 1) % 3;
    let (mut source, mut target) = (admin(&nodes[from]).await, admin(&nodes[to]).await);
    let source_id: String = send(&mut source, "CLUSTER MYID").await;
    let target_id: String = send(&mut target, "CLUSTER MYID").await;
    let () = send(&mut target, &format!("CLUSTER SETSLOT {slot} IMPORTING {source_id}")).await;
    let () = send(&mut source, &format!("CLUSTER SETSLOT {slot} MIGRATING {target_id}")).await;
    put(&store, "moving").await.unwrap();
    assert!(store.load(&moving).await.unwrap().record.is_some());
    for admin in [&mut target, &mut source] {
        let () = send(admin, &format!("CLUSTER SETSLOT {slot} NODE {target_id}")).await;
    }
    assert!(store.load(&moving).await.unwrap().record.is_some(), "MOVED to the new server");
}

/// Rule: Outage: a cluster's store turns to another server of its URL if one is down, and reports
/// the server whose slots nobody has.
#[tokio::test]
async fn a_cluster_is_used_through_another_server_of_the_url() {
    let Some(nodes) = cluster().await else { return };
    let ports = [1, nodes[1].port()];
    let store = RedisStore::open(&cluster_url("redis+cluster", &ports), &[]).unwrap();
    for user in 0..20 {
        put(&store, &user.to_string()).await.unwrap();
    }
    nodes[2].stop();
    let mut failed = 0;
    for user in 0..20 {
        failed += usize::from(put(&store, &user.to_string()).await.is_err());
    }
    assert_ne!(failed, 0, "the records of the server that is down");
}

async fn postgres_with_table() -> Option<(servers::Running, PostgresStore, tokio_postgres::Client)>
{
    let server = servers::postgres()?;
    let store = PostgresStore::open(&server.url(), &[]).unwrap();
    store.init().await.unwrap();
    let client = postgres_admin(&server).await;
    Some((server, store, client))
}

async fn postgres_admin(server: &servers::Running) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Rule: Store: a call to PostgreSQL that fails because of a concurrent one (a serialization failure
/// or a deadlock) is repeated once.
#[tokio::test(flavor = "multi_thread")]
async fn a_serialization_failure_or_deadlock_in_postgres_is_repeated_once() {
    let Some((_server, store, admin)) = postgres_with_table().await else { return };
    put(&store, "u").await.unwrap();
    // Each code is raised at the first write, and not at the second.
    let raise = "create sequence writes; \
        create function fail() returns trigger language plpgsql as $$ begin \
        if nextval('writes') = 1 then raise exception 'lost' using errcode = tg_argv[0]; end if; \
        return new; end $$;";
    admin.batch_execute(raise).await.unwrap();
    for (code, works) in [("40001", true), ("40P01", true), ("23514", false)] {
        let arm = format!(
            "alter sequence writes restart; drop trigger if exists lose on tokenlease; \
             create trigger lose before update on tokenlease for each row \
             execute function fail('{code}')"
        );
        admin.batch_execute(&arm).await.unwrap();
        assert_eq!(put(&store, "u").await.is_ok(), works, "{code}");
    }
}

/// Rule: Store: a write to PostgreSQL that loses against a concurrent one at a stricter isolation
/// level is a conflict, not an error.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_race_at_a_stricter_isolation_level_is_a_conflict() {
    let Some((server, _, admin)) = postgres_with_table().await else { return };
    let level = "alter role tokens set default_transaction_isolation = 'serializable'";
    admin.batch_execute(level).await.unwrap();
    let store = PostgresStore::open(&server.url(), &[]).unwrap();
    put(&store, "u").await.unwrap();
    let revision = store.load(&name("u")).await.unwrap().record.unwrap().revision();
    admin.batch_execute("begin; update tokenlease set revision = revision + 1").await.unwrap();
    let watch = postgres_admin(&server).await;
    let swap =
        tokio::spawn(async move { store.swap(&name("u"), Some(revision), b"record", None).await });
    eventually(async || {
        let waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' \
                       and application_name = 'tokenlease'";
        watch.query_opt(waiting, &[]).await.unwrap().ok_or(())
    })
    .await;
    admin.batch_execute("commit").await.unwrap();
    let swapped = swap.await.unwrap().unwrap();
    assert!(matches!(swapped, Swapped::Conflict(_)), "{swapped:?}");
}

/// Rule: Outage: after a PostgreSQL server became read-only or shut down, the call is repeated on a
/// connection to the server that can be written to.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_postgres_is_left_for_the_one_that_can_be_written_to() {
    let Some((one, _, admin)) = postgres_with_table().await else { return };
    let Some((two, other, _)) = postgres_with_table().await else { return };
    let url = format!(
        "postgres://tokens@127.0.0.1:{},127.0.0.1:{}/postgres?sslmode=disable\
         &target_session_attrs=read-write",
        one.port(),
        two.port()
    );
    let store = PostgresStore::open(&url, &[]).unwrap();
    put(&store, "u").await.unwrap();
    assert!(other.load(&name("u")).await.unwrap().record.is_none());
    // The server becomes read-only for its open connections, too.
    let read_only = "alter system set default_transaction_read_only = on";
    admin.batch_execute(read_only).await.unwrap();
    admin.batch_execute("select pg_reload_conf()").await.unwrap();
    eventually(async || {
        let row = admin.query_one("show transaction_read_only", &[]).await.unwrap();
        if row.get::<_, &str>(0) == "on" { Ok(()) } else { Err(()) }
    })
    .await;
    // A read works on both; a write goes to the second server.
    let swapped = eventually(async || {
        store.swap(&name("v"), None, b"record", None).await.map(|_| ())?;
        let found = other.load(&name("v")).await.unwrap().record;
        found.ok_or(StoreError::Unavailable(tokenlease::Error::new(
            tokenlease::ErrorKind::Store,
            "the open connection is not read-only yet",
        )))
    })
    .await;
    assert_eq!(swapped.bytes(), b"record");
}
