//! Profiles: named sets of options in a TOML file.
//!
//! ```toml
//! [profile.erp]
//! provider = "winkas"
//! user = "api@example.dk"
//! contract = "4711"
//! password_file = "erp.password"
//! ```

mod hosts;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use tokenlease::{Error, Result};
use toml::Table;

use crate::{
    config,
    options::Options,
    typed::{self, Language, Problem, Value},
};

pub use self::hosts::{Host, Hosts};

/// The names of the tables of a file: profiles, and the hosts that use them.
const TABLES: [&str; 4] = ["profile", "git", "docker", "consumer"];

const TOML: Language = Language { sign: " = ", quote: "" };

/// Reads a profile's options from a configuration file; `None` is the user's own
/// (`tokenlease/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`). Relative paths are resolved
/// against the file's folder. Calls `warn` if other users can write to the file.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) if the file can't be read or is not TOML, lacks the
/// profile, or holds a secret, an unknown option or a malformed value. The error quotes no line.
pub fn load(file: Option<&Path>, name: &str, warn: impl Fn(&str)) -> Result<Options> {
    let (path, text) = text(file)?;
    if others_can_write(&path) {
        warn(&format!(
            "other users can write to {}, and could redirect your secrets to another server; run `{}`",
            path.display(),
            closing_command(&path)
        ));
    }
    let mut options =
        read(&text, name).map_err(|problem| problem.of(&path.display().to_string()))?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let files = [
        &mut options.client_key,
        &mut options.proxy_password_file,
        &mut options.password_file,
        &mut options.client_secret_file,
        &mut options.store_password_file,
        &mut options.store_key_file,
        &mut options.store_passphrase_file,
    ];
    for file in files.into_iter().flatten() {
        *file = folder.join(&*file);
    }
    options.ca = options.ca.map(|ca| ca.relative_to(folder));
    options.client_cert = options.client_cert.map(|cert| cert.relative_to(folder));
    for field in options.extra_secret_file.iter_mut().flatten() {
        field.file = folder.join(&field.file);
    }
    options.store = options.store.map(|url| url.relative_to(folder));
    let place = format!("\"store\" in the profile \"{name}\"");
    if let Some(url) = &options.store {
        url.reject_password(&place, "profiles get copied and committed")?;
    }
    Ok(options)
}

/// Returns the path and the text of a configuration file; `None` is the user's own.
pub(crate) fn text(file: Option<&Path>) -> Result<(PathBuf, String)> {
    let path = match file {
        Some(file) => file.to_owned(),
        None => default_path()?,
    };
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    Ok((path, text))
}

/// Returns the names of all profiles in the file; none if the default file does not exist.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) if the file can't be read or is no file of profiles.
pub fn names(file: Option<&Path>) -> Result<Vec<String>> {
    let Some(path) = existing(file) else { return Ok(Vec::new()) };
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    let profiles = profiles(&text).map_err(|problem| problem.of(&path.display().to_string()))?;
    Ok(profiles.keys().cloned().collect())
}

/// Returns the path of a file that was named, or of the default one if it exists.
fn existing(file: Option<&Path>) -> Option<PathBuf> {
    match file {
        Some(file) => Some(file.to_owned()),
        None => default_path().ok().filter(|path| path.exists()),
    }
}

/// Parses a file. Its top level has tables only.
pub(crate) fn parse(text: &str) -> Result<Table, Problem> {
    let file: Table = text.parse().map_err(|error: toml::de::Error| {
        // The parser's message quotes the line, which may contain a secret.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Problem::new(format!("line {line} is not TOML"), "lines such as user = \"me\"")
    })?;
    if let Some(key) = file.keys().find(|key| !TABLES.contains(&key.as_str())) {
        return Err(Problem::new(
            format!("\"{key}\" is outside of a profile"),
            "[profile.NAME] above the options",
        ));
    }
    Ok(file)
}

/// Parses a file and returns its profiles.
fn profiles(text: &str) -> Result<Table, Problem> {
    match parse(text)?.get("profile") {
        Some(toml::Value::Table(profiles)) => Ok(profiles.clone()),
        Some(_) => Err(Problem::new("\"profile\" is not a table", "[profile.NAME]")),
        None => Err(Problem::new("the file contains no profile", "[profile.NAME]")),
    }
}

fn read(text: &str, name: &str) -> Result<Options, Problem> {
    let profiles = profiles(text)?;
    let profile = match profiles.get(name) {
        Some(toml::Value::Table(profile)) => profile,
        Some(_) => {
            return Err(Problem::new(
                format!("\"profile.{name}\" is not a table"),
                format!("[profile.{name}]"),
            ));
        }
        None => {
            let names: Vec<_> = profiles.keys().map(String::as_str).collect();
            return Err(Problem::new(
                format!("there is no profile \"{name}\""),
                format!("one of: {}", names.join(", ")),
            ));
        }
    };
    let in_profile = |mut problem: Problem| {
        problem.detail = format!("profile \"{name}\": {}", problem.detail);
        problem
    };
    profile.keys().try_for_each(|key| typed::reject_secret(key)).map_err(in_profile)?;
    let members: Vec<_> =
        profile.iter().map(|(key, value)| (key.clone(), value_of(value))).collect();
    typed::read(&members, &TOML).map_err(in_profile)
}

