//! The installed libraries in a program with other libraries.

use std::{env, fs, process::Command};

use crate::support::{compiler, folder, is_installed, prefix, succeed};

fn can_link() -> bool {
    cfg!(target_os = "linux") && ["nm", "readelf", "objcopy"].into_iter().all(is_installed)
}

/// Another library in Rust, whose calls catch a panic.
const OTHER: &str = "#[unsafe(no_mangle)] pub extern \"C\" fn other_catches_panics() -> i32 {\n\
    std::panic::catch_unwind(|| panic!(\"on purpose\")).is_err().into()\n}\n";

const PROGRAM: &str = "#include <tokenlease.h>\nint other_catches_panics(void);\n\
    int main(void) {\n\
    tokenlease_error *error = NULL; tokenlease_config *config = NULL;\n\
    if (tokenlease_config_new(&config, &error)) { return 1; }\n\
    if (tokenlease_config_set(config, TOKENLEASE_TEXT(\"usr\"), TOKENLEASE_TEXT(\"x\"), &error)\n\
        != TOKENLEASE_CONFIG) { return 2; }\n\
    tokenlease_error_free(error); tokenlease_config_free(config);\n\
    return other_catches_panics() ? 0 : 3;\n}\n";

/// Rule: Languages: the static library links beside another Rust static library, wholly included.
#[test]
fn the_static_library_links_beside_another_rust_library() {
    if !can_link() {
        return;
    }
    let folder = folder("programs");
    let (source, other) = (folder.join("beside.c"), folder.join("libother.a"));
    fs::write(&source, PROGRAM).unwrap();
    fs::write(folder.join("other.rs"), OTHER).unwrap();
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "--crate-type", "staticlib", "-o"]).arg(&other);
    succeed(command.arg(folder.join("other.rs")));
    let archive = prefix().join("lib/libtokenlease.a");
    for (name, archives) in [("beside-1", [&archive, &other]), ("beside-2", [&other, &archive])] {
        let program = folder.join(name);
        let mut link = Command::new(compiler(false));
        link.arg(&source).arg("-o").arg(&program).arg("-I").arg(prefix().join("include"));
        // Wholly: otherwise the linker takes what is missing from the first, and hides a conflict.
        link.arg("-Wl,--whole-archive").args(archives).arg("-Wl,--no-whole-archive");
        succeed(link.args(["-lpthread", "-lm", "-ldl"]));
        let output = Command::new(&program).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
}

#[test]
fn the_static_library_has_no_other_global_names_and_no_intermediate_code() {
    if !can_link() {
        return;
    }
    let archive = prefix().join("lib/libtokenlease.a");
    let symbols = succeed(Command::new("nm").args(["-g", "--defined-only"]).arg(&archive));
    let names: Vec<_> = symbols.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(names.len() > 40 && names.iter().all(|name| name.starts_with("tokenlease_")));
    let sections = succeed(Command::new("readelf").args(["-S", "-W"]).arg(&archive));
    assert!(!sections.contains(" .llvmbc ") && !sections.contains(" .llvmcmd "));
}

/// Rule: Languages: each function of the shared library has the version of the interface.
#[test]
fn each_function_of_the_shared_library_has_a_version() {
    if !can_link() {
        return;
    }
    let library = prefix().join("lib/libtokenlease.so");
    let symbols = succeed(Command::new("readelf").args(["--dyn-syms", "-W"]).arg(library));
    let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    let version = if major == "0" { format!("0.{minor}") } else { major.to_owned() };
    let functions: Vec<_> = symbols.lines().filter(|line| line.contains(" tokenlease_")).collect();
    assert!(functions.len() > 40);
    for line in functions {
        assert!(line.ends_with(&format!("@@TOKENLEASE_{version}")), "{line}");
    }
}

const UNLOADS: &str = "#define _GNU_SOURCE\n#include <dlfcn.h>\n\
    int main(int argc, char **argv) {\n\
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : 0;\n\
    if (!library || !dlsym(library, \"tokenlease_version\") || dlclose(library)) { return 1; }\n\
    return dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) ? 0 : 2;\n}\n";

/// Rule: Languages: the shared library stays loaded, because its threads run until the process ends.
#[test]
fn the_shared_library_stays_loaded() {
    if !can_link() {
        return;
    }
    let (source, program) =
        (folder("programs").join("unloads.c"), folder("programs").join("unloads"));
    fs::write(&source, UNLOADS).unwrap();
    succeed(Command::new(compiler(false)).arg(&source).arg("-o").arg(&program).arg("-ldl"));
    succeed(Command::new(&program).arg(prefix().join("lib/libtokenlease.so")));
}
