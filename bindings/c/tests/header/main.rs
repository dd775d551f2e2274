//! `include/tokenlease.h` and `include/tokenlease.ffi.h` are generated from the sources, and the binary
//! interface is compared with a snapshot.

mod abi;
mod cpp;
mod declarations;
mod examples;
mod faces;
mod ffi;
mod options;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The source files, in the order of the header.
const SOURCES: [&str; 26] = [
    "constants",
    "version",
    "status",
    "error",
    "config",
    "config_sources",
    "credentials",
    "log",
    "option_table",
    "custom_store",
    "registry",
    "registry_entries",
    "token",
    "facts",
    "wait_options",
    "client",
    "token_calls",
    "call",
    "inspection",
    "machine",
    "machine_call",
    "effect",
    "request",
    "answer",
    "outcome",
    "exchange",
];

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn include(name: &str) -> PathBuf {
    crate_folder().join("../../include").join(name)
}

fn source(name: &str) -> String {
    fs::read_to_string(crate_folder().join(format!("src/{name}.rs"))).unwrap()
}

/// Returns whether changes are accepted: then files are written before they are compared.
fn accepts() -> bool {
    env::var_os("TOKENLEASE_ACCEPT_HEADER").is_some()
}

/// Returns what cbindgen writes for the sources.
fn generated() -> String {
    let mut config = cbindgen::Config::from_file(crate_folder().join("cbindgen.toml")).unwrap();
    config.after_includes = config.after_includes.map(|macros| {
        macros
            .replace("@OPTIONS@", &options::comment())
            .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
            .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
            .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
            .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"))
    });
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(crate_folder().join(format!("src/{source}.rs")));
    }
    let mut text = Vec::new();
    builder.generate().expect("sources that cbindgen understands").write(&mut text);
    String::from_utf8(text).unwrap()
}

/// Compares a generated file with the one in the repository.
fn compare(path: &Path, generated: &str) {
    if accepts() {
        fs::write(path, generated).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    let differs = generated.lines().zip(committed.lines()).find(|(new, old)| new != old);
    assert!(
        generated == committed,
        "{} differs from the sources, first in: {differs:?}\n\
         To write it, run: TOKENLEASE_ACCEPT_HEADER=1 cargo test -p tokenlease-c --test header",
        path.display()
    );
}

/// Rule: Languages: the C header is generated from the sources, and a test fails if they differ.
#[test]
fn the_header_is_generated_from_the_sources() {
    let header = declarations::finish(&generated(), examples::before_each_group().as_ref());
    compare(&include("tokenlease.h"), &header);
}

#[test]
fn the_header_includes_every_source_with_a_public_item() {
    for entry in fs::read_dir(crate_folder().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = source(name);
        let marks = ["#[unsafe(no_mangle)]", "pub const ", "\n#[repr(C)]\n"];
        let is_public = marks.iter().any(|mark| text.contains(mark));
        assert_eq!(is_public, SOURCES.contains(&name), "{name}");
    }
}
