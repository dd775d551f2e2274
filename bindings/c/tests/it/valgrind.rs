//! The test programs under valgrind: no uninitialized reads, no invalid writes, and no leaks of
//! handles.

use std::process::Command;

use crate::support::{Provider, Site, is_installed, program, succeed};

/// Unreachable memory is an error. Memory that the runtime's threads hold when the process ends is
/// still reachable, and is not a leak.
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

/// Rule: Languages: valgrind finds no memory error and no leak in C and C++ programs.
#[test]
fn valgrind_finds_no_error_in_the_lifecycle_of_a_token() {
    if !is_installed("valgrind") {
        return;
    }
    for site in Site::both() {
        let Some(mut lifecycle) = under_valgrind(&site, "token_lifecycle.c") else { return };
        site.end_token_of(&mut lifecycle);
    }
}

#[test]
fn valgrind_finds_no_error_where_calls_fail() {
    if !is_installed("valgrind") {
        return;
    }
    let site = Site::start(Provider::Winkas);
    for name in ["bad_arguments.c", "rejected_credentials.c"] {
        let Some(mut command) = under_valgrind(&site, name) else { return };
        if name == "rejected_credentials.c" {
            command.env("PASSWORD", "wrong");
        }
        succeed(&mut command);
    }
}

#[test]
fn valgrind_finds_no_error_with_threads_callbacks_and_cpp_classes() {
    if !is_installed("valgrind") {
        return;
    }
    for name in [
        "cold_threads.c",
        "credentials_function.c",
        "cpp_classes.cpp",
        "custom_store.c",
        "texts_with_lengths.c",
    ] {
        let site = Site::start(Provider::Wyn);
        let Some(mut command) = under_valgrind(&site, name) else { return };
        succeed(&mut command);
    }
}
