//! The Python face as its users have it: a wheel that maturin builds, in a virtual environment of
//! its own below `target/`, formatted, linted, typed, its stubs compared with it, and its own
//! tests run against the emulator.

mod environment;

use std::{path::Path, process::Command, sync::OnceLock};

use environment::{Environment, run};

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../python");

/// The one environment, with the wheel as unoptimized as the tests are; `None` where there can be
/// none, which is then said.
fn environment() -> Option<&'static Environment> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    let made = ENVIRONMENT.get_or_init(|| {
        let environment = Environment::make()?;
        environment.install_wheel(Path::new(PACKAGE), "dev", None);
        Ok(environment)
    });
    made.as_ref().map_err(|why| eprintln!("skipped: {why}")).ok()
}

/// Runs a tool on the package's source, or panics with what it said.
fn check(environment: &Environment, tool: &str, arguments: &[&str]) {
    let run = run(Command::new(environment.tool(tool)).args(arguments).current_dir(PACKAGE));
    run.unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn the_python_source_is_formatted_linted_and_typed() {
    let Some(environment) = environment() else { return };
    check(environment, "ruff", &["format", "--check", ".", "../crates", "../tests"]);
    check(environment, "ruff", &["check", ".", "../crates", "../tests"]);
    let cache = environment.folder.join("mypy");
    check(environment, "mypy", &["--cache-dir", cache.to_str().unwrap()]);
}

#[test]
fn the_stubs_agree_with_the_module_that_is_installed() {
    let Some(environment) = environment() else { return };
    // Not in the source's folder, which would be imported in its place.
    let compared = run(Command::new(environment.tool("python"))
        .args(["-m", "mypy.stubtest", "tokenlease"])
        .current_dir(&environment.folder));
    compared.unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn the_tests_of_the_python_face_pass() {
    let Some(environment) = environment() else { return };
    let passed = run(Command::new(environment.tool("pytest"))
        .args([Path::new(PACKAGE).join("tests").as_os_str()])
        .arg("-c")
        .arg(Path::new(PACKAGE).join("pyproject.toml"))
        .env("TOKENLEASE_PROGRAM", env!("CARGO_BIN_EXE_tokenlease-under-test"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(&environment.folder));
    println!("{}", passed.unwrap_or_else(|why| panic!("{why}")));
}
