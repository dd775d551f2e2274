//! A virtual environment below `target/` with what builds and tests the Python face. The figures
//! use it too.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const REQUIREMENTS: &str = include_str!("../../python/requirements-dev.txt");

/// A virtual environment with what `requirements-dev.txt` names.
pub(crate) struct Environment {
    /// `target/python`.
    pub(crate) folder: PathBuf,
    /// What installs into it.
    pip: Vec<OsString>,
}

impl Environment {
    /// Makes it, unless it is there already for these requirements and this Python.
    pub(crate) fn make() -> Result<Self, String> {
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
            let requirements = folder.join("requirements.txt");
            fs::write(&requirements, REQUIREMENTS).unwrap();
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

    fn install(&self, what: &[&OsStr]) -> Result<String, String> {
        let quiet =
            ["install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location"];
        run(self.pip().args(quiet).args(what))
    }

    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        let (scripts, end) = if cfg!(windows) { ("Scripts", ".exe") } else { ("bin", "") };
        self.folder.join("venv").join(scripts).join(format!("{name}{end}"))
    }

    /// Builds the wheel of the package in that folder, by that profile, and installs it: into the
    /// environment, or apart from it into a folder that Python is told of.
    pub(crate) fn install_wheel(&self, package: &Path, profile: &str, apart: Option<&Path>) {
        let wheels = self.folder.join("wheels");
        let _ = fs::remove_dir_all(&wheels);
        let mut maturin = Command::new(self.tool("maturin"));
        without_cargo(&mut maturin)
            .args(["build", "--locked", "--compression-method", "stored", "--profile", profile])
            .arg("--out")
            .arg(&wheels)
            .arg("--interpreter")
            .arg(self.tool("python"))
            // The crates that this program was built of serve the wheel too.
            .env("CARGO_TARGET_DIR", self.folder.parent().unwrap())
            .current_dir(package);
        run(&mut maturin).unwrap_or_else(|why| panic!("{why}"));
        let wheel = fs::read_dir(&wheels).unwrap().next().unwrap().unwrap().path();
        let mut what = ["--no-index", "--no-deps", "--force-reinstall"].map(OsStr::new).to_vec();
        what.push(wheel.as_os_str());
        if let Some(folder) = apart {
            what.extend(["--upgrade".as_ref(), "--target".as_ref(), folder.as_os_str()]);
        }
        self.install(&what).unwrap_or_else(|why| panic!("{why}"));
    }
}

/// Takes from a command what Cargo tells this program of its package: it would have build scripts
/// run again, and all that depends on them be built again.
pub(crate) fn without_cargo(command: &mut Command) -> &mut Command {
    let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"];
    for (name, _) in std::env::vars_os() {
        if told.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its good end, and gives what it printed; or says what went wrong.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(said(&output.stdout));
    }
    let (out, error) = (said(&output.stdout), said(&output.stderr));
    Err(format!("{command:?} failed ({}):\n{out}{error}", output.status))
}
