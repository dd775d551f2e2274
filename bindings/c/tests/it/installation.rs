//! pkg-config, `CMake` and the loader find the installed library. It links dynamically and
//! statically.

use std::{fs, process::Command};

use crate::support::{
    Provider, Site, compiler, folder, is_installed, prefix, program, root, succeed,
};

#[test]
fn pkg_config_finds_the_library_and_lists_what_the_static_one_needs() {
    if !is_installed("pkg-config") || !is_installed(&compiler(false)) {
        return;
    }
    let flags = |arguments: &[&str]| -> Vec<String> {
        let mut query = Command::new("pkg-config");
        query.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).args(arguments);
        let output = succeed(query.arg("tokenlease"));
        output.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(flags(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let source = root().join("bindings/c/tests/c/bad_arguments.c");
    let site = Site::start(Provider::Winkas);
    let mut dynamic = flags(&["--cflags", "--libs"]);
    let shared = folder("programs").join("found-shared");
    succeed(Command::new(compiler(false)).arg(&source).arg("-o").arg(&shared).args(&dynamic));
    succeed(&mut site.command(&shared));

    // The archive by its file name, and the flags of pkg-config except -ltokenlease.
    dynamic = flags(&["--cflags", "--libs", "--static"]);
    dynamic.retain(|flag| flag != "-ltokenlease");
    let linked = folder("programs").join("found-static");
    let archive = prefix().join("lib/libtokenlease.a");
    let mut link = Command::new(compiler(false));
    succeed(link.arg(&source).arg("-o").arg(&linked).arg(archive).args(&dynamic));
    succeed(site.command(&linked).env_remove("LD_LIBRARY_PATH"));
}

#[test]
fn cmake_finds_the_library() {
    if !is_installed("cmake") || !is_installed(&compiler(false)) || !is_installed(&compiler(true)) {
        return;
    }
    let (project, build) = (folder("cmake"), folder("cmake/build"));
    let version = env!("CARGO_PKG_VERSION");
    let list = format!(
        "cmake_minimum_required(VERSION 3.10)\nproject(found C)\n\
         find_package(tokenlease {version} REQUIRED)\n\
         find_package(tokenlease 99.0 QUIET)\n\
         if(tokenlease_FOUND)\nmessage(FATAL_ERROR \"found a version that is not installed\")\nendif()\n\
         add_executable(found \"{}\")\ntarget_link_libraries(found tokenlease::tokenlease)\n",
        root().join("bindings/c/tests/c/bad_arguments.c").display()
    );
    fs::write(project.join("CMakeLists.txt"), list).unwrap();
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(&project).arg("-B").arg(&build);
    succeed(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display())));
    succeed(Command::new("cmake").arg("--build").arg(&build));
    let site = Site::start(Provider::Winkas);
    // CMake writes the path of the library into the program.
    succeed(site.command(build.join("found")).env_remove("LD_LIBRARY_PATH"));
}

#[test]
fn a_program_needs_the_library_by_its_soname() {
    if !cfg!(target_os = "linux") || !is_installed("readelf") {
        return;
    }
    let Some(bad_arguments) = program("bad_arguments.c") else { return };
    let needed = succeed(Command::new("readelf").arg("-d").arg(bad_arguments));
    let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    let abi = if major == "0" { format!("0.{minor}") } else { major.to_owned() };
    assert!(needed.contains(&format!("[libtokenlease.so.{abi}]")), "{needed}");
}
