//! The promises that the project makes about itself: its dependencies and their licences, the words of
//! its texts, the tests behind its rules, and its structure.

mod files;
mod map;
mod rules;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The dependencies that the core may have. Each is pure: no socket, no file, no clock, no thread.
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

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--all-features", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    // A machine that built without some optional features has not fetched their crates.
    if !output.status.success() {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--all-features", "--locked"])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{message}");
        return serde_json::from_slice(&output.stdout).unwrap();
    }
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_core_depends_on_pure_crates_only() {
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

/// Rule: Languages: unsafe code is forbidden everywhere but in the C library, where each block says why it
/// is sound.
#[test]
fn unsafe_code_is_forbidden_outside_the_c_library() {
    let sources = files::below(&["bindings", "crates"], &["rs"]);
    for path in sources.iter().filter(|path| path.ends_with("src/lib.rs")) {
        let expected = if path.ends_with("bindings/c/src/lib.rs") {
            // Clippy checks that each block says why it is sound.
            "#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]"
        } else {
            "#![forbid(unsafe_code)]"
        };
        assert!(read(path).contains(expected), "{}", path.display());
    }
}

/// Rule: Languages: code differs by provider in `provider/` and `identity.rs` alone.
#[test]
fn code_differs_by_provider_in_one_place() {
    for path in files::below(&["crates/tokenlease-core/src"], &["rs"]) {
        let name = path.to_string_lossy().replace('\\', "/");
        if name.contains("/provider") || name.ends_with("/identity.rs") {
            continue;
        }
        // Its variants, as code names them.
        let text = read(&path);
        for variant in ["Provider::Winkas", "Provider::Wyn", "Provider::OAuth2"] {
            assert!(!text.contains(variant), "{name} differs by provider");
        }
    }
}

/// As copies: the archives of crates and Python packages do not follow links out of their folders.
#[test]
fn each_published_package_has_the_texts_of_its_licences() {
    let metadata = metadata();
    let published = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package["source"].is_null() && package["publish"].is_null());
    let crates = published.map(|package| {
        Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
    });
    for folder in crates.chain(["python", "python/emulator"].map(|folder| root().join(folder))) {
        for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let copy = fs::read_to_string(folder.join(name)).unwrap_or_default();
            assert!(copy == read(name), "copy {name} into {}", folder.display());
        }
    }
}

#[test]
fn all_packages_have_one_version() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let workspace = &manifest["workspace"];
    for (name, dependency) in workspace["dependencies"].as_table().unwrap() {
        if dependency.get("path").is_some() {
            assert_eq!(dependency["version"], workspace["package"]["version"], "{name}");
        }
    }
    let version = workspace["package"]["version"].as_str().unwrap();
    for package in metadata()["packages"].as_array().unwrap() {
        if package["source"].is_null() && package["publish"].is_null() {
            assert_eq!(package["version"], *version, "{}", package["name"]);
        }
    }
    for path in ["vcpkg/tokenlease/vcpkg.json", "conan/conanfile.py"] {
        let file = read(Path::new("bindings/c/packaging").join(path));
        assert!(file.contains(&format!("\"{version}\"")), "{path} has another version");
    }
}
