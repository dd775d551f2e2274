//! Wrong arguments for each argument of each function: a program that is generated from the header, so
//! that no function, argument or field can be forgotten.

mod generate;
mod parse;
mod values;

use std::{collections::BTreeSet, fs, path::PathBuf};

use crate::{
    support::{Site, compile_with, folder, root, succeed},
    symbols::declared,
};

/// Writes the program, and returns its path.
fn source() -> PathBuf {
    let path = folder("programs").join("attacks.c");
    let header = fs::read_to_string(root().join("include/tokenlease.h")).unwrap();
    let plain = fs::read_to_string(root().join("include/tokenlease.ffi.h")).unwrap();
    let parsed = parse::Header::new(&plain, &header);
    let attacked: BTreeSet<_> = parsed.functions.iter().map(|of| of.name.clone()).collect();
    assert_eq!(attacked, declared(), "the functions of both headers");
    fs::write(&path, generate::program(&parsed)).unwrap();
    path
}

/// Compiles the program with more flags.
pub(crate) fn compiled(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let programs = root().join("bindings/c/tests/c");
    let include = format!("-I{}", programs.display());
    compile_with(&source(), name, &[flags, &[include.as_str()]].concat())
}

/// Rule: Languages: each wrong argument of each C function is `TOKENLEASE_BAD_ARGUMENT` or has the documented
/// result, and sends nothing.
#[test]
fn each_wrong_argument_of_each_function_is_an_error_or_has_its_documented_result() {
    let Some(program) = compiled("attacks", &[]) else { return };
    for site in Site::both() {
        let errors = succeed(site.command(&program).arg("errors"));
        assert_eq!(site.emulator.log().len(), 0);
        let others = succeed(site.command(&program).arg("others"));
        let count = |output: &str| output.trim().parse::<usize>().unwrap();
        println!(
            "{} wrong arguments, of which {} are errors",
            count(&errors) + count(&others),
            count(&errors)
        );
        assert!(count(&errors) > 500 && count(&others) > 100);
    }
}
