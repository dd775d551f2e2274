//! The map: the files that ARCHITECTURE.md names exist, and no file is too long to be one concept.

use crate::{files, read, root};

/// Files above this length hold more than one concept.
const MAX_LINES: usize = 450;

/// Rule: Faces: `ARCHITECTURE.md` names the file of at least 20 behaviours, and each of them exists.
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

/// Rule: Formats: a source file holds one concept and stays under 450 lines.
#[test]
fn no_source_file_is_too_long() {
    for path in files::below(&["bindings", "crates", "python", "tests"], &["rs", "py", "c", "cpp"])
    {
        let lines = read(&path).lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}
