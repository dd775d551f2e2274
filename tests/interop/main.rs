//! `OAuth2` servers of other projects: a token's whole lifetime and every error, through the client, the
//! exchanges and the program.

mod discovery;
mod errors;
mod life;
mod page;
mod trial;

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use tokenlease_tests::servers::{self, Running, TestServer};

/// Starts a server once for all tests. It ends with this process, which closes its standard input.
fn start(server: &TestServer) -> &'static Result<Running, String> {
    type Started = OnceLock<Result<Running, String>>;
    static STARTED: Mutex<BTreeMap<String, &'static Started>> = Mutex::new(BTreeMap::new());
    let started = *STARTED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(server.name.clone())
        .or_insert_with(|| Box::leak(Box::default()));
    started.get_or_init(|| server.start())
}

/// Runs `act` with each server that this machine can install, all at once.
fn with_each<R: Send>(act: impl Fn(&TestServer, &Running) -> R + Sync) -> Vec<(TestServer, R)> {
    let wanted: Vec<_> = servers::all().into_iter().filter(TestServer::is_wanted).collect();
    assert!(!wanted.is_empty(), "there is no such server under test");
    thread::scope(|scope| {
        let started: Vec<_> = wanted
            .into_iter()
            .map(|server| {
                let act = &act;
                scope.spawn(move || match start(&server) {
                    Ok(running) => {
                        let done = act(&server, running);
                        Some((server, done))
                    }
                    Err(why) => {
                        assert!(!servers::all_must_run(), "{}: {why}", server.name);
                        eprintln!("skipped: {}: {why}", server.name);
                        None
                    }
                })
            })
            .collect();
        started
            .into_iter()
            .filter_map(|thread| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

/// Rule: Login: a token can be obtained, used, validated and revoked at every OAuth2 server under test,
/// through the client, the exchanges and the program.
#[test]
fn a_token_is_obtained_used_and_revoked_at_every_server() {
    with_each(life::run);
}

/// Rule: Languages: every error of every OAuth2 server under test has the same kind in the client, the
/// exchange and the program.
#[test]
fn every_error_of_every_server_has_the_same_kind_in_client_exchange_and_program() {
    for (server, found) in with_each(errors::run) {
        let lines = found.lines();
        insta::with_settings!({ snapshot_path => "../snapshots" }, {
            insta::assert_snapshot!(server.name.as_str(), lines);
        });
    }
    page::check();
}

/// Rule: Discovery: a token is obtained, validated and revoked with the server's address alone, at every
/// OAuth2 server under test that has a discovery document.
#[test]
fn the_address_of_a_server_with_a_discovery_document_is_enough() {
    let found = with_each(discovery::run);
    discovery::check(&found.into_iter().map(|(server, outcome)| (server.name, outcome)).collect());
}
