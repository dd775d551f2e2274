//! Where secrets are read from: a variable, a file or a command.
//!
//! Secrets are never taken from the command line and never shown.

pub(crate) mod command;
#[cfg_attr(windows, path = "secrets/readers/windows.rs")]
#[cfg_attr(not(any(unix, windows)), path = "secrets/readers/other.rs")]
mod readers;

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use tokenlease::{Error, Result, core::Secret};
use zeroize::Zeroizing;

use self::command::Failed;
use crate::{KEYS, StoreUrl, config, extra::EXTRA_SECRET_VARIABLE};

/// The longest secret that is accepted, in bytes. A longer file is not a file of a secret.
pub const MAX_LEN: usize = 64 * 1024;

/// The kinds of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// The user's password.
    Password,
    /// The client secret.
    ClientSecret,
    /// The value of an extra field of a token request.
    Extra,
    /// The password for the proxy.
    ProxyPassword,
    /// The password for the store's server.
    StorePassword,
    /// The passphrase that the store's encryption key is derived from.
    StorePassphrase,
}

impl SecretKind {
    /// All kinds.
    pub const ALL: [Self; 4] =
        [Self::Password, Self::ClientSecret, Self::Extra, Self::StorePassphrase];

    /// Returns the name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ClientSecret => "client secret",
            Self::Extra => "extra field",
            Self::ProxyPassword => "proxy password",
            Self::StorePassword => "store password",
            Self::StorePassphrase => "store passphrase",
        }
    }

    /// Returns the name of the environment variable.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Password => "TOKENLEASE_PASSWORD",
            Self::ClientSecret => "TOKENLEASE_CLIENT_SECRET",
            Self::Extra => EXTRA_SECRET_VARIABLE,
            Self::ProxyPassword => "TOKENLEASE_PROXY_PASSWORD",
            Self::StorePassword => "TOKENLEASE_STORE_PASSWORD",
            Self::StorePassphrase => "TOKENLEASE_STORE_PASSPHRASE",
        }
    }
}

/// Returns whether the program reads the variable: it sets an option or a secret.
pub fn is_reserved_variable(name: &str) -> bool {
    let option = name.strip_prefix("TOKENLEASE_").map(str::to_ascii_lowercase);
    option.is_some_and(|option| {
        matches!(option.as_str(), "profile" | "config" | "token_file")
            || KEYS.contains(&option.as_str())
    }) || SecretKind::ALL.iter().any(|kind| kind.variable() == name)
}

/// Removes the secrets of this process' environment from that of a command which it starts: the
/// variables of all [`SecretKind`]s, and a store's URL that contains a password or can't be read.
/// The variable of a token remains: a command may need the tokens of two profiles.
pub fn remove_from(command: &mut std::process::Command) {
    for kind in SecretKind::ALL {
        command.env_remove(kind.variable());
    }
    let url = std::env::var_os(STORE_VARIABLE);
    let is_public = url.is_none_or(|url| {
        url.to_str().and_then(|url| StoreUrl::read(url).ok()).is_some_and(|url| !url.has_password())
    });
    if !is_public {
        command.env_remove(STORE_VARIABLE);
    }
}

/// The variable of the option `store`.
const STORE_VARIABLE: &str = "TOKENLEASE_STORE";

/// Where a secret is read from. The options that name it are read by
/// [`Options::secret_source`](crate::Options::secret_source).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The text of an environment variable.
    Variable(Secret),
    /// A file that holds the secret on one line.
    File(PathBuf),
    /// A command whose first line of output is the secret.
    Command(String),
}

impl SecretSource {
    /// Reads the secret. Calls `warn` if other users can read its file.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if the secret can't be read, is empty, is longer
    /// than [`MAX_LEN`] or is not one line of UTF-8.
    pub fn read(&self, kind: SecretKind, warn: impl Fn(&str)) -> Result<Secret> {
        self.read_while(kind, warn, &|| Ok(()))
    }

