//! Programs in C and C++, run against both providers.

use crate::support::{Provider, Site, command, folder, is_installed, prefix, program, succeed};

/// Rule: Languages: C programs get, share, report, validate and revoke tokens of both providers.
#[test]
fn a_c_program_gets_reports_and_revokes_tokens_of_both_providers() {
    let Some(lifecycle) = program("token_lifecycle.c") else { return };
    for site in Site::both() {
        site.end_token_of(&mut site.command(&lifecycle));
        assert_eq!(site.logins(), 2);
    }
}

/// Rule: Discovery: a C and a C++ program get, validate and revoke a token of an OAuth2 server with its
/// address alone.
#[test]
fn c_and_cpp_programs_need_the_address_of_an_oauth2_server_alone() {
    for source in ["token_lifecycle.c", "cpp_classes.cpp"] {
        let Some(program) = program(source) else { return };
        let site = Site::start(Provider::Wyn);
        site.emulator.options(|options| options.wyn.clients_introspect = true);
        let mut command = site.command(&program);
        command.env("OPTION_provider", "oauth2");
        command.env("OPTION_client_id", site.emulator.wyn().client_id());
        if source == "token_lifecycle.c" {
            site.end_token_of(&mut command);
        } else {
            succeed(&mut command);
        }
        let log = site.emulator.log();
        let reads = log.iter().filter(|entry| entry.path.contains("/.well-known/"));
        assert_eq!(reads.count(), 1, "{source}");
    }
}

