//! What the library shows to those who link it.

use std::{collections::BTreeSet, fs, process::Command};

use crate::support::{at_hand, prefix, root, succeed};

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    let header = fs::read_to_string(root().join("include/tokenlease.h")).unwrap();
    let declarations = header.split_once("extern \"C\" {").unwrap().1;
    // In comments a function's name is not followed by its arguments.
    let mut names = BTreeSet::new();
    for (at, _) in declarations.match_indices("tokenlease_") {
        let rest = &declarations[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap();
        if rest[end..].starts_with('(') {
            names.insert(rest[..end].to_owned());
        }
    }
    names
}

#[test]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    if !cfg!(target_os = "linux") || !at_hand("nm") {
        return;
    }
    let library = prefix().join("lib/libtokenlease.so");
    let symbols = succeed(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    let exported: BTreeSet<_> =
        symbols.lines().filter_map(|line| line.split(' ').next_back()).map(str::to_owned).collect();
    assert!(exported.len() > 40, "{exported:?}");
    assert_eq!(exported, declared());
}

#[test]
fn a_function_that_takes_a_handle_is_tried_with_null_for_it() {
    let misuse = root().join("bindings/c/tests/c/misuse.c");
    let misuse = fs::read_to_string(misuse).unwrap();
    let untried: Vec<_> =
        declared().into_iter().filter(|name| !misuse.contains(&format!("{name}("))).collect();
    assert!(untried.is_empty(), "{untried:?}");
}
