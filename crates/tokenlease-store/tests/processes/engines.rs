//! The engines for many hosts against real servers.

#[cfg(feature = "redis")]
mod redis {
    use std::time::Duration;

    use tokenlease::{
        Store, conformance,
        core::Identity,
        store::{Owner, RecordName},
    };
    use tokenlease_store::RedisStore;

    use crate::servers;

    const UNIT: Duration = Duration::from_millis(300);

    #[tokio::test]
    async fn redis_is_a_store() {
        let Some(server) = servers::redis() else { return };
        let store = RedisStore::open(&server.url(), &[]).unwrap();
        conformance::all(&store, UNIT, tokio::time::sleep).await;
    }

    #[tokio::test]
    async fn redis_comes_back_by_itself_and_scripts_with_it() {
        let Some(server) = servers::redis() else { return };
        let store = RedisStore::open(&server.url(), &[]).unwrap();
        let name = RecordName::new(Identity::wyn("https://h", "u", "c").unwrap());
        let owner = Owner::new(1);
        store.lock(&name, &owner, UNIT).await.unwrap();
        // The server forgets the scripts and ends every connection.
        let url = server.url();
        let client = ::redis::Client::open(url).unwrap();
        let mut admin = client.get_multiplexed_async_connection().await.unwrap();
        let _: () = ::redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut admin).await.unwrap();
        let kill = ::redis::cmd("CLIENT").arg(&["KILL", "SKIPME", "yes"]).clone();
        let _: () = kill.query_async(&mut admin).await.unwrap();
        store.renew(&name, &owner, UNIT).await.unwrap();
        // One that does not answer is given up in time, and used again when it does.
        server.signal(rustix::process::Signal::STOP);
        let began = std::time::Instant::now();
        assert!(store.load(&name).await.is_err());
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        server.signal(rustix::process::Signal::CONT);
        assert!(store.load(&name).await.unwrap().record.is_none());
    }
}
