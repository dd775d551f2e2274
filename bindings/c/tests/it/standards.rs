//! The headers under each version of the languages and each compiler that is installed.

use std::process::Command;

use crate::support::{WARNINGS, compiler, folder, is_installed, prefix, root, succeed};

/// The compilers for C, or for C++: the system's, and clang with its own standard library.
fn compilers(cpp: bool) -> Vec<(String, &'static [&'static str])> {
    let (clang, own): (&[&str], &[&str]) = if cpp {
        (&["clang++", "clang++-19", "clang++-16", "clang++-14"], &["-stdlib=libc++"])
    } else {
        (&["clang", "clang-19", "clang-16", "clang-14"], &[])
    };
    let mut found = vec![(compiler(cpp), &[] as &[&str])];
    found.retain(|(compiler, _)| is_installed(compiler));
    let runs = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    let clang: Vec<_> = clang.iter().filter(runs).collect();
    if clang.is_empty() {
        println!("skipped: clang is not installed");
    }
    for clang in clang {
        let mut probe = Command::new(clang);
        // clang may be installed without its own standard library.
        let probe = probe.args(own).args(["-x", "c++", "-E", "-include", "string", "/dev/null"]);
        let has_own = cpp && probe.output().is_ok_and(|output| output.status.success());
        found.push(((*clang).to_owned(), if has_own { own } else { &[] }));
    }
    found
}

fn sources(names: &[&str]) -> Vec<String> {
    let folder = root().join("bindings/c/tests/c");
    names.iter().map(|name| folder.join(name).display().to_string()).collect()
}

fn check(compiler: &str, flags: &[&str], standard: &str, sources: &[String]) {
    let mut command = Command::new(compiler);
    command.arg("-fsyntax-only").arg(format!("-std={standard}")).args(WARNINGS).args(flags);
    succeed(command.arg("-I").arg(prefix().join("include")).args(sources));
}

/// Rule: Languages: the headers compile without warnings from C99 and C++17 to C23 and C++23.
#[test]
fn the_headers_compile_without_warnings_under_each_standard() {
    for (compiler, flags) in compilers(false) {
        for standard in ["c99", "c11", "c17", "c2x"] {
            let programs = sources(&["bad_arguments.c", "token_lifecycle.c", "shared_folder.c"]);
            check(&compiler, flags, standard, &programs);
        }
    }
    for (compiler, flags) in compilers(true) {
        for standard in ["c++17", "c++20", "c++2b"] {
            let programs =
                ["cpp_classes.cpp", "cpp_calls.cpp", "cpp_machine.cpp", "cpp_format.cpp"];
            check(&compiler, flags, standard, &sources(&programs));
            let bare = [flags, &["-fno-exceptions", "-fno-rtti"]].concat();
            check(
                &compiler,
                &bare,
                standard,
                &sources(&["cpp_results.cpp", "cpp_machine_results.cpp"]),
            );
        }
    }
}

#[test]
fn errors_are_formatted_as_their_message() {
    for (compiler, flags) in compilers(true) {
        let program = folder("programs").join(format!("format-{compiler}"));
        let mut command = Command::new(&compiler);
        command.arg("-std=c++20").args(flags).args(sources(&["cpp_format.cpp"]));
        command.arg("-I").arg(prefix().join("include")).arg("-o").arg(&program);
        succeed(command.arg("-L").arg(prefix().join("lib")).arg("-ltokenlease"));
        let output = succeed(&mut crate::support::command(&program));
        println!("{compiler}: {output}");
    }
}

/// Rule: Languages: a C compiler warns if a program ignores the status of a call.
#[test]
fn a_status_that_is_ignored_is_a_warning() {
    let source = folder("programs").join("ignored.c");
    let text = "#include <tokenlease.h>\nvoid f(void) { tokenlease_config_new(0, 0); }\n";
    std::fs::write(&source, text).unwrap();
    for (compiler, _) in compilers(false) {
        let compile = |flags: &[&str]| {
            let mut command = Command::new(&compiler);
            command.args(["-c", "-o", "/dev/null", "-Werror", "-I"]).arg(prefix().join("include"));
            command.args(flags).arg(&source).output().unwrap()
        };
        let output = compile(&[]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains("unused-result"), "{errors}");
        assert!(compile(&["-DTOKENLEASE_MUST_CHECK="]).status.success());
    }
}
