//! The installed library is found by pkg-config, by `CMake` and by the loader, and linked both ways.

use std::{fs, process::Command};

use crate::support::{Provider, Site, at_hand, compiler, folder, prefix, program, root, succeed};

#[test]
fn pkg_config_finds_the_library_and_the_static_one_needs_nothing_else() {
    if !at_hand("pkg-config") || !at_hand(&compiler(false)) {
        return;
    }
    let flags = |arguments: &[&str]| -> Vec<String> {
        let mut ask = Command::new("pkg-config");
        ask.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).args(arguments);
        let said = succeed(ask.arg("tokenlease"));
        said.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(flags(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let source = root().join("bindings/c/tests/c/misuse.c");
    let site = Site::start(Provider::Winkas);
    let mut dynamic = flags(&["--cflags", "--libs"]);
    let shared = folder("programs").join("found-shared");
    succeed(Command::new(compiler(false)).arg(&source).arg("-o").arg(&shared).args(&dynamic));
    succeed(&mut site.command(&shared));

    // The archive by its name, and what pkg-config says beside -ltokenlease.
    dynamic = flags(&["--cflags", "--libs", "--static"]);
    dynamic.retain(|flag| flag != "-ltokenlease");
    let fixed = folder("programs").join("found-static");
    let archive = prefix().join("lib/libtokenlease.a");
    let mut link = Command::new(compiler(false));
    succeed(link.arg(&source).arg("-o").arg(&fixed).arg(archive).args(&dynamic));
    succeed(site.command(&fixed).env_remove("LD_LIBRARY_PATH"));
}

#[test]
fn cmake_finds_the_library() {
    if !at_hand("cmake") || !at_hand(&compiler(false)) || !at_hand(&compiler(true)) {
        return;
    }
    let (project, build) = (folder("cmake"), folder("cmake/build"));
    let version = env!("CARGO_PKG_VERSION");
    let list = format!(
        "cmake_minimum_required(VERSION 3.10)\nproject(found C)\n\
         find_package(tokenlease {version} REQUIRED)\n\
         find_package(tokenlease 99.0 QUIET)\n\
         if(tokenlease_FOUND)\nmessage(FATAL_ERROR \"a version that it does not have\")\nendif()\n\
         add_executable(found \"{}\")\ntarget_link_libraries(found tokenlease::tokenlease)\n",
        root().join("bindings/c/tests/c/misuse.c").display()
    );
    fs::write(project.join("CMakeLists.txt"), list).unwrap();
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(&project).arg("-B").arg(&build);
    succeed(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display())));
    succeed(Command::new("cmake").arg("--build").arg(&build));
    let site = Site::start(Provider::Winkas);
    // CMake leaves in the program where the library is.
    succeed(site.command(build.join("found")).env_remove("LD_LIBRARY_PATH"));
}

#[test]
fn a_program_asks_for_the_library_by_the_name_of_its_interface() {
    if !cfg!(target_os = "linux") || !at_hand("readelf") {
        return;
    }
    let Some(misuse) = program("misuse.c") else { return };
    let needed = succeed(Command::new("readelf").arg("-d").arg(misuse));
    let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    let abi = if major == "0" { format!("0.{minor}") } else { major.to_owned() };
    assert!(needed.contains(&format!("[libtokenlease.so.{abi}]")), "{needed}");
}
