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
/// The newest tools need this version or a later one.
const NEWEST_TOOLS: u32 = 11;
const OLDEST_REQUIREMENTS: &str = include_str!("../../python/requirements-oldest-python.txt");

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

/// Rule: Languages: the Python package works on other versions of Python.
///
/// `TOKENLEASE_PYTHONS` in the environment chooses versions: `all`, or for example `3.9 3.13`. Without it, none
/// runs.
#[test]
fn the_python_tests_pass_on_other_versions() {
    let Ok(chosen) = env::var("TOKENLEASE_PYTHONS") else {
        return println!("other versions of Python run with TOKENLEASE_PYTHONS alone");
    };
    let Some(built) = with_wheel() else { return };
    let is_chosen = |minor: u32| {
        chosen == "all" || chosen.split(' ').any(|version| version == format!("3.{minor}"))
    };
    let versions = (OLDEST..=NEWEST).filter(|minor| is_chosen(*minor));
    let versions = versions.filter_map(|minor| Some((minor, interpreter(minor)?)));
    for (minor, python) in versions {
        let requirements = if minor < NEWEST_TOOLS { OLDEST_REQUIREMENTS } else { REQUIREMENTS };
        let name = format!("python3.{minor}");
        let environment = match Environment::of_interpreter(&python, &name, requirements) {
            Ok(environment) => environment,
            Err(why) => return eprintln!("skipped: {name}: {why}"),
        };
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
        println!("{name}: {}", passed.unwrap_or_else(|why| panic!("{name}: {why}")));
    }
}
