//! The Python package as its users install it: a wheel that maturin builds, in a virtual
//! environment below `target/`. The tests format, lint and type-check its source, compare its stubs
//! with the module, and run its own tests against the emulator.

mod adapters;
mod environment;
mod programs;
mod types;
mod versions;

use std::{path::Path, process::Command, sync::OnceLock};

use environment::{Environment, run};

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../python");

/// Returns the environment with the wheels of the package and of the program, built without optimization. Prints why and returns
/// `None` if it cannot be made.
fn with_wheel() -> Option<&'static Environment> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    let made = ENVIRONMENT.get_or_init(|| {
        let environment = Environment::make()?;
        let package = Path::new(PACKAGE);
        environment.install_wheel(package, "dev", None);
        environment.install_wheel(&package.join("emulator"), "dev", None);
        Ok(environment)
    });
    made.as_ref().map_err(|why| eprintln!("skipped: {why}")).ok()
}

/// Runs a tool on the package's source. Panics with its output if it fails.
fn check(environment: &Environment, tool: &str, arguments: &[&str]) {
    let run = run(Command::new(environment.tool(tool)).args(arguments).current_dir(PACKAGE));
    run.unwrap_or_else(|why| panic!("{why}"));
}

/// Rule: Languages: the Python source is formatted, linted and type-checked.
#[test]
fn the_python_source_is_formatted_linted_and_typed() {
    let Some(environment) = with_wheel() else { return };
    check(environment, "ruff", &["format", "--check", ".", "../crates", "../tests"]);
    check(environment, "ruff", &["check", ".", "../crates", "../tests"]);
    let cache = environment.folder.join("mypy");
    check(environment, "mypy", &["--cache-dir", cache.to_str().unwrap()]);
}

/// Rule: Languages: the Python stubs agree with the installed module.
#[test]
fn the_stubs_agree_with_the_installed_module() {
    let Some(environment) = with_wheel() else { return };
    // Not in the folder of the source, which Python would import instead.
    let compared = run(Command::new(environment.tool("python"))
        .args(["-m", "mypy.stubtest", "tokenlease"])
        .current_dir(&environment.folder));
    compared.unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn the_python_tests_pass() {
    let Some(environment) = with_wheel() else { return };
    let tests = Path::new(PACKAGE).join("tests");
    // Those of the adapters run in two environments.
    let passed = run(pytest(environment).arg(&tests).arg("--ignore").arg(tests.join("adapters")));
    println!("{}", passed.unwrap_or_else(|why| panic!("{why}")));
}

/// Returns a command that runs tests of the installed package.
fn pytest(environment: &Environment) -> Command {
    let mut command = Command::new(environment.tool("python"));
    command
        .args(["-m", "pytest", "-c"])
        .arg(Path::new(PACKAGE).join("pyproject.toml"))
        .env("TOKENLEASE_PROGRAM", env!("CARGO_BIN_EXE_tokenlease-under-test"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(&environment.folder);
    command
}
