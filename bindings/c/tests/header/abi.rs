//! The binary interface, compared with the snapshot `tests/abi.txt`: what programs that were compiled
//! before rely on.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, process::Command};

use crate::{accepts, crate_folder, declarations, ffi};

/// Returns the values of enums, the fields of structs, and the signatures, each in one line.
fn interface() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let mut open = String::new();
    for line in ffi::declarations() {
        let text = line.trim().trim_end_matches([',', ';']);
        if line.ends_with('{') {
            text.trim_start_matches("typedef ").trim_end_matches(" {").clone_into(&mut open);
        } else if line.starts_with(' ') {
            lines.insert(format!("{open}: {text}"));
        } else if declarations::is_function(&line) || declarations::is_callback(&line) {
            lines.insert(text.to_owned());
        }
    }
    lines
}

/// Returns the sizes of types and the offsets of fields on this machine. `None` without a compiler.
fn layout(interface: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let mut program = "#include <stdio.h>\n#include <tokenlease.h>\nint main(void) {\n".to_owned();
    let mut print = |what: &str, value: &str| {
        writeln!(program, "printf(\"{what}: %d\\n\", (int){value});").unwrap();
    };
    for line in interface {
        let Some((owner, member)) = line.split_once(": ") else { continue };
        let (kind, name) = owner.split_once(' ').unwrap();
        print(&format!("size of {name}"), &format!("sizeof({name})"));
        if kind == "struct" {
            let field = member.rsplit([' ', '*']).next().unwrap();
            print(&format!("offset of {name}.{field}"), &format!("offsetof({name}, {field})"));
        }
    }
    program.push_str("return 0;\n}\n");
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, built) = (folder.join("layout.c"), folder.join("layout"));
    fs::write(&source, program).unwrap();
    let mut compile = Command::new("cc");
    compile.arg("-I").arg(crate_folder().join("../../include")).arg(&source).arg("-o").arg(&built);
    assert!(compile.status().ok()?.success());
    let output = Command::new(&built).output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

/// Returns what a program that was compiled with the old interface cannot rely on in the new one.
fn broken(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Vec<String> {
    let grew = |line: &str| {
        // Structs that begin with their size may grow.
        let Some((what, size)) = line.split_once(": ") else { return false };
        let name = what.strip_prefix("size of ").unwrap_or_default();
        let is_growing = old.contains(&format!("struct {name}: size_t size"));
        let now = new.iter().find_map(|line| line.strip_prefix(&format!("{what}: ")));
        let number = |text: &str| text.parse::<usize>().ok();
        is_growing && now.and_then(number) > number(size)
    };
    old.difference(new).filter(|line| !grew(line)).cloned().collect()
}

/// Rule: Languages: sizes, values and signatures of the C library stay as in the committed snapshot.
#[test]
fn the_binary_interface_is_that_of_the_snapshot() {
    let path = crate_folder().join("tests/abi.txt");
    let mut now = interface();
    assert!(now.len() > 70, "{now:?}");
    let committed: BTreeSet<_> =
        fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
    match layout(&now).filter(|_| cfg!(target_pointer_width = "64")) {
        Some(layout) => now.extend(layout),
        None => now.extend(committed.iter().filter(|line| line.contains(" of ")).cloned()),
    }
    let broken = broken(&committed, &now);
    assert!(
        broken.is_empty() || env::var_os("TOKENLEASE_ACCEPT_ABI").is_some(),
        "programs that were compiled before would break: {broken:#?}\n\
         If the soname has changed since the last release, set TOKENLEASE_ACCEPT_ABI=1 too"
    );
    if accepts() {
        let lines: Vec<_> = now.iter().map(String::as_str).collect();
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    } else {
        let added: Vec<_> = now.difference(&committed).collect();
        assert!(
            added.is_empty(),
            "the snapshot lacks {added:#?}\n\
             To add it, run: TOKENLEASE_ACCEPT_HEADER=1 cargo test -p tokenlease-c --test header"
        );
    }
}

#[test]
fn the_check_finds_changes_and_lets_structs_with_a_size_grow() {
    let of = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<BTreeSet<_>>();
    let old =
        of(&["struct a: size_t size", "size of a: 8", "size of b: 8", "enum c: X = 1", "f(int)"]);
    assert_eq!(broken(&old, &old), [""; 0]);
    let new = of(&[
        "struct a: size_t size",
        "size of a: 16",
        "size of b: 16",
        "enum c: X = 2",
        "f(long)",
        "added",
    ]);
    assert_eq!(broken(&old, &new), ["enum c: X = 1", "f(int)", "size of b: 8"]);
    let smaller = of(&["struct a: size_t size", "size of a: 4"]);
    assert!(broken(&old, &smaller).contains(&"size of a: 8".to_owned()));
}
