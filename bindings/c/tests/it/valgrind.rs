//! The test programs under valgrind: no uninitialized reads, no invalid writes, and no leaks of
//! handles.

use std::{path::Path, process::Command};

use crate::support::{Provider, Site, is_installed, program, program_with, root, succeed};

/// Unreachable memory is an error. Memory that the runtime's threads hold when the process ends is
/// still reachable, and is not a leak.
const VALGRIND: [&str; 5] = [
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect",
    "--show-leak-kinds=definite,indirect",
];

pub(crate) fn under_valgrind(site: &Site, name: &str) -> Option<Command> {
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
        "cpp_results.cpp",
        "custom_store.c",
        "texts_with_lengths.c",
    ] {
        let site = Site::start(Provider::Wyn);
        let Some(mut command) = under_valgrind(&site, name) else { return };
        succeed(&mut command);
    }
}

fn under_helgrind(site: &Site, program: &Path) -> Command {
    let mut command = site.command("valgrind");
    let known = root().join("bindings/c/tests/helgrind.supp");
    command.args(["--tool=helgrind", "--quiet", "--error-exitcode=99", "--fair-sched=yes"]);
    command.arg(format!("--suppressions={}", known.display())).arg(program);
    command
}

/// Rule: Languages: helgrind finds no race in a C program whose 32 threads get, report, validate, inspect and
/// interrupt at once.
#[test]
fn helgrind_finds_no_race_of_32_threads() {
    if !is_installed("valgrind") {
        return;
    }
    let Some(correct) = program("concurrent_calls.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&correct));
        succeed(&mut under_helgrind(&site, &correct));
        assert_eq!(site.logins(), 1 + u64::from(site.provider == Provider::Wyn));
    }
    // The suppressions do not hide a race of the program.
    let racy = program_with("concurrent_calls.c", "-racy", &["-DRACY"]).unwrap();
    let output = under_helgrind(&Site::start(Provider::Wyn), &racy).output().unwrap();
    assert_eq!(output.status.code(), Some(99));
    assert!(String::from_utf8_lossy(&output.stderr).contains("concurrent_calls.c"));
}