    /// Like [`read`](Self::read), but calls `check` often while a command runs. If `check` fails, the
    /// command is ended with its children. So a caller can have a deadline, and handle signals.
    ///
    /// On a terminal, where the command may prompt, only the command itself is ended.
    ///
    /// # Errors
    /// The errors of `check`, and those of [`read`](Self::read).
    pub fn read_while(
        &self,
        kind: SecretKind,
        warn: impl Fn(&str),
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Secret> {
        let name = kind.name();
        match self {
            Self::Variable(secret) => one_line(secret.expose())
                .map_err(|why| wrong(format!("{} {why}", kind.variable()), kind)),
            Self::File(path) => {
                let place = format!("the {name} file {}", path.display());
                let bytes = read_file(path, warn)
                    .map_err(|error| wrong(format!("{place} can't be read: {error}"), kind))?;
                text(&bytes).and_then(one_line).map_err(|why| wrong(format!("{place} {why}"), kind))
            }
            Self::Command(command) => {
                let place = format!("the {name} command");
                let bytes = command::first_line(command, check).map_err(|failed| match failed {
                    Failed::Command(why) => wrong(format!("{place} {why}"), kind),
                    Failed::Stopped(error) => error,
                })?;
                text(&bytes).and_then(one_line).map_err(|why| {
                    wrong(format!("the first line of output of {place} {why}"), kind)
                })
            }
        }
    }
}

fn wrong(detail: String, kind: SecretKind) -> Error {
    config(detail).expected(format!("the {} on one line", kind.name()))
}

fn read_file(path: &Path, warn: impl Fn(&str)) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    if readers::others_can_read(&file) {
        let command = readers::command(path);
        warn(&format!("{} can be read by other users; run `{command}`", path.display()));
    }
    // Allocated in full: a vector that grows leaves copies of the secret in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN + 1));
    file.take(MAX_LEN as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Decodes UTF-8 and removes a byte order mark.
///
/// # Errors
/// The reason, as the end of a sentence, if the bytes are not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("is UTF-16: write it as UTF-8");
    }
    let text = str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Returns the secret on a single line, without the line end.
///
/// # Errors
/// The reason, as the end of a sentence, if the text is empty, longer than [`MAX_LEN`] or more than
/// one line.
pub fn one_line(text: &str) -> Result<Secret, &'static str> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("is empty");
    }
    if line.len() > MAX_LEN {
        return Err("is longer than 64 KiB");
    }
    if line.contains(['\n', '\r']) {
        return Err("contains more than one line");
    }
    Ok(Secret::new(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from_file(content: &[u8]) -> Result<Secret> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), content).expect("written");
        SecretSource::File(file.path().to_owned()).read(SecretKind::Password, |_| ())
    }

    #[test]
    fn a_secret_file_is_read_without_its_line_end_and_byte_order_mark() {
        for content in ["p ä\n", "p ä", "p ä\r\n", "\u{feff}p ä\n"] {
            assert_eq!(read_from_file(content.as_bytes()).unwrap().expose(), "p ä");
        }
        // Spaces may be part of a password.
        assert_eq!(read_from_file(b" p \n").unwrap().expose(), " p ");
    }

    /// Rule: Secrets: an error about a secret's file does not quote the file.
    #[test]
    fn an_error_about_a_secret_file_does_not_quote_it() {
        for (content, why) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"\xef\xbb\xbf\r\n", "is empty"),
            (b"canary\nmore\n", "more than one line"),
            (b"\xff\xfec\0a\0n\0", "UTF-16"),
            (b"canary\xff", "not UTF-8"),
            (&vec![b'a'; MAX_LEN + 1], "longer than"),
        ] {
            let error = read_from_file(content).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("expected the password"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        let error = SecretSource::File("/no/such/file".into())
            .read(SecretKind::ClientSecret, |_| ())
            .unwrap_err();
        assert!(error.detail().contains("/no/such/file"), "{error}");
    }

    #[test]
    fn a_secret_in_a_variable_is_read_like_one_in_a_file() {
        let read =
            |text: &str| SecretSource::Variable(text.into()).read(SecretKind::ClientSecret, |_| ());
        assert_eq!(read("s\n").unwrap().expose(), "s");
        let error = read("").unwrap_err();
        assert!(error.detail().contains("TOKENLEASE_CLIENT_SECRET is empty"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_password_command_gives_its_first_line_of_output() {
        let read =
            |text: &str| SecretSource::Command(text.into()).read(SecretKind::Password, |_| ());
        assert_eq!(read("printf 'one\\r\\ntwo\\n'").unwrap().expose(), "one");
        assert_eq!(read("echo 'a  b' | cat").unwrap().expose(), "a  b");
        // A command that prints more than a pipe holds does not fail.
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

    /// Rule: Languages: a password command starts with no signal blocked and the default of SIGPIPE, also
    /// on a thread of the library.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_password_command_inherits_no_blocked_signals() {
        let read = || {
            // The test process itself ignores SIGPIPE.
            let text = "grep -E '^Sig(Blk|Ign):' /proc/self/status | tr -d '\\n\\t'";
            let source = SecretSource::Command(text.into());
            source.read(SecretKind::Password, |_| ()).unwrap()
        };
        let thread = tokenlease::runtime::spawn_thread("test", read).unwrap();
        let masks = thread.join().unwrap();
        let (blocked, ignored) = masks.expose().split_once("SigIgn:").unwrap();
        assert_eq!(blocked, format!("SigBlk:{:016x}", 0));
        let ignored = u64::from_str_radix(ignored, 16).unwrap();
        assert_eq!(ignored & 1 << 12, 0, "SIGPIPE, the signal 13");
    }

    /// Rule: Deadlines: a password command that does not end in time is ended with its children.
    #[cfg(unix)]
    #[test]
    fn a_command_is_ended_with_its_children_if_the_caller_stops_waiting() {
        use std::cell::Cell;

        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success());
        // Both children keep the pipe open for writing. One ignores SIGTERM.
        let quoted = pipe.display();
        let text = format!(
            "exec 3>'{quoted}'; (trap '' TERM; echo ready >&3; sleep 1000) & \
             echo ready >&3; sleep 1000"
        );
        let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).expect("the pipe"));
        let checks = Cell::new(0);
        let check = || {
            checks.set(checks.get() + 1);
            if checks.get() < 20 { Ok(()) } else { Err(config("stopped")) }
        };
        let source = SecretSource::Command(text);
        let error = source.read_while(SecretKind::Password, |_| (), &check).unwrap_err();
        assert_eq!(error.detail(), "stopped");
        // The pipe ends when no child is left.
        assert!(reader.join().expect("no panic").starts_with("ready"));
    }
}
