//! Programs in C and C++, against both providers.

use std::{fs, process::Command};

use crate::support::{Provider, Site, compile, folder, program, root, succeed};

#[test]
fn a_c_program_gets_uses_rejects_and_ends_tokens_of_both_providers() {
    let Some(life) = program("life.c") else { return };
    for site in Site::both() {
        site.end_token_of(&mut site.command(&life));
        assert_eq!(site.logins(), 2);
    }
}

#[test]
fn lesson_4_sixty_four_threads_of_a_c_program_are_one_login() {
    let Some(threads) = program("threads.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&threads));
        assert_eq!(site.logins(), 1);
    }
}

#[test]
fn a_wrong_password_is_an_error_of_its_kind_without_the_secret_and_one_login() {
    let Some(rejected) = program("rejected.c") else { return };
    for site in Site::both() {
        let wrong = "canary+Wrong \"1\"";
        let said = succeed(site.command(&rejected).env("PASSWORD", wrong));
        for secret in ["canary", &site.password(), &site.emulator.wyn().client_secret()] {
            assert!(!said.contains(secret), "{said}");
        }
        assert_eq!(said.matches("credentials rejected").count(), 3, "{said}");
        assert_eq!(site.logins(), 1);
    }
}

#[test]
fn arguments_that_are_wrong_are_answered_and_nothing_is_sent() {
    let Some(misuse) = program("misuse.c") else { return };
    let site = Site::start(Provider::Winkas);
    succeed(&mut site.command(&misuse));
    assert_eq!(site.emulator.log().len(), 0);
}

#[test]
fn lesson_18_a_forked_child_gets_an_error_and_not_a_hang() {
    let Some(fork) = program("fork.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&fork));
    }
}

#[test]
fn two_c_programs_that_share_a_folder_are_one_login() {
    let Some(share) = program("share.c") else { return };
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

#[test]
fn credentials_come_from_a_function_and_what_belongs_to_it_is_dropped_once() {
    let Some(fetched) = program("fetched.c") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&fetched));
        assert_eq!(site.logins(), 1);
    }
}

#[test]
fn a_cpp_program_owns_its_handles_and_catches_errors() {
    let Some(face) = program("face.cpp") else { return };
    for site in Site::both() {
        succeed(&mut site.command(&face));
        assert_eq!(site.logins(), 1);
    }
}

#[test]
fn the_examples_run() {
    let examples = root().join("bindings/c/examples");
    let site = Site::start(Provider::Winkas);
    let winkas = site.emulator.winkas();
    if let Some(token) = compile(&examples.join("token.c"), "example-c") {
        let arguments = [winkas.server(), winkas.user(), winkas.contract()];
        let said = succeed(site.command(&token).args(&arguments));
        assert!(said.contains("the token is active"), "{said}");
        let failed = site.command(&token).args(&arguments).env_remove("PASSWORD").output().unwrap();
        let said = String::from_utf8_lossy(&failed.stderr);
        assert!(said.contains("the argument password is NULL"), "{said}");
    }
    let site = Site::start(Provider::Wyn);
    if let Some(token) = compile(&examples.join("token.cpp"), "example-cpp") {
        let store = tempfile::tempdir_in(folder("stores")).unwrap();
        let wyn = site.emulator.wyn();
        let store = format!("file:{}", store.path().join("store").display());
        for _ in 0..2 {
            let arguments = [wyn.server(), wyn.user(), store.clone()];
            let said = succeed(site.command(&token).args(&arguments));
            assert!(said.contains("the token is active"), "{said}");
        }
        assert_eq!(site.logins(), 1);
    }
}

#[test]
fn what_the_readme_shows_compiles_and_runs() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown = |language: &str| {
        let fence = format!("```{language}\n");
        let at = readme.find(&fence).unwrap_or_else(|| panic!("no {language} in the README"));
        let code = &readme[at + fence.len()..];
        code[..code.find("```").unwrap()].to_owned()
    };
    let includes = "#include <stdio.h>\n#include <stdlib.h>\n";
    let c = format!(
        "{includes}#include <tokenlease.h>\nint main(void) {{\nconst char *server = \
         getenv(\"OPTION_server\"), *password = getenv(\"PASSWORD\");\n{}return error ? 1 : 0;\n}}\n",
        shown("c")
    );
    let cpp = format!(
        "{includes}#include <tokenlease.hpp>\nint main() {{\nconst char *server = \
         std::getenv(\"OPTION_server\"), *password = std::getenv(\"PASSWORD\");\n{}}}\n",
        shown("cpp")
    );
    let site = Site { emulator: emulator_of_the_readme(), provider: Provider::Winkas };
    for (name, code) in [("readme.c", c), ("readme.cpp", cpp)] {
        let source = folder("programs").join(name);
        fs::write(&source, code).unwrap();
        let Some(program) = compile(&source, &name.replace('.', "-")) else { continue };
        let mut command: Command = site.command(program);
        succeed(&mut command);
    }
    assert_eq!(site.logins(), 1, "the second one finds the first one's token by a refetch");
}

/// A provider that knows the user of the README.
fn emulator_of_the_readme() -> tokenlease_emulator::Emulator {
    let builder = tokenlease_emulator::Emulator::builder();
    builder.winkas_credentials("NAME", "PASSWORD", "CODE").start_blocking().unwrap()
}
