//! Runs the bodies of the fuzz targets over their corpora: the files in `tests/fuzz/corpus`, and the
//! fixtures from which the fuzzer starts. A part of each file is an input, too.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[allow(unreachable_pub, reason = "the library of the fuzz targets exports them")]
#[path = "fuzz/targets.rs"]
mod targets;
#[path = "../crates/tokenlease-core/tests/machine/world.rs"]
mod world;

/// Returns all files of a folder, and of those inside it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Rule: Formats: no parser panics or breaks a rule for an input that the fuzzer knows, or for a
/// part of it.
#[test]
fn no_parser_panics_for_an_input_of_its_corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, target) in targets::TARGETS {
        let mut inputs = files(&fuzz.join("corpus").join(name));
        if matches!(*name, "answers" | "discovery") {
            inputs.extend(files(&tokenlease_tests::fixtures().join("captures")));
        }
        assert!(inputs.len() > 1, "{name} has a corpus");
        for path in inputs {
            let input = fs::read(&path).unwrap();
            target(&input);
            for part in 1..16 {
                target(&input[..input.len() * part / 16]);
            }
        }
    }
    for (name, _) in targets::TARGETS {
        let program = fuzz.join("fuzz_targets").join(name).with_extension("rs");
        let text = fs::read_to_string(program).expect("each target has its program");
        assert!(text.contains(&format!("targets::{name}(data)")), "{name}");
    }
    assert_eq!(files(&fuzz.join("fuzz_targets")).len(), targets::TARGETS.len());
}
