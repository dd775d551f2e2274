//! Runs of C and C++ programs, searched for secrets.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use tokenlease::{Error, ErrorKind};

use crate::support::{Provider, Site, compile, folder, program};

/// Returns the places that show a secret, raw or in any encoding that redaction finds.
fn leaks<'a>(seen: &'a [(String, Vec<u8>)], secrets: &BTreeSet<String>) -> Vec<&'a str> {
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let shows = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes).lines().any(|line| {
            Error::new(ErrorKind::Internal, line.to_owned()).redact(&secrets).detail() != line
        })
    };
    seen.iter().filter(|(_, bytes)| shows(bytes)).map(|(place, _)| place.as_str()).collect()
}

/// Returns all that a program prints.
fn output(what: &str, command: &mut Command) -> [(String, Vec<u8>); 2] {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    [(format!("the output of {what}"), output.stdout), (format!("errors of {what}"), output.stderr)]
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

fn secrets(site: &Site) -> BTreeSet<String> {
    let wyn = site.emulator.wyn();
    let mut secrets: BTreeSet<_> = [site.password(), wyn.client_secret()].into();
    secrets.extend(wyn.active_tokens());
    secrets.extend(site.emulator.winkas().active_tokens());
    secrets
}

/// Rule: Secrets: runs of C and C++ programs show no secret in any encoding, and store none.
#[test]
fn runs_of_c_and_cpp_programs_show_no_secret() {
    for provider in [Provider::Winkas, Provider::Wyn] {
        let (mut seen, mut all) = (Vec::new(), BTreeSet::new());
        let folder = tempfile::tempdir_in(folder("stores")).unwrap();
        let store = folder.path().join("store");
        for name in [
            "shared_folder.c",
            "credentials_function.c",
            "cpp_classes.cpp",
            "cpp_results.cpp",
            "cold_threads.c",
            "rejected_credentials.c",
            "machine_shared.c",
            "machine_failures.c",
        ] {
            let Some(program) = program(name) else { return };
            let site = Site::start(provider);
            let mut command = site.command(program);
            command.env("STORE", format!("file:{}", store.display()));
            if ["rejected_credentials.c", "machine_failures.c"].contains(&name) {
                let wrong = "mistyped+pässword \"1\"";
                command.env("PASSWORD", wrong);
                all.insert(wrong.to_owned());
            }
            seen.extend(output(name, &mut command));
            all.extend(secrets(&site));
        }
        let files = files(&store);
        assert!(files.len() > 1, "a record and a key: {files:?}");
        seen.extend(files);
        assert!(all.len() > 3, "the search knows the tokens");
        let leaks = leaks(&seen, &all);
        assert!(leaks.is_empty(), "{provider:?}: a secret is in {leaks:?}");
    }
}

/// A program that shows its token and its password.
const LEAKS: &str = r#"
#include "support.h"

int main(void)
{
    tokenlease_client *client = client_of_environment();
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    printf("the token is %s\n", tokenlease_token_text(token));
    for (const char *c = getenv("PASSWORD"); *c; c++) {
        fprintf(stderr, "%02x", (unsigned char)*c);
    }
    tokenlease_token_free(token);
    tokenlease_client_free(client);
    return 0;
}
"#;

/// Rule: Secrets: the search finds a secret that a C program shows.
#[test]
fn a_leak_that_is_planted_in_a_c_program_is_found() {
    let source = folder("programs").join("leaks.c");
    fs::write(&source, LEAKS).unwrap();
    let support = crate::support::root().join("bindings/c/tests/c/support.h");
    fs::copy(support, source.with_file_name("support.h")).unwrap();
    let Some(program) = compile(&source, "leaks-c") else { return };
    for site in Site::both() {
        let seen = output("it", &mut site.command(&program));
        assert_eq!(leaks(&seen, &secrets(&site)), ["the output of it", "errors of it"]);
        assert_eq!(leaks(&seen, &["not shown".to_owned()].into()), [""; 0]);
    }
}
