//! A virtual environment below `target/` with the tools that build and test the Python package. The
//! benchmarks use it too.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The tools, and the newest versions of the libraries for which there are adapters.
pub(crate) const REQUIREMENTS: &str = concat!(
    include_str!("../../python/requirements-dev.txt"),
    include_str!("../../python/requirements-adapters.txt"),
);

/// A virtual environment.
pub(crate) struct Environment {
    /// `target/python`, or its like.
    pub(crate) folder: PathBuf,
    /// The command that installs packages into it.
    pip: Vec<OsString>,
}

impl Environment {
    /// Makes the environment, unless it exists for these requirements and this Python version.
    pub(crate) fn make() -> Result<Self, String> {
        Self::with("python", REQUIREMENTS)
    }

    /// Makes an environment with those requirements in that folder of `target/`.
    pub(crate) fn with(name: &str, requirements: &str) -> Result<Self, String> {
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        Self::of_interpreter(python.as_ref(), name, requirements)
    }

    /// As [`with`](Self::with), for that interpreter.
    pub(crate) fn of_interpreter(
        python: &Path,
        name: &str,
        requirements: &str,
    ) -> Result<Self, String> {
        let version = "import sys; assert sys.version_info >= (3, 9); print(sys.version)";
        let version = run(Command::new(python).args(["-c", version]))
            .map_err(|why| format!("Python 3.9 or later is not installed: {why}"))?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join(name);
        let (venv, stamp) = (folder.join("venv"), folder.join("stamp"));
        let wanted = format!("{version}{requirements}");
        let exists = fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == wanted);
        if !exists {
            let _ = (fs::remove_file(&stamp), fs::remove_dir_all(&venv));
            fs::create_dir_all(&folder).unwrap();
            // Debian's Python has no ensurepip, but may have pip or virtualenv.
            let ways: [&[&str]; 3] =
                [&["-m", "venv"], &["-m", "venv", "--without-pip"], &["-m", "virtualenv"]];
            let made = ways.iter().find_map(|way| {
                let _ = fs::remove_dir_all(&venv);
                run(Command::new(python).args(*way).arg(&venv)).ok()?;
                let environment = Self::of(python, &folder);
                environment.has_pip().then_some(())
            });
            made.ok_or("cannot make a virtual environment with pip; install python3-venv")?;
        }
        let environment = Self::of(python, &folder);
        if !exists {
            let file = folder.join("requirements.txt");
            fs::write(&file, requirements).unwrap();
            environment.install(&["-r".as_ref(), file.as_os_str()])?;
            fs::write(stamp, wanted).unwrap();
        }
        Ok(environment)
    }

    fn of(python: &Path, folder: &Path) -> Self {
        let environment = Self { folder: folder.to_owned(), pip: Vec::new() };
        let own = environment.tool("python").into_os_string();
        let own_pip = vec![own.clone(), "-m".into(), "pip".into()];
        let outer_pip = vec![python.into(), "-m".into(), "pip".into(), "--python".into(), own];
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

    /// Runs `pip install`.
    pub(crate) fn install(&self, arguments: &[&OsStr]) -> Result<String, String> {
        let quiet =
            ["install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location"];
        run(self.pip().args(quiet).args(arguments))
    }

    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        let (scripts, end) = if cfg!(windows) { ("Scripts", ".exe") } else { ("bin", "") };
        self.folder.join("venv").join(scripts).join(format!("{name}{end}"))
    }

    /// Builds the wheel of the package in that folder with that profile, and installs it: into the
    /// environment, or into the folder `apart`, to be added to Python's path.
    pub(crate) fn install_wheel(&self, package: &Path, profile: &str, apart: Option<&Path>) {
        let wheels = self.wheels(package);
        let _ = fs::remove_dir_all(&wheels);
        let mut maturin = Command::new(self.tool("maturin"));
        without_cargo(&mut maturin)
            .args(["build", "--locked", "--compression-method", "stored", "--profile", profile])
            .arg("--out")
            .arg(&wheels)
            .arg("--interpreter")
            .arg(self.tool("python"))
            // The wheel reuses the crates that this program was built from.
            .env("CARGO_TARGET_DIR", self.folder.parent().unwrap())
            .current_dir(package);
        run(&mut maturin).unwrap_or_else(|why| panic!("{why}"));
        self.install_built(&wheels, apart);
    }

    /// Returns the folder of the wheel that was built of that package.
    pub(crate) fn wheels(&self, package: &Path) -> PathBuf {
        self.folder.join("wheels").join(package.file_name().unwrap())
    }

    /// Installs the wheel in that folder.
    pub(crate) fn install_built(&self, wheels: &Path, apart: Option<&Path>) {
        let wheel = fs::read_dir(wheels).unwrap().next().unwrap().unwrap().path();
        let mut arguments =
            ["--no-index", "--no-deps", "--force-reinstall"].map(OsStr::new).to_vec();
        arguments.push(wheel.as_os_str());
        if let Some(folder) = apart {
            arguments.extend(["--upgrade".as_ref(), "--target".as_ref(), folder.as_os_str()]);
        }
        self.install(&arguments).unwrap_or_else(|why| panic!("{why}"));
    }
}

/// Removes Cargo's variables about this package from a command. They would rerun build scripts and
/// rebuild their dependents.
pub(crate) fn without_cargo(command: &mut Command) -> &mut Command {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"];
    for (name, _) in std::env::vars_os() {
        if prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command and returns its output, or an error with its output if it fails.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    Err(format!("{command:?} failed ({}):\n{out}{error}", output.status))
}
