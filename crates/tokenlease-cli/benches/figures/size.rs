//! What the C library takes on a disk.

use std::{env, fs, path::Path, process::Command};

use crate::figure::{Figure, Wanted};

/// With the folder as its store, and unwinding.
const LIMIT: f64 = 3.5 * 1024.0 * 1024.0;

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    if !wanted.has("c_library") {
        return Vec::new();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--locked", "-p", "tokenlease-c"]).current_dir(&root);
    // What Cargo tells this program would have build scripts run again.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    assert!(cargo.status().expect("cargo").success(), "the C library is built");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let (built, stripped) = (target.join("release/libtokenlease.so"), target.join("stripped.so"));
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg(built).status();
    assert!(strip.expect("strip").success(), "the C library is stripped");
    #[expect(clippy::cast_precision_loss, reason = "a few million bytes")]
    let bytes = fs::metadata(stripped).expect("a file").len() as f64;
    let mib = |bytes: f64| move || bytes / (1024.0 * 1024.0);
    vec![Figure::measure("c_library_stripped", "MiB", 1, mib(bytes), mib(LIMIT)).at_most(1.0)]
}
