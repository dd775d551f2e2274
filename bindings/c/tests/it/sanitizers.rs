//! The test programs with the compiler's sanitizers for addresses, leaks and undefined behavior.
//! `.ci/sanitizers` builds the library itself with them.

use std::{fs, process::Command};

use crate::{
    attacks,
    support::{Provider, Site, compiler, folder, is_installed, program_with, root, succeed},
};

const FLAGS: [&str; 3] =
    ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

/// Returns whether the compiler has the sanitizers.
fn has_sanitizers(cpp: bool) -> bool {
    let compiler = compiler(cpp);
    if !is_installed(&compiler) {
        return false;
    }
    // Tests run side by side, each in a separate folder.
    let folder = tempfile::tempdir_in(folder("programs")).unwrap();
    let (source, to) = (folder.path().join("empty.c"), folder.path().join("empty"));
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let mut compile = Command::new(&compiler);
    compile.args(FLAGS).args(["-x", "c"]).arg(source).arg("-o").arg(to);
    let works = compile.output().is_ok_and(|output| output.status.success());
    if !works {
        println!("skipped: {compiler} has no sanitizers");
    }
    works
}

/// Compiles a program with the sanitizers, and runs it.
fn run(site: &Site, name: &str) {
    let Some(program) = program_with(name, "-sanitized", &FLAGS) else { return };
    let store = tempfile::tempdir_in(folder("stores")).unwrap();
    let mut command = site.command(program);
    command.env("STORE", format!("file:{}", store.path().join("store").display()));
    let text = fs::read_to_string(root().join("bindings/c/tests/c").join(name)).unwrap();
    if ["request(\"", "ask_for(\""].iter().any(|call| text.contains(call)) {
        site.end_token_of(&mut command);
    } else {
        succeed(&mut command);
    }
}

/// Rule: Languages: C and C++ programs run without an error of the sanitizers for addresses, leaks and
/// undefined behavior.
#[test]
fn c_programs_run_without_an_error_of_the_sanitizers() {
    if !has_sanitizers(false) {
        return;
    }
    for name in [
        "token_lifecycle.c",
        "api_calls.c",
        "bad_arguments.c",
        "cold_threads.c",
        "concurrent_calls.c",
        "credentials_function.c",
        "custom_store.c",
        "interrupted_calls.c",
        "log_function.c",
        "texts_with_lengths.c",
        "machine_arguments.c",
        "machine_double.c",
        "machine_lifecycle.c",
        "machine_threads.c",
    ] {
        run(&Site::start(Provider::Wyn), name);
    }
}

#[test]
fn cpp_programs_run_without_an_error_of_the_sanitizers() {
    if !has_sanitizers(true) {
        return;
    }
    for name in [
        "cpp_calls.cpp",
        "cpp_classes.cpp",
        "cpp_machine.cpp",
        "cpp_machine_results.cpp",
        "cpp_results.cpp",
        "cpp_store.cpp",
    ] {
        run(&Site::start(Provider::Wyn), name);
    }
}

#[test]
fn wrong_arguments_cause_no_error_of_the_sanitizers() {
    if !has_sanitizers(false) {
        return;
    }
    let Some(program) = attacks::compiled("attacks-sanitized", &FLAGS) else { return };
    let site = Site::start(Provider::Wyn);
    for which in ["errors", "others"] {
        succeed(site.command(&program).arg(which));
    }
}
