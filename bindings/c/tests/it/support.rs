//! The installed library, compiled programs, and a provider to run them against.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

use serde_json::Value;
use tokenlease_emulator::Emulator;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Returns a folder for tests below `target/`.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns the prefix that the library is installed in; installs it on the first call.
pub(crate) fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = folder("prefix");
        let mut install = Command::new(root().join("bindings/c/install.sh"));
        install.env("PREFIX", &prefix).env("FROM", built()).env_remove("DESTDIR");
        succeed(&mut install);
        prefix
    })
}

/// Builds the library with the profile of this test, and returns the folder that contains it.
pub(crate) fn built() -> PathBuf {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "-p", "tokenlease-c", "--locked", "--message-format", "json"]);
    build.args(["--profile", profile]).current_dir(root()).stderr(Stdio::inherit());
    forget_this_package(&mut build);
    let output = succeed(&mut build);
    let library = output.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let of_this_package =
            message["target"]["kind"].as_array()?.iter().any(|kind| kind == "cdylib")
                && message["manifest_path"].as_str()?.ends_with("/bindings/c/Cargo.toml");
        let files = message["filenames"].as_array().filter(|_| of_this_package)?;
        files.iter().filter_map(Value::as_str).map(PathBuf::from).next()
    });
    library.expect("cargo prints the path of the library").parent().unwrap().to_owned()
}

/// Removes cargo's variables about this package from the environment of a command that runs cargo:
/// they would rerun build scripts and rebuild their dependents.
pub(crate) fn forget_this_package(command: &mut Command) {
    command.env_remove("OUT_DIR");
    for (name, _) in env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if name
            .to_str()
            .is_some_and(|name| of_package.iter().any(|prefix| name.starts_with(prefix)))
        {
            command.env_remove(name);
        }
    }
}

/// Returns whether a program is installed; prints that the test was skipped if it is not.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut run = Command::new(program);
    let found = run.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// Returns the compiler: `CC` or `CXX` of the environment, otherwise `cc` or `c++`.
pub(crate) fn compiler(cpp: bool) -> String {
    let (variable, default) = if cpp { ("CXX", "c++") } else { ("CC", "cc") };
    env::var(variable).unwrap_or_else(|_| default.to_owned())
}

/// All warnings, as errors.
pub(crate) const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// Compiles a program once, with all warnings as errors. `None` if the compiler is not installed.
pub(crate) fn compile(source: &Path, name: &str) -> Option<PathBuf> {
    compile_with(source, name, &[])
}

/// Compiles a program with more flags of the compiler.
pub(crate) fn compile_with(source: &Path, name: &str, flags: &[&str]) -> Option<PathBuf> {
    // Tests run concurrently, and a running program cannot be overwritten.
    static COMPILED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let cpp = source.extension().is_some_and(|end| end == "cpp");
    let compiler = compiler(cpp);
    if !is_installed(&compiler) {
        return None;
    }
    let mut ready = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let program = folder("programs").join(name);
    if ready.contains(&program) {
        return Some(program);
    }
    let mut command = Command::new(compiler);
    command
        .arg(if cpp { "-std=c++17" } else { "-std=c99" })
        .args(WARNINGS)
        .args(["-g", "-pthread"])
        .args(flags)
        .arg("-I")
        .arg(prefix().join("include"))
        .arg(source)
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(prefix().join("lib"))
        .arg("-ltokenlease");
    if uses_libcurl(source) {
        if !Command::new("pkg-config")
            .args(["--exists", "libcurl"])
            .status()
            .is_ok_and(|s| s.success())
        {
            println!("skipped: libcurl is not installed");
            return None;
        }
        command.arg("-lcurl");
    }
    succeed(&mut command);
    ready.insert(program.clone());
    Some(program)
}

/// Returns whether a program sends its requests with libcurl.
fn uses_libcurl(source: &Path) -> bool {
    let text = fs::read_to_string(source).unwrap();
    ["machine_support.h", "libcurl_host.h"].iter().any(|header| text.contains(header))
}

/// Compiles one of the test programs.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    program_with(name, "", &[])
}

/// Compiles one of the test programs with more flags, under a name that ends in `suffix`.
pub(crate) fn program_with(name: &str, suffix: &str, flags: &[&str]) -> Option<PathBuf> {
    let source = root().join("bindings/c/tests/c").join(name);
    // Without exceptions, a program uses the forms of calls that return errors.
    let bare: &[&str] =
        if name.ends_with("_results.cpp") { &["-fno-exceptions", "-fno-rtti"] } else { &[] };
    compile_with(&source, &(name.replace('.', "-") + suffix), &[bare, flags].concat())
}

/// Returns a command that finds the installed library.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", prefix().join("lib"));
    command.env("DYLD_LIBRARY_PATH", prefix().join("lib"));
    command
}

/// Runs a command that must succeed, and returns its output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", describe(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Formats the exit status and the output of a command.
fn describe(output: &Output) -> String {
    let mut text = output.status.to_string();
    for stream in [&output.stdout, &output.stderr] {
        write!(text, "\n{}", String::from_utf8_lossy(stream)).unwrap();
    }
    text
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    Winkas,
    Wyn,
}

/// An emulator, and which of its providers the programs use.
pub(crate) struct Site {
    pub(crate) emulator: Emulator,
    pub(crate) provider: Provider,
}

impl Site {
    pub(crate) fn start(provider: Provider) -> Self {
        Self { emulator: Emulator::builder().start_blocking().unwrap(), provider }
    }

    pub(crate) fn both() -> [Self; 2] {
        [Self::start(Provider::Winkas), Self::start(Provider::Wyn)]
    }

    /// Returns the number of requests for a new token that arrived.
    pub(crate) fn logins(&self) -> u64 {
        let counts = self.emulator.counts();
        match self.provider {
            Provider::Winkas => counts.winkas.login,
            Provider::Wyn => counts.wyn.login,
        }
    }

    pub(crate) fn password(&self) -> String {
        match self.provider {
            Provider::Winkas => self.emulator.winkas().password(),
            Provider::Wyn => self.emulator.wyn().password(),
        }
    }

    /// Returns a command with the options and secrets of the provider in its environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = command(program);
        command.env("PASSWORD", self.password());
        match self.provider {
            Provider::Winkas => {
                let winkas = self.emulator.winkas();
                command.env("OPTION_provider", "winkas").env("OPTION_server", winkas.server());
                command.env("OPTION_user", winkas.user());
                command.env("OPTION_contract", winkas.contract());
            }
            Provider::Wyn => {
                let wyn = self.emulator.wyn();
                command.env("OPTION_provider", "wyn").env("OPTION_server", wyn.server());
                command.env("OPTION_user", wyn.user());
                command.env("CLIENT_SECRET", wyn.client_secret());
            }
        }
        command
    }

    /// Runs a program that once requests the end of its token.
    pub(crate) fn end_token_of(&self, command: &mut Command) {
        let mut child: Child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        if line == "end the token\n" {
            self.emulator.end_all_tokens();
            child.stdin.as_mut().unwrap().write_all(b"done\n").unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{:?}: {}", self.provider, describe(&output));
        assert_eq!(line, "end the token\n");
    }
}
