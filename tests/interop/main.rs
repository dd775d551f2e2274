//! `OAuth2` servers that nobody here wrote: a token's whole life and every error, through the client,
//! the exchanges and the program.

mod errors;
mod life;
mod page;
mod trial;

use std::{fmt::Write as _, thread};

use tokenlease_tests::servers::{self, Foreign, Running};

/// Does something with each server that can be had here, all at once.
fn with_each<R: Send>(act: impl Fn(&Foreign, &Running) -> R + Sync) -> Vec<(Foreign, R)> {
    let all = servers::all();
    assert!(!all.is_empty(), "there is no such server under test");
    thread::scope(|scope| {
        let started: Vec<_> = all
            .into_iter()
            .map(|foreign| {
                let act = &act;
                scope.spawn(move || match foreign.start() {
                    Ok(running) => {
                        let done = act(&foreign, &running);
                        Some((foreign, done))
                    }
                    Err(why) => {
                        eprintln!("skipped: {}: {why}", foreign.name);
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

#[test]
fn a_token_lives_its_whole_life_at_every_server_through_client_exchanges_and_program() {
    with_each(life::live);
}

#[test]
fn every_error_of_every_server_becomes_the_same_kind_in_client_exchange_and_program() {
    let all = with_each(errors::meet);
    for (foreign, found) in &all {
        let mut lines = String::new();
        for (case, outcome) in &found.0 {
            writeln!(lines, "{case}: {outcome}").expect("written");
        }
        insta::with_settings!({ snapshot_path => "../snapshots" }, {
            insta::assert_snapshot!(foreign.name.as_str(), lines);
        });
    }
    // The page is about all of them.
    if all.len() == servers::all().len() && std::env::var_os("FOREIGN").is_none() {
        page::check(&all);
    }
}