fn value_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::Text(text.clone().into()),
        toml::Value::Boolean(yes) => Value::Bool(*yes),
        toml::Value::Integer(number) => Value::Number(number.to_string()),
        toml::Value::Array(values) => Value::List(values.iter().map(value_of).collect()),
        toml::Value::Table(members) => {
            Value::Table(members.iter().map(|(key, v)| (key.clone(), value_of(v))).collect())
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) => Value::Other,
    }
}

fn default_path() -> Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().map_err(|_| {
        config("there is no home directory, so the default configuration file is unknown")
            .expected("the name of a configuration file, or the variable HOME")
    })?;
    Ok(folders.config_dir().join("tokenlease").join("config.toml"))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    config(format!("the configuration file {} can't be read: {error}", path.display()))
        .expected("a TOML file with a table [profile.NAME]")
        .advice("name another file, or set the options without a profile")
}

#[cfg(unix)]
fn others_can_write(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o022 != 0)
}

#[cfg(windows)]
fn others_can_write(path: &Path) -> bool {
    use tokenlease_store::windows_rights as rights;
    let found =
        fs::File::open(path).and_then(|file| Ok((rights::user()?, rights::of_file(&file)?)));
    found.is_ok_and(|(user, found)| !found.writers(user).is_empty())
}

/// Returns the command that takes the rights to write from other users.
fn closing_command(path: &Path) -> String {
    if cfg!(windows) {
        format!("icacls \"{}\" /inheritance:r /grant:r \"%USERNAME%:F\"", path.display())
    } else {
        format!("chmod go-w {}", path.display())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Provider;

    fn error(text: &str) -> String {
        let problem = match read(text, "erp") {
            Err(problem) => problem,
            Ok(options) => panic!("{options:?}"),
        };
        problem.of("config.toml").to_string()
    }

    #[test]
    fn a_profile_sets_options() {
        let options = read(
            "[profile.erp]\nprovider = \"winkas\"\ncontract = 4711\ntimeout = \"5s\"\n\
             allow_plain_http = true\n[profile.other]\nnonsense = 1\n",
            "erp",
        );
        let options = options.expect("options");
        assert_eq!(options.provider, Some(Provider::Winkas));
        assert_eq!(options.contract.as_deref(), Some("4711"));
        assert_eq!(options.timeout, Some(Duration::from_secs(5)));
        assert_eq!(options.allow_plain_http, Some(true));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_nearest_known_one() {
        for (key, near) in [
            ("sever", "server"),
            ("client-ids", "client_id"),
            ("Contract", "contract"),
            ("life_time", "lifetime"),
            ("passwordfile", "password_file"),
        ] {
            let error = error(&format!("[profile.erp]\n{key} = \"x\"\n"));
            assert!(
                error.contains(&format!("\"{key}\" is unknown; expected \"{near}\"")),
                "{error}"
            );
        }
        let error = error("[profile.erp]\nsomething_else_wholly = 1\n");
        assert!(error.contains("one of provider, server"), "{error}");
    }

    /// Rule: Secrets: a secret in a profile is rejected, and the error does not quote it.
    #[test]
    fn a_secret_in_a_profile_is_rejected_and_not_quoted() {
        for (key, advice) in [
            ("password", "password_file"),
            ("client_secret", "client_secret_file"),
            ("secret", "client_secret_file"),
        ] {
            let error = error(&format!("[profile.erp]\n{key} = \"canary\"\n"));
            assert!(error.contains(advice) && error.contains("TOKENLEASE_"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn an_error_of_toml_names_the_line_and_does_not_quote_it() {
        let error = error("[profile.erp]\nuser = \"me\"\npassword = canary\n");
        assert!(error.contains("line 3"), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }

    #[test]
    fn a_malformed_file_is_an_error_that_shows_the_expected_form() {
        for (text, part) in [
            ("", "the file contains no profile"),
            ("user = \"me\"\n", "\"user\" is outside of a profile"),
            ("profile = 1\n", "\"profile\" is not a table"),
            ("[profile]\nerp = 1\n", "\"profile.erp\" is not a table"),
            ("[profile.bi]\n[profile.x]\n", "there is no profile \"erp\"; expected one of: bi, x"),
            ("[profile.erp]\nuser = [\"a\"]\n", "\"user\" is not text"),
            ("[profile.erp]\ntimeout = 5\n", "\"timeout\": 5 has no unit"),
            (
                "[profile.erp]\nprovider = \"x\"\n",
                "\"provider\": \"x\" is unknown; expected one of",
            ),
        ] {
            let error = error(text);
            assert!(error.contains(part), "{error}");
            assert!(error.contains("config.toml: ") && error.contains("; expected "), "{error}");
        }
    }
    /// Rule: Formats: an option that a profile sets under both of its spellings is an error.
    #[test]
    fn an_option_that_is_set_twice_is_an_error() {
        let options = read("[profile.erp]\nclient-id = \"a\"\n", "erp").unwrap();
        assert_eq!(options.client_id.as_deref(), Some("a"));
        let error = error("[profile.erp]\nclient-id = \"a\"\nclient_id = \"b\"\n");
        assert!(error.contains("\"client_id\" is set twice"), "{error}");
        let secret = self::error("[profile.erp]\nclient-secret = \"canary\"\n");
        assert!(secret.contains("not allowed") && !secret.contains("canary"), "{secret}");
    }
}
