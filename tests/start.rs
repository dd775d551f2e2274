//! Programs of other projects: each is a folder with a script `start.sh` that installs and runs it.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A program that can be installed and run.
#[derive(Clone, Debug)]
pub struct Program {
    source: PathBuf,
    /// Where it is installed, below `target/`.
    pub installed: PathBuf,
}

impl Program {
    /// Returns the program in that folder of the tests, for example `servers/keycloak`.
    pub fn of(folder: &str) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { source: tests.join(folder), installed: tests.join("../target").join(folder) }
    }

    /// Installs the program, unless it is installed.
    ///
    /// # Errors
    /// The reason why this machine can't install it.
    ///
    /// # Panics
    /// If its files can't be read.
    pub fn install(&self) -> Result<(), String> {
        fs::create_dir_all(&self.installed).map_err(|error| error.to_string())?;
        // If several test programs run at once, one installs and the others wait.
        let lock = File::create(self.installed.with_extension("lock")).expect("a lock file");
        lock.lock().expect("a lock");
        let (stamp, version) = (self.installed.join("installed"), self.version());
        if fs::read_to_string(&stamp).is_ok_and(|found| found == version) {
            return Ok(());
        }
        let output = self
            .script("install")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("there is no sh: {error}"))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            let message: Vec<_> = message.lines().rev().take(3).collect();
            return Err(message.into_iter().rev().collect::<Vec<_>>().join(" / "));
        }
        fs::write(stamp, version).map_err(|error| error.to_string())
    }

    /// Returns the command that runs the installed program.
    pub fn command(&self) -> Command {
        self.script("run")
    }

    fn script(&self, step: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg(self.source.join("start.sh")).arg(step).arg(&self.installed);
        command
    }

    /// Returns a text that changes when the program must be installed again.
    fn version(&self) -> String {
        let mut files: Vec<_> = fs::read_dir(&self.source)
            .expect("the program's folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_file() && !path.ends_with("server.toml"))
            .collect();
        files.push(self.source.join("../../start.sh"));
        files.sort();
        let mut hasher = DefaultHasher::new();
        for file in files {
            fs::read(file).expect("a file of the program's").hash(&mut hasher);
        }
        format!("{:016x}", hasher.finish())
    }
}
