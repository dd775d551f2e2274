//! The map: the files that ARCHITECTURE.md names exist, and no file is too long to be one concept.

use std::path::Path;

use crate::{files, read, root};

/// Files above this length hold more than one concept.
const MAX_LINES: usize = 410;

/// Rule: Languages: `ARCHITECTURE.md` names the file of at least 20 behaviours, and each of them exists.
#[test]
fn the_files_of_the_architectures_map_exist() {
    let page = read("ARCHITECTURE.md");
    let start = page.find("| behaviour | file |").expect("a table `behaviour | file`");
    let rows: Vec<_> =
        page[start..].lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= 20, "the map has {} behaviours", rows.len());
    for row in rows {
        let files: Vec<_> = row.split('`').skip(1).step_by(2).filter(|f| f.contains('/')).collect();
        assert!(!files.is_empty(), "no file in: {row}");
        for file in files {
            assert!(root().join(file).exists(), "{file} does not exist: {row}");
        }
    }
}

/// Rule: Formats: a source file holds one concept and stays under 410 lines.
#[test]
fn no_source_file_is_too_long() {
    for path in files::below(&["bindings", "crates", "python", "tests"], &["rs", "py", "c", "cpp"])
    {
        let lines = read(&path).lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

/// Rule: Languages: the repository's address is in `Cargo.toml`, so that its owner can set it, and the manifests of
/// the Python packages repeat it.
#[test]
fn the_address_of_the_repository_is_in_manifests_alone() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let address = manifest["workspace"]["package"]["repository"].as_str().unwrap().to_owned();
    let name = address.trim_start_matches("https://");
    let found: Vec<_> =
        files::with_words().into_iter().filter(|path| read(path).contains(name)).collect();
    let manifests = ["Cargo.toml", "python/emulator/pyproject.toml", "python/pyproject.toml"];
    assert_eq!(found, manifests.map(Path::new));
}

/// Rule: Languages: each published crate has a README and metadata for its documentation.
#[test]
fn published_crates_have_a_readme_and_metadata() {
    let published: Vec<_> = files::below(&["crates"], &["toml"])
        .into_iter()
        .filter(|path| path.ends_with("Cargo.toml") && !read(path).contains("publish = false"))
        .collect();
    assert!(published.len() >= 6, "{published:?}");
    for path in published {
        let manifest: toml::Table = read(&path).parse().unwrap();
        let package = &manifest["package"];
        assert!(root().join(path.with_file_name("README.md")).exists(), "{}", path.display());
        assert!(package.get("readme").is_some(), "{} names no readme", path.display());
        let docs_rs = package.get("metadata").and_then(|metadata| metadata.get("docs"));
        let is_library = root().join(path.with_file_name("src/lib.rs")).exists();
        assert!(docs_rs.is_some() || !is_library, "{} lacks docs.rs metadata", path.display());
    }
}
