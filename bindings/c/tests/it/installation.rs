//! pkg-config, `CMake` and the loader find the installed library. It links dynamically and
//! statically.

use std::{fs, process::Command};

use crate::support::{
    Provider, Site, built, compiler, folder, forget_this_package, is_installed, prefix, program,
    root, succeed,
};

#[test]
fn pkg_config_finds_the_shared_and_the_static_library() {
    if !is_installed("pkg-config") || !is_installed(&compiler(false)) {
        return;
    }
    let flags = |package: &str, arguments: &[&str]| -> Vec<String> {
        let mut query = Command::new("pkg-config");
        query.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).args(arguments);
        let output = succeed(query.arg(package));
        output.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(flags("tokenlease", &["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let source = root().join("bindings/c/tests/c/bad_arguments.c");
    let site = Site::start(Provider::Winkas);
    let dynamic = flags("tokenlease", &["--cflags", "--libs"]);
    let shared = folder("programs").join("found-shared");
    succeed(Command::new(compiler(false)).arg(&source).arg("-o").arg(&shared).args(&dynamic));
    succeed(&mut site.command(&shared));

    // The archive.
    let linked = folder("programs").join("found-static");
    let mut link = Command::new(compiler(false));
    let archive = flags("tokenlease-static", &["--cflags", "--libs", "--static"]);
    succeed(link.arg(&source).arg("-o").arg(&linked).args(archive));
    succeed(site.command(&linked).env_remove("LD_LIBRARY_PATH"));
}

#[test]
fn cmake_finds_the_shared_and_the_static_library() {
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
         add_executable(found \"{source}\")\ntarget_link_libraries(found tokenlease::tokenlease)\n\
         add_executable(linked \"{source}\")\ntarget_link_libraries(linked tokenlease::static)\n",
        source = root().join("bindings/c/tests/c/bad_arguments.c").display()
    );
    fs::write(project.join("CMakeLists.txt"), list).unwrap();
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(&project).arg("-B").arg(&build);
    succeed(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display())));
    succeed(Command::new("cmake").arg("--build").arg(&build));
    let site = Site::start(Provider::Winkas);
    // CMake writes the path of the library into the program.
    succeed(site.command(build.join("found")).env_remove("LD_LIBRARY_PATH"));
    succeed(site.command(build.join("linked")).env_remove("LD_LIBRARY_PATH"));
}

/// Rule: Languages: an installed C library can be moved, and its libraries can be in any folder.
#[test]
fn an_installation_can_be_moved_and_have_another_folder_for_libraries() {
    if !is_installed("pkg-config") || !is_installed("cmake") || !is_installed(&compiler(false)) {
        return;
    }
    let site = Site::start(Provider::Winkas);
    let source = root().join("bindings/c/tests/c/bad_arguments.c");
    let place = tempfile::tempdir_in(folder("moved")).unwrap();
    let (first, moved) = (place.path().join("first"), place.path().join("moved"));
    let mut install = Command::new(root().join("bindings/c/install.sh"));
    install.env("PREFIX", &first).env("FROM", built()).env("LIBDIR", "lib/some-platform");
    // A program, and what `just generate` makes.
    let generated = place.path().join("generated");
    fs::create_dir_all(generated.join("man")).unwrap();
    fs::create_dir_all(generated.join("completions")).unwrap();
    let files = ["tokenlease", "man/tokenlease.1", "completions/tokenlease.bash"];
    for file in files.into_iter().chain(["completions/_tokenlease", "completions/tokenlease.fish"])
    {
        fs::write(generated.join(file), "").unwrap();
    }
    install.env("PROGRAM", generated.join("tokenlease")).env("GENERATED", &generated);
    succeed(install.env_remove("DESTDIR"));
    fs::rename(&first, &moved).unwrap();
    for file in ["bin/tokenlease", "share/man/man1/tokenlease.1"] {
        assert!(moved.join(file).exists(), "{file}");
    }
    let libraries = moved.join("lib/some-platform");

    for package in ["tokenlease", "tokenlease-static"] {
        let mut query = Command::new("pkg-config");
        query.env("PKG_CONFIG_PATH", libraries.join("pkgconfig")).args(["--cflags", "--libs"]);
        let flags = succeed(query.arg(package));
        let program = place.path().join(package);
        let mut link = Command::new(compiler(false));
        succeed(link.arg(&source).arg("-o").arg(&program).args(flags.split_whitespace()));
        succeed(site.command(&program).env("LD_LIBRARY_PATH", &libraries));
    }

    let (project, build) = (place.path().join("project"), place.path().join("build"));
    fs::create_dir(&project).unwrap();
    let list = format!(
        "cmake_minimum_required(VERSION 3.10)\nproject(found C)\nfind_package(tokenlease REQUIRED)\n\
         add_executable(found \"{}\")\ntarget_link_libraries(found tokenlease::tokenlease)\n",
        source.display()
    );
    fs::write(project.join("CMakeLists.txt"), list).unwrap();
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(&project).arg("-B").arg(&build);
    let package = libraries.join("cmake/tokenlease");
    succeed(configure.arg(format!("-Dtokenlease_DIR={}", package.display())));
    succeed(Command::new("cmake").arg("--build").arg(&build));
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

/// Rule: Languages: an archive of the C library has the licences of all that is linked into it.
#[test]
fn an_archive_has_the_library_and_the_licences_of_its_dependencies() {
    if !is_installed("tar") || !is_installed("gzip") {
        return;
    }
    let place = tempfile::tempdir_in(folder("archives")).unwrap();
    let mut pack = Command::new(root().join("bindings/c/archive.sh"));
    pack.env("TO", place.path()).env("FROM", built()).env_remove("LIBDIR").env_remove("PROGRAM");
    forget_this_package(&mut pack);
    let archive = succeed(pack.env_remove("TARGET"));
    succeed(Command::new("tar").arg("-C").arg(place.path()).args(["-xzf", archive.trim()]));
    let unpacked = place
        .path()
        .join(archive.trim().rsplit('/').next().unwrap().strip_suffix(".tar.gz").unwrap());
    for file in ["include/tokenlease.h", "lib/libtokenlease.a", "lib/pkgconfig/tokenlease.pc"] {
        assert!(unpacked.join(file).exists(), "{file}");
    }
    let licences = unpacked.join("share/licenses/tokenlease/THIRD-PARTY.txt");
    let licences = fs::read_to_string(licences).unwrap();
    for text in ["\nrustls ", "\nring ", "\ntokio ", "THE SOFTWARE IS PROVIDED \"AS IS\""] {
        assert!(licences.contains(text), "{text}");
    }
    for other in ["\ntokenlease", "\ncbindgen ", "\nclap "] {
        assert!(!licences.contains(other), "{other}");
    }
}

#[test]
fn the_recipes_of_package_managers_have_the_version() {
    let packaging = root().join("bindings/c/packaging");
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    for recipe in ["vcpkg/tokenlease/vcpkg.json", "conan/conanfile.py"] {
        let text = fs::read_to_string(packaging.join(recipe)).unwrap();
        assert!(text.contains(&version), "{recipe} does not have the version {version}");
    }
}
