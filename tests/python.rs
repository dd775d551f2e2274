//! The Python face as its users have it: a wheel that maturin builds, in a virtual environment of
//! its own below `target/`, formatted, linted, typed, its stubs compared with it, and its own
//! tests run against the emulator.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../python");
const REQUIREMENTS: &str = include_str!("../python/requirements-dev.txt");

/// A virtual environment with what is needed to test, and with the wheel.
struct Environment {
    /// `target/python`.
    folder: PathBuf,
    /// What installs into it.
    pip: Vec<OsString>,
}

/// The one environment; `None` where there can be none, which is then said.
fn environment() -> Option<&'static Environment> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    let made = ENVIRONMENT.get_or_init(|| {
        let environment = Environment::make()?;
        environment.install_wheel();
        Ok(environment)
    });
    made.as_ref().map_err(|why| eprintln!("skipped: {why}")).ok()
}

impl Environment {
    /// Makes it, unless it is there already for these requirements and this Python.
    fn make() -> Result<Self, String> {
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let version = "import sys; assert sys.version_info >= (3, 9); print(sys.version)";
        let version = run(Command::new(&python).args(["-c", version]))
            .map_err(|why| format!("there is no Python 3.9 or later: {why}"))?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("python");
        let (venv, stamp) = (folder.join("venv"), folder.join("stamp"));
        let wanted = format!("{version}{REQUIREMENTS}");
        let is_there = fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == wanted);
        if !is_there {
            let _ = (fs::remove_file(&stamp), fs::remove_dir_all(&venv));
            fs::create_dir_all(&folder).unwrap();
            // Debian's Python has no ensurepip, but may have pip, or virtualenv.
            let ways: [&[&str]; 3] =
                [&["-m", "venv"], &["-m", "venv", "--without-pip"], &["-m", "virtualenv"]];
            let made = ways.iter().find_map(|way| {
                let _ = fs::remove_dir_all(&venv);
                run(Command::new(&python).args(*way).arg(&venv)).ok()?;
                let environment = Self::of(&python, &folder);
                environment.has_pip().then_some(())
            });
            made.ok_or("no virtual environment with pip can be made: python3-venv is missing")?;
        }
        let environment = Self::of(&python, &folder);
        if !is_there {
            let requirements = Path::new(PACKAGE).join("requirements-dev.txt");
            environment.install(&["-r".as_ref(), requirements.as_os_str()])?;
            fs::write(stamp, wanted).unwrap();
        }
        Ok(environment)
    }

    fn of(python: &OsString, folder: &Path) -> Self {
        let environment = Self { folder: folder.to_owned(), pip: Vec::new() };
        let own = environment.tool("python").into_os_string();
        let own_pip = vec![own.clone(), "-m".into(), "pip".into()];
        let outer_pip = vec![python.clone(), "-m".into(), "pip".into(), "--python".into(), own];
        let environment = Self { pip: own_pip, ..environment };
        if environment.has_pip() { environment } else { Self { pip: outer_pip, ..environment } }
    }

    fn has_pip(&self) -> bool {
        run(self.pip().arg("--version")).is_ok()
    }

    fn pip(&self) -> Command {
        let mut pip = Command::new(&self.pip[0]);
        pip.args(&self.pip[1..]);
        pip
    }

    fn install(&self, what: &[&std::ffi::OsStr]) -> Result<String, String> {
        let quiet =
            ["install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location"];
        run(self.pip().args(quiet).args(what))
    }

    fn tool(&self, name: &str) -> PathBuf {
        let (scripts, end) = if cfg!(windows) { ("Scripts", ".exe") } else { ("bin", "") };
        self.folder.join("venv").join(scripts).join(format!("{name}{end}"))
    }

    /// Builds the wheel, as unoptimized as the tests are, and installs it.
    fn install_wheel(&self) {
        let wheels = self.folder.join("wheels");
        let _ = fs::remove_dir_all(&wheels);
        let mut maturin = Command::new(self.tool("maturin"));
        // What Cargo tells this test of its package would make ring's build script run again, and
        // all that depends on it be built again.
        for (name, _) in std::env::vars_os() {
            let of_test = ["CARGO_PKG_", "CARGO_MANIFEST_"];
            if of_test.iter().any(|start| name.to_string_lossy().starts_with(start)) {
                maturin.env_remove(name);
            }
        }
        let built = run(maturin
            .args(["build", "--locked", "--compression-method", "stored", "--out"])
            .arg(&wheels)
            .arg("--interpreter")
            .arg(self.tool("python"))
            // The crates that the tests were built of serve the wheel too.
            .env("CARGO_TARGET_DIR", self.folder.parent().unwrap())
            .current_dir(PACKAGE));
        built.unwrap_or_else(|why| panic!("{why}"));
        let wheel = fs::read_dir(&wheels).unwrap().next().unwrap().unwrap().path();
        let alone = ["--no-index", "--no-deps", "--force-reinstall"].map(std::ffi::OsStr::new);
        let installed = self.install(&[alone.as_slice(), &[wheel.as_os_str()]].concat());
        installed.unwrap_or_else(|why| panic!("{why}"));
    }

    /// Runs a tool on the package's source, or panics with what it said.
    fn check(&self, tool: &str, arguments: &[&str]) {
        let run = run(Command::new(self.tool(tool)).args(arguments).current_dir(PACKAGE));
        run.unwrap_or_else(|why| panic!("{why}"));
    }
}

/// Runs a command to its good end, and gives what it printed; or says what went wrong.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(said(&output.stdout));
    }
    let (out, error) = (said(&output.stdout), said(&output.stderr));
    Err(format!("{command:?} failed ({}):\n{out}{error}", output.status))
}

#[test]
fn the_python_source_is_formatted_linted_and_typed() {
    let Some(environment) = environment() else { return };
    environment.check("ruff", &["format", "--check", "."]);
    environment.check("ruff", &["check", "."]);
    let cache = environment.folder.join("mypy");
    environment.check("mypy", &["--cache-dir", cache.to_str().unwrap()]);
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
