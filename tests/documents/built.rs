//! The C library and the Python module that the pages install, built from this source.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{
    environment::{Environment, run, without_cargo},
    page::root,
};

/// The folder with the built C library, as `FROM` of `bindings/c/install.sh`.
pub(crate) fn c_library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let mut build = Command::new(env!("CARGO"));
        without_cargo(&mut build)
            .args(["build", "--locked", "-p", "tokenlease-c", "--profile", profile])
            .current_dir(root());
        run(&mut build).unwrap_or_else(|why| panic!("{why}"));
        // This test is in `target/PROFILE/deps`.
        let test = std::env::current_exe().expect("this test's path");
        test.ancestors().nth(2).expect("the profile's folder").to_owned()
    })
}

/// A Python that has the module. `None` where there is no Python, which is then printed.
pub(crate) fn python() -> Option<PathBuf> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    let made = ENVIRONMENT.get_or_init(|| {
        let environment = Environment::make()?;
        environment.install_wheel(&root().join("python"), "dev", None);
        Ok(environment)
    });
    let environment = made.as_ref().map_err(|why| println!("skipped: {why}")).ok()?;
    Some(environment.tool("python"))
}

/// Whether a program is installed; a test without it prints that it was skipped.
pub(crate) fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no {program}");
    }
    found
}
