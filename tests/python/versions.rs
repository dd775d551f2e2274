//! The package's own tests with other versions of Python. One wheel serves all of them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    PACKAGE,
    environment::{Environment, REQUIREMENTS, run},
    pytest, with_wheel,
};

/// The minor versions of Python 3 that the package supports.
const OLDEST: u32 = 9;
const NEWEST: u32 = 14;
/// The versions on which the newest tools do not run.
const OLD_PYTHONS: [&str; 2] = ["3.9", "3.10"];
const OLD_REQUIREMENTS: &str = include_str!("../../python/requirements-oldest-python.txt");

/// Returns the interpreter of that version: on the path, or installed by pyenv.
fn interpreter(minor: u32) -> Option<PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(env::home_dir()?.join(".pyenv")));
    let installed = root.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let name = format!("python3.{minor}");
    let of_pyenv = installed.into_iter().flatten().flatten();
    let of_pyenv = of_pyenv.map(|version| version.path().join("bin").join(&name));
    let works =
        |python: &PathBuf| run(Command::new(python).args(["-c", "import ssl, venv"])).is_ok();
    [PathBuf::from(&name)].into_iter().chain(of_pyenv).find(works)
}

/// Rule: Languages: the Python package works on the oldest and the newest Python of a machine.
///
/// `TOKENLEASE_PYTHONS` in the environment chooses versions: `ends`, the oldest and the newest that are installed,
/// `all` that are, or for example `3.9 3.13`, which must be. Without it, none runs: `.ci/run` sets it.
#[test]
fn the_python_tests_pass_on_other_versions() {
    let Ok(chosen) = env::var("TOKENLEASE_PYTHONS") else {
        return println!("other versions of Python run with TOKENLEASE_PYTHONS alone");
    };
    let Some(built) = with_wheel() else { return };
    let all = OLDEST..=NEWEST;
    let installed = all.filter_map(|minor| Some((format!("3.{minor}"), interpreter(minor)?)));
    let mut versions: Vec<(String, PathBuf)> = installed.collect();
    match chosen.as_str() {
        "ends" if versions.len() > 2 => drop(versions.drain(1..versions.len() - 1)),
        "all" | "ends" => {}
        named => {
            let named: Vec<&str> = named.split(' ').collect();
            versions.retain(|(version, _)| named.contains(&version.as_str()));
            assert_eq!(versions.len(), named.len(), "installed of {chosen}: {versions:?}");
        }
    }
    assert!(!versions.is_empty(), "no Python from 3.{OLDEST} to 3.{NEWEST} is installed");
    for (version, python) in versions {
        pass_on(built, &version, &python);
    }
}

/// Runs the package's own tests with that interpreter, from the wheels that were built for another one.
fn pass_on(built: &Environment, version: &str, python: &Path) {
    let requirements = if OLD_PYTHONS.contains(&version) { OLD_REQUIREMENTS } else { REQUIREMENTS };
    let environment =
        Environment::of_interpreter(python, &format!("python{version}"), requirements);
    let environment = environment.unwrap_or_else(|why| panic!("Python {version}: {why}"));
    for package in [PACKAGE.as_ref(), Path::new(PACKAGE).join("emulator").as_path()] {
        environment.install_built(&built.wheels(package), None);
    }
    let tests = Path::new(PACKAGE).join("tests");
    let mut command = pytest(&environment);
    // The documentation and the table of types do not depend on the version.
    for other in ["adapters", "test_docs.py", "test_options.py"] {
        command.arg("--ignore").arg(tests.join(other));
    }
    let passed = run(command.arg(&tests));
    println!("Python {version}: {}", passed.unwrap_or_else(|why| panic!("{version}: {why}")));
}