/// Rule: Logins: concurrent threads of a C program whose client has no token cause one login.
#[test]
fn sixty_four_threads_of_a_c_program_cause_one_login() {
    let Some(threads) = program("cold_threads.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&threads));
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Secrets: the errors of a C program contain no password and no client secret.
#[test]
fn a_wrong_password_costs_a_c_program_one_login_and_shows_no_secret() {
    let Some(rejected) = program("rejected_credentials.c") else { return };
    for site in Site::both() {
        let wrong = "canary+Wrong \"1\"";
        let output = succeed(site.command(&rejected).env("PASSWORD", wrong));
        for secret in ["canary", &site.password(), &site.emulator.wyn().client_secret()] {
            assert!(!output.contains(secret), "{output}");
        }
        assert_eq!(output.matches("credentials rejected").count(), 3, "{output}");
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Trust: a C program presents a client certificate to a server that requires one. Without it, and with
/// an encrypted key, the error names the cause, and no login arrives.
#[cfg(unix)]
#[test]
fn a_c_program_presents_a_client_certificate() {
    let Some(program) = program("client_certificate.c") else { return };
    let site = Site::start(Provider::Wyn);
    let wyn = site.emulator.wyn();
    let address = wyn.server().strip_prefix("http://").unwrap().parse().unwrap();
    let server = tokenlease_test_servers::ClientCertificates::required_before(address);
    let mut command = site.command(&program);
    command.env("OPTION_server", server.url()).env("OPTION_ca", server.authority());
    command.env("CERTIFICATE", server.certificate()).env("KEY", server.key());
    command.env("ENCRYPTED_KEY", server.encrypted_key());
    let token = succeed(&mut command);
    assert!(wyn.active_tokens().contains(&token.trim_end().to_owned()));
    assert_eq!(site.logins(), 1);
}

/// Rule: Languages: an invalid argument of a C call is `TOKENLEASE_BAD_ARGUMENT`, and nothing is sent.
#[test]
fn invalid_arguments_are_errors_and_send_nothing() {
    let Some(bad_arguments) = program("bad_arguments.c") else { return };
    let site = Site::start(Provider::Winkas);
    succeed(&mut site.command(&bad_arguments));
    assert_eq!(site.emulator.log().len(), 0);
}

/// Rule: Fork: in a forked child of a C program, old clients return an error and do not hang.
/// Reported as langfuse/langfuse-python#1654 and developmentseed/obstore#441
#[test]
fn a_forked_child_of_a_c_program_gets_an_error_and_does_not_hang() {
    let Some(fork) = program("forked_child.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&fork));
    }
}

/// Rule: Logins: C programs that share a folder cause one login.
#[test]
fn two_c_programs_that_share_a_folder_cause_one_login() {
    let Some(share) = program("shared_folder.c") else { return };
    for site in Site::both() {
        let store = tempfile::tempdir_in(folder("stores")).unwrap();
        let store = format!("file:{}", store.path().join("store").display());
        let start = || site.command(&share).env("STORE", &store).spawn().unwrap();
        for mut process in [start(), start()] {
            assert!(process.wait().unwrap().success());
        }
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Languages: text arguments of C calls have a length, and need no NUL.
#[test]
fn texts_with_a_length_need_no_nul() {
    let Some(texts) = program("texts_with_lengths.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&texts));
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Rejection: in C, one call performs the program's API call, reports a rejected token and repeats
/// the call once. A missing permission costs no login.
#[test]
fn a_c_program_calls_apis_and_repeats_a_call_once_for_a_rejected_token() {
    let Some(program) = program("api_calls.c") else { return };
    for site in Site::both() {
        site.end_token_of(&mut site.command(&program));
        assert_eq!(site.logins(), 2);
    }
}

/// Rule: Languages: the header that the option `token_header` chooses has the tokens of clients and machines,
/// in C and in C++.
#[test]
fn c_and_cpp_programs_call_apis_with_the_chosen_header() {
    for source in ["api_calls.c", "cpp_calls.cpp", "machine_lifecycle.c"] {
        let Some(program) = program(source) else { return };
        let site = Site::start(Provider::Wyn);
        let mut command = site.command(&program);
        site.end_token_of(command.env("OPTION_token_header", "reference-token"));
    }
}

/// Rule: Events: a C program gets the log of its clients with levels and causes, and its function is not
/// called after its client was freed.
#[test]
fn a_log_function_gets_events_and_is_dropped_once() {
    let Some(program) = program("log_function.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&program));
    }
}

#[test]
fn the_examples_of_the_header_run() {
    let Some(examples) = program("header_examples.c") else { return };
    for site in Site::both() {
        let output = succeed(&mut site.command(&examples));
        assert!(output.contains("1 logins"), "{output}");
        assert_eq!(site.logins(), 1);
    }
    let Some(hosts) = program("header_examples_hosts.c") else { return };
    for site in Site::both() {
        let output = succeed(&mut site.command(&hosts));
        assert!(output.contains("POST http"), "{output}");
        assert_eq!(site.logins(), 0);
    }
}

/// A program in PHP that uses the header's copy without a preprocessor.
const PHP: &str = r"
if (!extension_loaded('ffi')) { exit(0); }
$c = FFI::cdef(file_get_contents($argv[1]), $argv[2]);
$config = $c->new('tokenlease_config *');
$error = $c->new('tokenlease_error *');
$options = $c->new('tokenlease_token_options');
$options->size = FFI::sizeof($options);
if ($c->tokenlease_config_new(FFI::addr($config), FFI::addr($error)) != 0) { exit(1); }
if ($c->tokenlease_config_set($config, 'user', 4, 'x', -1, FFI::addr($error)) != 0) { exit(2); }
if ($c->tokenlease_config_set($config, 'usr', 3, 'x', 1, FFI::addr($error)) != $c->TOKENLEASE_CONFIG) {
    exit(3);
}
echo $c->tokenlease_error_message($error);
$c->tokenlease_error_free($error);
$c->tokenlease_config_free($config);
";

#[test]
fn php_reads_the_header_without_a_preprocessor_and_calls_the_library() {
    if !is_installed("php") {
        return;
    }
    let mut php = command("php");
    php.args(["-d", "ffi.enable=1", "-r", PHP, "--"]);
    php.arg(prefix().join("include/tokenlease.ffi.h")).arg(prefix().join("lib/libtokenlease.so"));
    let output = succeed(&mut php);
    assert!(output.is_empty() || output.contains("there is no option \"usr\""), "{output}");
}

#[test]
fn a_credentials_function_is_called_and_its_data_is_dropped_once() {
    let Some(program) = program("credentials_function.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&program));
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Deadlines: another thread ends the waits of a C program, each call has its own deadline, and a
/// callback that asks its own client gets an error.
#[test]
fn a_wait_of_a_c_program_is_ended_by_an_interrupt_or_its_own_deadline() {
    let Some(program) = program("interrupted_calls.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&program));
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Languages: the C++ classes own their handles and throw errors.
#[test]
fn cpp_classes_own_their_handles_and_throw_errors() {
    let Some(classes) = program("cpp_classes.cpp") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&classes));
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Subjects: C and C++ list the live tokens of a registry, and end those of a subject.
#[test]
fn a_registry_of_cpp_lists_and_ends_the_tokens_of_its_clients() {
    let Some(registry) = program("cpp_registry.cpp") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&registry));
        assert_eq!(site.logins(), 1);
    }
}

/// Rule: Languages: C++ calls have a form that returns errors and works without exceptions.
#[test]
fn cpp_calls_return_errors_without_exceptions() {
    let Some(results) = program("cpp_results.cpp") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&results));
        assert_eq!(site.logins(), 1);
    }
}
