//! The symbols that the library exports.

use std::{collections::BTreeSet, fs, process::Command};

use crate::support::{is_installed, prefix, root, succeed};

/// Returns the functions that the header declares.
pub(crate) fn declared() -> BTreeSet<String> {
    let header = fs::read_to_string(root().join("include/tokenlease.h")).unwrap();
    let declarations = header.split_once("extern \"C\" {").unwrap().1;
    // Comments mention functions without parentheses.
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

/// Rule: Languages: the C library exports the functions that its header declares, and no others.
#[test]
fn the_library_exports_exactly_what_the_header_declares() {
    if !cfg!(target_os = "linux") || !is_installed("nm") {
        return;
    }
    let library = prefix().join("lib/libtokenlease.so");
    let symbols = succeed(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    let names = symbols.lines().filter(|line| !line.contains(" A ")).filter_map(|line| {
        // Each has the version of the interface behind it.
        line.split(' ').next_back()?.split('@').next()
    });
    let exported: BTreeSet<_> = names.map(str::to_owned).collect();
    assert!(exported.len() > 40, "{exported:?}");
    assert_eq!(exported, declared());
}
