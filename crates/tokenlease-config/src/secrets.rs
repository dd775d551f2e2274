//! Where secrets come from. None is ever taken from the command line or shown.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tokenlease::{Error, Result, core::Secret};
use zeroize::Zeroizing;

use crate::{config, options::Options};

/// No secret is longer, in bytes: a file that is, is another one.
pub const LONGEST: usize = 64 * 1024;

/// Which secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The user's password.
    Password,
    /// The client's secret.
    ClientSecret,
    /// What the store's key is made of.
    StorePassphrase,
}

impl Which {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Password, Self::ClientSecret, Self::StorePassphrase];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ClientSecret => "client's secret",
            Self::StorePassphrase => "store's passphrase",
        }
    }

    /// The variable that holds it.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Password => "TOKENLEASE_PASSWORD",
            Self::ClientSecret => "TOKENLEASE_CLIENT_SECRET",
            Self::StorePassphrase => "TOKENLEASE_STORE_PASSPHRASE",
        }
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// It was in the environment.
    Variable(Secret),
    /// A file holds it in one line.
    File(PathBuf),
    /// The first line that a command prints.
    Command(String),
}

impl SecretSource {
    /// Where options say that a secret is, or the `variable` that was found; `place` says in an
    /// error where that is.
    ///
    /// # Errors
    /// `Config` if two places are named.
    pub fn of(
        options: &Options,
        variable: Option<Secret>,
        which: Which,
        place: &str,
    ) -> Result<Option<Self>> {
        let (file, command) = match which {
            Which::Password => (&options.password_file, &options.password_command),
            Which::ClientSecret => (&options.client_secret_file, &None),
            Which::StorePassphrase => (&options.store_passphrase_file, &None),
        };
        let mut sources = [
            variable.map(Self::Variable),
            file.clone().map(Self::File),
            command.clone().map(Self::Command),
        ]
        .into_iter()
        .flatten();
        let first = sources.next();
        if sources.next().is_some() {
            return Err(config(format!("two sources of the {} are {place}", which.name()))
                .expected("one of: a variable, a file, a command"));
        }
        Ok(first)
    }

    /// Reads the secret; `warn` hears of a file that others can read. Kind `Config` for what can't
    /// be read, is empty, or is not one line.
    pub fn read(&self, which: Which, warn: impl Fn(&str)) -> Result<Secret> {
        let name = which.name();
        match self {
            Self::Variable(secret) => one_line(secret.expose())
                .map_err(|why| wrong(format!("{} {why}", which.variable()), which)),
            Self::File(path) => {
                let place = format!("the {name}'s file {}", path.display());
                let bytes = read_file(path, warn)
                    .map_err(|error| wrong(format!("{place} can't be read: {error}"), which))?;
                text(&bytes)
                    .and_then(one_line)
                    .map_err(|why| wrong(format!("{place} {why}"), which))
            }
            Self::Command(command) => {
                let place = format!("the {name}'s command");
                let bytes = run(command).map_err(|why| wrong(format!("{place} {why}"), which))?;
                text(&bytes).and_then(one_line).map_err(|why| {
                    wrong(format!("the first line of what {place} printed {why}"), which)
                })
            }
        }
    }
}

fn wrong(detail: String, which: Which) -> Error {
    config(detail).expected(format!("the {} in one line", which.name()))
}

fn read_file(path: &Path, warn: impl Fn(&str)) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    if others_can_read(&file) {
        warn(&format!("{0} can be read by others; run `chmod 600 {0}`", path.display()));
    }
    // Room for all of it: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn others_can_read(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // A pipe of the shell's (`<(command)`) is nobody else's, whatever its mode.
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_: &File) -> bool {
    false
}

/// The first line of what a command prints.
fn run(command: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut child = shell(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("can't be started: {error}"))?;
    let mut printed = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    if let Some(mut stdout) = child.stdout.take() {
        let read = stdout.by_ref().take(LONGEST as u64 + 1).read_to_end(&mut printed);
        read.map_err(|error| format!("can't be read: {error}"))?;
        // It may have more to say, and would fail if nobody listened.
        let _ = io::copy(&mut stdout, &mut io::sink());
    }
    let status = child.wait().map_err(|error| format!("can't be waited for: {error}"))?;
    if !status.success() {
        return Err(format!("failed ({status})"));
    }
    let end = printed.iter().position(|byte| *byte == b'\n').unwrap_or(printed.len());
    printed.truncate(end);
    Ok(printed)
}

#[cfg(not(windows))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut shell = Command::new("cmd");
    // As it is: cmd has quoting rules of its own.
    shell.arg("/C").raw_arg(command);
    shell
}

/// Text, without its byte order mark.
pub fn text(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("is UTF-16: write it as UTF-8");
    }
    let text = str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A secret that stands alone in its line.
pub fn one_line(text: &str) -> Result<Secret, &'static str> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("is empty");
    }
    if line.len() > LONGEST {
        return Err("is longer than 64 KiB");
    }
    if line.contains(['\n', '\r']) {
        return Err("holds more than one line");
    }
    Ok(Secret::new(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(content: &[u8]) -> Result<Secret> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), content).expect("written");
        SecretSource::File(file.path().to_owned()).read(Which::Password, |_| ())
    }

    #[test]
    fn a_file_is_read_without_its_last_newline_and_byte_order_mark() {
        for content in ["p ä\n", "p ä", "p ä\r\n", "\u{feff}p ä\n"] {
            assert_eq!(of_file(content.as_bytes()).unwrap().expose(), "p ä");
        }
        // Only the newline: spaces may be part of a password.
        assert_eq!(of_file(b" p \n").unwrap().expose(), " p ");
    }

    #[test]
    fn a_file_that_holds_no_secret_is_an_error_that_does_not_quote_it() {
        for (content, why) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"\xef\xbb\xbf\r\n", "is empty"),
            (b"canary\nmore\n", "more than one line"),
            (b"\xff\xfec\0a\0n\0", "UTF-16"),
            (b"canary\xff", "not UTF-8"),
            (&vec![b'a'; LONGEST + 1], "longer than"),
        ] {
            let error = of_file(content).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("expected the password"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        let error = SecretSource::File("/no/such/file".into())
            .read(Which::ClientSecret, |_| ())
            .unwrap_err();
        assert!(error.detail().contains("/no/such/file"), "{error}");
    }

    #[test]
    fn a_variable_is_read_like_a_file() {
        let read =
            |text: &str| SecretSource::Variable(text.into()).read(Which::ClientSecret, |_| ());
        assert_eq!(read("s\n").unwrap().expose(), "s");
        let error = read("").unwrap_err();
        assert!(error.detail().contains("TOKENLEASE_CLIENT_SECRET is empty"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_gives_the_first_line_that_it_prints() {
        let read = |text: &str| SecretSource::Command(text.into()).read(Which::Password, |_| ());
        assert_eq!(read("printf 'one\\r\\ntwo\\n'").unwrap().expose(), "one");
        assert_eq!(read("echo 'a  b' | cat").unwrap().expose(), "a  b");
        // One that prints more than a pipe holds is not cut off.
        assert_eq!(read("echo one; seq 1 100000").unwrap().expose(), "one");
        for (command, why) in [
            ("true", "is empty"),
            ("echo; echo two", "is empty"),
            ("echo canary; exit 3", "failed (exit status: 3)"),
            ("exec 2>&-; no-such-command-canary", "failed (exit status: 127)"),
        ] {
            let error = read(command).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
