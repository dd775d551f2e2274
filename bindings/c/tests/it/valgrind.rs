//! The same programs under valgrind: no byte is read that was not written, none is written where
//! it must not be, and nothing that was handed over is leaked.

use std::process::Command;

use crate::support::{Provider, Site, at_hand, program, succeed};

/// Leaks of what nobody can reach any more are errors. What the runtime's threads hold when the
/// process ends is still reachable, and is none.
const VALGRIND: [&str; 5] = [
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect",
    "--show-leak-kinds=definite,indirect",
];

fn under_valgrind(site: &Site, name: &str) -> Option<Command> {
    let program = program(name)?;
    let mut command = site.command("valgrind");
    command.args(VALGRIND).arg(program);
    Some(command)
}

#[test]
fn valgrind_finds_nothing_in_a_tokens_life() {
    if !at_hand("valgrind") {
        return;
    }
    for site in Site::both() {
        let Some(mut life) = under_valgrind(&site, "life.c") else { return };
        site.end_token_of(&mut life);
    }
}

#[test]
fn valgrind_finds_nothing_where_calls_fail() {
    if !at_hand("valgrind") {
        return;
    }
    let site = Site::start(Provider::Winkas);
    for name in ["misuse.c", "rejected.c"] {
        let Some(mut command) = under_valgrind(&site, name) else { return };
        if name == "rejected.c" {
            command.env("PASSWORD", "wrong");
        }
        succeed(&mut command);
    }
}

#[test]
fn valgrind_finds_nothing_among_threads_and_callbacks_and_objects() {
    if !at_hand("valgrind") {
        return;
    }
    for name in ["threads.c", "fetched.c", "face.cpp"] {
        let site = Site::start(Provider::Wyn);
        let Some(mut command) = under_valgrind(&site, name) else { return };
        succeed(&mut command);
    }
}
