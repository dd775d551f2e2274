//! `OAuth2` servers of other projects: a token's whole lifetime and every error, through the client, the
//! exchanges and the program.

mod errors;
mod life;
mod page;
mod trial;

use std::{fmt::Write as _, thread};

use tokenlease_tests::servers::{self, Running, TestServer};

/// Runs `act` with each server that this machine can install, all at once.
fn with_each<R: Send>(act: impl Fn(&TestServer, &Running) -> R + Sync) -> Vec<(TestServer, R)> {
    let all = servers::all();
    assert!(!all.is_empty(), "there is no such server under test");
    thread::scope(|scope| {
        let started: Vec<_> = all
            .into_iter()
            .map(|server| {
                let act = &act;
                scope.spawn(move || match server.start() {
                    Ok(running) => {
                        let done = act(&server, &running);
                        Some((server, done))
                    }
                    Err(why) => {
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
    let all = with_each(errors::run);
    for (server, found) in &all {
        let mut lines = String::new();
        for (case, outcome) in &found.0 {
            writeln!(lines, "{case}: {outcome}").expect("written");
        }
        insta::with_settings!({ snapshot_path => "../snapshots" }, {
            insta::assert_snapshot!(server.name.as_str(), lines);
        });
    }
    // The page covers all of them.
    if all.len() == servers::all().len() && std::env::var_os("FOREIGN").is_none() {
        page::check(&all);
    }
}
