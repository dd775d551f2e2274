//! The files of the project, as paths below its root.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use crate::root;

/// Folders whose files the project did not write, or that are built.
const FOREIGN: [&str; 6] = ["target", ".git", "node_modules", "captures", "examples", "vectors"];

/// All files below the folders that end in one of the extensions.
pub(crate) fn below(folders: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        collect(Path::new(folder), &mut found);
    }
    found.retain(|path| {
        path.extension().and_then(OsStr::to_str).is_some_and(|end| extensions.contains(&end))
    });
    found.sort();
    found
}

/// All files with words in them.
pub(crate) fn with_words() -> Vec<PathBuf> {
    const EXTENSIONS: [&str; 20] = [
        "md", "rs", "py", "pyi", "c", "h", "cpp", "hpp", "cs", "go", "java", "mjs", "pas", "php",
        "rb", "toml", "yml", "yaml", "sh", "in",
    ];
    let mut found = below(&[""], &EXTENSIONS);
    found.extend(["justfile", ".ci/run", ".ci/sanitizers"].map(PathBuf::from));
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        // An example of a crate is the project's; a recorded answer below `fixtures` is not.
        let is_fixture = folder.ends_with("fixtures");
        let is_foreign = FOREIGN.contains(&name.as_str())
            && (is_fixture || !["captures", "examples", "vectors"].contains(&name.as_str()));
        if entry.file_type().unwrap().is_dir() {
            if !is_foreign {
                collect(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}
