//! What the project promises about itself: what the core may depend on, which licences come along,
//! and that its documents name tests that exist.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What the core may depend on. Each is pure: no socket, no file, no clock, no thread.
const CORE_MAY_USE: [&str; 13] = [
    "base64",
    "form_urlencoded",
    "hmac",
    "http",
    "httpdate",
    "postcard",
    "serde",
    "serde_json",
    "sha2",
    "simdutf8",
    "subtle",
    "url",
    "zeroize",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--all-features", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // A machine that built without all optional features has not fetched what they need.
    if !output.status.success() {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--all-features", "--locked"])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{said}");
        return serde_json::from_slice(&output.stdout).unwrap();
    }
    serde_json::from_slice(&output.stdout).unwrap()
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
}

#[test]
fn the_core_depends_on_nothing_that_does_anything() {
    let metadata = metadata();
    let core = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|package| package["name"] == "tokenlease-core")
        .unwrap();
    let used: BTreeSet<_> = core["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect();
    assert_eq!(used, BTreeSet::from(CORE_MAY_USE));
}

#[test]
fn licences_of_all_dependencies_are_allowed() {
    let deny: toml::Table = fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap();
    let licensees = |allowed: &toml::Value| -> Vec<_> {
        let licences = allowed.as_array().unwrap().iter();
        licences.map(|licence| spdx::Licensee::parse(licence.as_str().unwrap()).unwrap()).collect()
    };
    let for_all = licensees(&deny["licenses"]["allow"]);
    let exceptions: BTreeMap<_, _> = deny["licenses"]["exceptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["crate"].as_str().unwrap(), licensees(&one["allow"])))
        .collect();
    let mut rejected = BTreeMap::new();
    for package in metadata()["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let allowed: Vec<_> =
            for_all.iter().chain(exceptions.get(name).into_iter().flatten()).collect();
        let licence = package["license"].as_str().unwrap_or("none").replace('/', " OR ");
        let fits = spdx::Expression::parse(&licence).is_ok_and(|expression| {
            expression.evaluate(|wanted| allowed.iter().any(|licensee| licensee.satisfies(wanted)))
        });
        if !fits {
            rejected.insert(name.to_owned(), licence);
        }
    }
    assert!(rejected.is_empty(), "not in deny.toml: {rejected:?}");
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let read = |page: &str| fs::read_to_string(root().join(page)).unwrap();
    let page = read("ARCHITECTURE.md") + &read("docs/when-things-lie.md");
    // Tests are named in code spans that are sentences: at least three words.
    let named: BTreeSet<_> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|span| span.matches('_').count() >= 3)
        .filter(|span| span.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    assert!(named.len() > 40, "ARCHITECTURE.md names only {} tests", named.len());
    let mut sources = Vec::new();
    files(&root().join("bindings"), "rs", &mut sources);
    files(&root().join("crates"), "rs", &mut sources);
    files(&root().join("tests"), "rs", &mut sources);
    files(&root().join("python"), "py", &mut sources);
    let text: String = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let is_there =
        |name: &str| ["fn", "def"].iter().any(|is| text.contains(&format!("{is} {name}(")));
    let missing: Vec<_> = named.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "tests are named that do not exist: {missing:?}");
}

#[test]
fn every_lesson_has_a_test_that_can_be_found() {
    let mut sources = Vec::new();
    files(&root().join("bindings"), "rs", &mut sources);
    files(&root().join("crates"), "rs", &mut sources);
    files(&root().join("tests"), "rs", &mut sources);
    let text: String = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for row in page.lines().filter(|line| line.starts_with("| L")) {
        let number: String = row.chars().skip(3).take_while(char::is_ascii_digit).collect();
        if number.is_empty() {
            continue;
        }
        let later = row.contains("later:");
        let found = text.contains(&format!("lesson_{number}_"))
            || text.contains(&format!("_and_{number}_"));
        assert!(found || later, "no test for lesson {number}");
    }
}

#[test]
fn every_crate_forbids_unsafe_code_but_the_c_library_which_explains_each_block() {
    let mut sources = Vec::new();
    files(&root().join("bindings"), "rs", &mut sources);
    files(&root().join("crates"), "rs", &mut sources);
    for path in sources.iter().filter(|path| path.ends_with("src/lib.rs")) {
        let text = fs::read_to_string(path).unwrap();
        let expected = if path.ends_with("bindings/c/src/lib.rs") {
            // C's pointers are bare. Clippy sees to it that each block says why it holds.
            "#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]"
        } else {
            "#![forbid(unsafe_code)]"
        };
        assert!(text.contains(expected), "{}", path.display());
    }
}

#[test]
fn providers_are_told_apart_in_one_place() {
    // The provider is told apart in one file: no other names the providers' variants.
    let mut sources = Vec::new();
    files(&root().join("crates/tokenlease-core/src"), "rs", &mut sources);
    for path in sources {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if name.contains("/provider") || name.ends_with("/identity.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("Provider::"), "{name} tells providers apart");
    }
}
