//! Programs in C++ that use more than tokens: calls of APIs, the log, machines and exchanges.

use crate::support::{Provider, Site, folder, program, succeed};

/// Rule: Languages: a C++ program calls APIs and repeats a call once, reads facts and the status, gets the
/// log, and ends waits.
#[test]
fn a_cpp_program_calls_apis_gets_the_log_and_ends_waits() {
    let Some(program) = program("cpp_calls.cpp") else { return };
    for site in Site::both() {
        site.end_token_of(&mut site.command(&program));
        // Two tokens, and one login with a wrong password.
        assert_eq!(site.logins(), 3);
    }
}

/// Rule: Languages: a C++ program sends the requests of machines and exchanges itself, with exceptions and
/// without.
#[test]
fn cpp_programs_send_the_requests_themselves() {
    let store = tempfile::tempdir_in(folder("stores")).unwrap();
    let store = format!("file:{}", store.path().join("store").display());
    for (source, logins) in [("cpp_machine.cpp", 2), ("cpp_machine_results.cpp", 2)] {
        let Some(program) = program(source) else { return };
        for site in Site::both() {
            succeed(site.command(&program).env("STORE", &store));
            assert_eq!(site.logins(), logins, "{source} {:?}", site.provider);
        }
    }
}

#[test]
fn valgrind_finds_no_error_in_cpp_programs() {
    if !crate::support::is_installed("valgrind") {
        return;
    }
    let store = tempfile::tempdir_in(folder("stores")).unwrap();
    let store = format!("file:{}", store.path().join("store").display());
    let site = Site::start(Provider::Wyn);
    for source in ["cpp_machine.cpp", "cpp_machine_results.cpp"] {
        let Some(mut command) = crate::valgrind::under_valgrind(&site, source) else { return };
        succeed(command.env("STORE", &store));
    }
    let Some(mut command) = crate::valgrind::under_valgrind(&site, "cpp_calls.cpp") else { return };
    site.end_token_of(&mut command);
}
