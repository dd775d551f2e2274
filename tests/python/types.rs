//! The types of the installed package, as its users' tools see them.

use std::{env, path::Path, process::Command};

use crate::{
    PACKAGE,
    environment::{Environment, run},
    with_wheel,
};

/// Runs pyright in that folder with the environment's packages.
fn pyright(environment: &Environment, folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let tools = environment.tool("python").parent().unwrap().to_owned();
    let path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let path = env::join_paths([vec![tools.clone()], path].concat()).unwrap();
    let mut command = Command::new(environment.tool("pyright"));
    command.args(arguments).current_dir(folder);
    // It finds the packages by them.
    command.env("PATH", path).env("VIRTUAL_ENV", tools.parent().unwrap());
    run(command.env("PYRIGHT_PYTHON_IGNORE_WARNINGS", "1"))
}

/// Rule: Languages: the types of the installed Python package are complete: pyright knows each public one.
#[test]
fn the_types_of_the_python_package_are_complete() {
    let Some(environment) = with_wheel() else { return };
    // Not in the folder of the source, which pyright would read instead.
    let shown = pyright(
        environment,
        &environment.folder,
        &["--verifytypes", "tokenlease", "--ignoreexternal"],
    )
    .unwrap_or_else(|why| panic!("{why}"));
    assert!(shown.contains("Type completeness score: 100%"), "{shown}");
    pyright(environment, Path::new(PACKAGE), &["tokenlease"]).unwrap_or_else(|why| panic!("{why}"));
}

/// Rule: Languages: a user's Python program passes mypy and pyright in their strict modes, with the
/// installed package.
#[test]
fn a_program_of_a_user_is_typed() {
    let Some(environment) = with_wheel() else { return };
    let program = Path::new(PACKAGE).join("tests/user_project");
    let cache = environment.folder.join("mypy-of-users");
    run(Command::new(environment.tool("mypy"))
        .args(["--strict", "--config-file=", "--cache-dir"])
        .arg(cache)
        .arg(&program)
        .current_dir(&environment.folder))
    .unwrap_or_else(|why| panic!("{why}"));
    pyright(environment, &program, &["."]).unwrap_or_else(|why| panic!("{why}"));
}
