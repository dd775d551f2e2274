//! Programs that send the requests themselves, with libcurl or with a test double.

use crate::support::{Provider, Site, compile, folder, is_installed, program, root, succeed};

/// Rule: Languages: a C program that sends its requests with libcurl gets, shares, reports, validates
/// and revokes tokens like one that leaves them to the library.
#[test]
fn a_program_with_libcurl_gets_reports_and_revokes_tokens_of_both_providers() {
    let Some(lifecycle) = program("machine_lifecycle.c") else { return };
    for site in Site::both() {
        site.end_token_of(&mut site.command(&lifecycle));
        assert_eq!(site.logins(), 2);
    }
}

#[test]
fn a_program_with_libcurl_needs_the_address_of_an_oauth2_server_alone() {
    let Some(lifecycle) = program("machine_lifecycle.c") else { return };
    let site = Site::start(Provider::Wyn);
    site.emulator.options(|options| options.wyn.clients_introspect = true);
    let mut command = site.command(&lifecycle);
    command.env("OPTION_provider", "oauth2");
    command.env("OPTION_client_id", site.emulator.wyn().client_id());
    site.end_token_of(&mut command);
    let log = site.emulator.log();
    assert_eq!(log.iter().filter(|entry| entry.path.contains("/.well-known/")).count(), 1);
}

/// Rule: Logins: sixteen processes that send their requests with libcurl and share a folder cause one
/// login.
#[test]
fn sixteen_processes_with_libcurl_that_share_a_folder_cause_one_login() {
    let Some(shared) = program("machine_shared.c") else { return };
    for site in Site::both() {
        let store = tempfile::tempdir_in(folder("stores")).unwrap();
        let store = format!("file:{}", store.path().join("store").display());
        let start = || site.command(&shared).env("STORE", &store).spawn().unwrap();
        let processes: Vec<_> = (0..16).map(|_| start()).collect();
        for mut process in processes {
            assert!(process.wait().unwrap().success());
        }
        assert_eq!(site.logins(), 1);
        // A client that leaves its requests to the library finds the token, too.
        let Some(client) = program("shared_folder.c") else { return };
        succeed(site.command(client).env("STORE", &store));
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Logins: threads of a C program that share a machine cause one login.
#[test]
fn threads_that_share_a_machine_cause_one_login() {
    let Some(threads) = program("machine_threads.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&threads));
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Secrets: the errors of a C program that sends its requests contain no password and no client
/// secret, and rejected credentials are sent once.
#[test]
fn rejected_credentials_cost_a_program_with_libcurl_one_login() {
    let Some(failures) = program("machine_failures.c") else { return };
    for site in Site::both() {
        let wrong = "canary+Wrong \"1\"";
        let output = succeed(site.command(&failures).env("PASSWORD", wrong));
        for secret in ["canary", &site.password(), &site.emulator.wyn().client_secret()] {
            assert!(!output.contains(secret), "{output}");
        }
        assert_eq!(output.matches("credentials rejected").count(), 3, "{output}");
        assert_eq!(site.logins(), 1);
        // No server listens at that port.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = site.command(&failures);
        let output = succeed(command.env("OPTION_server", format!("http://{closed}")));
        assert!(output.contains("connect"), "{output}");
    }
}

/// Rule: Clocks: a machine with the program's own clocks, store and server needs no time to pass.
#[test]
fn a_test_double_of_store_clocks_and_server_drives_a_machine() {
    let Some(double) = program("machine_double.c") else { return };
    let site = Site::start(Provider::Wyn);
    let store = tempfile::tempdir_in(folder("stores")).unwrap();
    let store = format!("file:{}", store.path().join("store").display());
    succeed(site.command(&double).env("STORE", store));
    assert_eq!(site.emulator.log().len(), 0, "nothing is sent");
}

/// Rule: Languages: an invalid argument of a machine, a call, an effect or an exchange is
/// `TOKENLEASE_BAD_ARGUMENT`, and nothing is sent.
#[test]
fn invalid_arguments_of_machines_are_errors_and_send_nothing() {
    let Some(arguments) = program("machine_arguments.c") else { return };
    let site = Site::start(Provider::Wyn);
    succeed(&mut site.command(&arguments));
    assert_eq!(site.emulator.log().len(), 0);
}

#[test]
fn the_libcurl_example_runs() {
    let source = root().join("bindings/c/examples/libcurl.c");
    let Some(example) = compile(&source, "example-libcurl") else { return };
    let site = Site::start(Provider::Winkas);
    let winkas = site.emulator.winkas();
    let store = tempfile::tempdir_in(folder("stores")).unwrap();
    let store = format!("file:{}", store.path().join("store").display());
    for _ in 0..2 {
        let arguments = [winkas.server(), winkas.user(), winkas.contract()];
        let output = succeed(site.command(&example).env("STORE", &store).args(&arguments));
        assert!(output.contains("the token is active"), "{output}");
    }
    assert_eq!(site.logins(), 1);
}

/// Rule: Languages: valgrind finds no memory error and no leak in C programs that send their requests.
#[test]
fn valgrind_finds_no_error_in_programs_that_send_their_requests() {
    if !is_installed("valgrind") {
        return;
    }
    let site = Site::start(Provider::Wyn);
    let store = tempfile::tempdir_in(folder("stores")).unwrap();
    for name in ["machine_double.c", "machine_arguments.c", "machine_threads.c"] {
        let Some(mut command) = crate::valgrind::under_valgrind(&site, name) else { return };
        if name == "machine_double.c" {
            command.env("STORE", format!("file:{}", store.path().join("store").display()));
        }
        succeed(&mut command);
    }
}
