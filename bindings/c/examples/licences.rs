//! Prints the licences of all crates that are linked into packages, for an archive to contain.
//!
//! ```console
//! cargo run -p tokenlease-c --example licences -- [--target TARGET] tokenlease-c
//! ```
//!
//! The target is an argument, because crates are built again if a variable `TARGET` changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use serde_json::Value;

fn main() -> ExitCode {
    let mut packages: Vec<_> = env::args().skip(1).collect();
    let target = (packages.len() > 2 && packages[0] == "--target")
        .then(|| packages.drain(..2).nth(1))
        .flatten();
    match licences(&packages, target.as_deref()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn licences(packages: &[String], target: Option<&str>) -> Result<String, Box<dyn Error>> {
    let mut linked = linked(packages, target)?;
    linked.retain(|_, package| !package["source"].is_null());
    let mut text = "The third-party software in this archive, with its licences.\n".to_owned();
    text.push_str("\nThe Rust standard library (MIT OR Apache-2.0), https://www.rust-lang.org\n");
    for package in linked.values() {
        text.push_str(&entry(package)?);
    }
    // Many crates have the same text: it is printed once, with the names before it.
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in linked.values() {
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let folder = Path::new(manifest).parent().ok_or("a manifest without a folder")?;
        let mut licences = files(folder)?;
        if licences.is_empty() {
            licences.push(standard(package)?);
        }
        for licence in licences {
            let names = texts.entry(licence).or_default();
            names.insert(package["name"].as_str().unwrap_or_default().to_owned());
        }
    }
    for (licence, names) in texts {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        write!(text, "\n{}\n{}\n\n{licence}\n", "-".repeat(80), names.join(", "))?;
    }
    Ok(text)
}

/// Runs cargo in the workspace, and returns its output.
fn cargo(arguments: &[&str]) -> Result<Vec<u8>, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(cargo).args(arguments).current_dir(root).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(output.stdout)
}

/// Returns what cargo knows of the crates that are linked into the packages, by name and version.
fn linked(
    packages: &[String],
    target: Option<&str>,
) -> Result<BTreeMap<String, Value>, Box<dyn Error>> {
    let mut found = BTreeSet::new();
    for package in packages {
        // With the features of this package alone, and without what only runs at build time.
        let mut tree = vec!["tree", "--locked", "--edges", "normal,no-proc-macro"];
        tree.extend(["--prefix", "none", "--package", package.as_str()]);
        tree.extend(target.into_iter().flat_map(|target| ["--target", target]));
        for line in String::from_utf8(cargo(&tree)?)?.lines() {
            let mut words = line.split(' ');
            if let (Some(name), Some(version)) = (words.next(), words.next()) {
                found.insert(format!("{name} {}", version.trim_start_matches('v')));
            }
        }
    }
    let metadata = cargo(&["metadata", "--format-version", "1", "--locked"])?;
    let mut metadata: Value = serde_json::from_slice(&metadata)?;
    let Value::Array(known) = metadata["packages"].take() else {
        return Err("cargo names no packages".into());
    };
    let text = |package: &Value, name: &str| package[name].as_str().unwrap_or_default().to_owned();
    let named = known.into_iter().map(|package| {
        (format!("{} {}", text(&package, "name"), text(&package, "version")), package)
    });
    Ok(named.filter(|(name, _)| found.contains(name)).collect())
}

fn entry(package: &Value) -> Result<String, Box<dyn Error>> {
    let text = |name: &str| package[name].as_str().unwrap_or_default();
    let (name, licence) = (text("name"), text("license"));
    if licence.is_empty() {
        return Err(format!("the crate {name} names no licence").into());
    }
    Ok(format!("{name} {} ({licence}) {}\n", text("version"), text("repository")))
}

/// Returns the text of the licence that a crate without licence files names.
fn standard(package: &Value) -> Result<String, Box<dyn Error>> {
    let licence = package["license"].as_str().unwrap_or_default();
    if licence.contains("Apache-2.0") {
        return Ok(include_str!("../../../LICENSE-APACHE").trim().to_owned());
    }
    if licence == "MIT" {
        let authors = package["authors"].as_array().into_iter().flatten();
        let authors: Vec<_> = authors.filter_map(Value::as_str).collect();
        let ours = include_str!("../../../LICENSE-MIT").trim();
        let (_, terms) = ours.split_once("developers\n").ok_or("LICENSE-MIT names no holder")?;
        return Ok(format!("MIT License\n\nCopyright (c) {}\n{terms}", authors.join(", ")));
    }
    Err(format!("the crate {} has no licence file: {licence}", package["name"]).into())
}

/// Returns the texts of the licence files of a crate.
fn files(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let is_licence =
            ["LICEN", "COPYING", "NOTICE", "COPYRIGHT"].iter().any(|start| name.starts_with(start));
        if is_licence && path.is_file() {
            texts.push(String::from_utf8_lossy(&fs::read(path)?).trim().to_owned());
        }
    }
    Ok(texts)
}
