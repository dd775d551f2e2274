//! Profiles: named sets of options in a TOML file.
//!
//! ```toml
//! [profile.erp]
//! provider = "winkas"
//! user = "api@example.dk"
//! contract = "4711"
//! password_file = "erp.password"
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
    slice,
};

use etcetera::BaseStrategy as _;
use tokenlease::{Error, Result};
use toml::{Table, Value};

use tokenlease_config::{KEYS, Options, extra::EXTRA_SECRET_VARIABLE, is_repeatable, nearest};

use crate::output::{config, warn};

/// Reads a profile's options. Relative paths are resolved against the file's folder.
pub(crate) fn load(file: Option<&Path>, name: &str) -> Result<Options> {
    let path = match file {
        Some(file) => file.to_owned(),
        None => default_path()?,
    };
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    if others_can_write(&path) {
        warn(format!(
            "other users can write to {}, and could redirect your secrets to another server; run `{}`",
            path.display(),
            closing_command(&path)
        ));
    }
    let mut options = read(&text, name).map_err(|problem| problem.of(&path))?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let files = [
        &mut options.ca,
        &mut options.client_cert,
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

/// Returns the names of all profiles in the file; none if the default file does not exist.
pub(crate) fn names(file: Option<&Path>) -> Result<Vec<String>> {
    let path = match file {
        Some(file) => file.to_owned(),
        None => match default_path() {
            Ok(path) if path.exists() => path,
            _ => return Ok(Vec::new()),
        },
    };
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    let profiles = profiles(&text).map_err(|problem| problem.of(&path))?;
    Ok(profiles.keys().cloned().collect())
}

/// A fault in a file, without the file's name.
struct Problem {
    detail: String,
    expected: String,
    advice: Option<&'static str>,
}

impl Problem {
    fn new(detail: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { detail: detail.into(), expected: expected.into(), advice: None }
    }

    fn of(self, path: &Path) -> Error {
        let error = config(format!("{}: {}", path.display(), self.detail)).expected(self.expected);
        match self.advice {
            Some(advice) => error.advice(advice),
            None => error,
        }
    }
}

/// Parses a file and returns its profiles.
fn profiles(text: &str) -> Result<Table, Problem> {
    let file: Table = text.parse().map_err(|error: toml::de::Error| {
        // The parser's message quotes the line, which may contain a secret.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Problem::new(format!("line {line} is not TOML"), "lines such as user = \"me\"")
    })?;
    if let Some(key) = file.keys().find(|key| *key != "profile") {
        return Err(Problem::new(
            format!("\"{key}\" is outside of a profile"),
            "[profile.NAME] above the options",
        ));
    }
    match file.get("profile") {
        Some(Value::Table(profiles)) => Ok(profiles.clone()),
        Some(_) => Err(Problem::new("\"profile\" is not a table", "[profile.NAME]")),
        None => Err(Problem::new("the file contains no profile", "[profile.NAME]")),
    }
}

fn read(text: &str, name: &str) -> Result<Options, Problem> {
    let profiles = profiles(text)?;
    let profile = match profiles.get(name) {
        Some(Value::Table(profile)) => profile,
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
    let mut options = Options::default();
    for (key, value) in profile {
        set(&mut options, key, value).map_err(|mut problem| {
            problem.detail = format!("profile \"{name}\": {}", problem.detail);
            problem
        })?;
    }
    Ok(options)
}

fn set(options: &mut Options, key: &str, value: &Value) -> Result<(), Problem> {
    if matches!(key, "password" | "client_secret" | "extra_secret" | "secret" | "token") {
        let (what, variable) = match key {
            "extra_secret" => ("extra_secret_file", EXTRA_SECRET_VARIABLE),
            "password" | "token" => ("password_file or password_command", "TOKENLEASE_PASSWORD"),
            _ => ("client_secret_file", "TOKENLEASE_CLIENT_SECRET"),
        };
        return Err(Problem {
            detail: format!("\"{key}\" is not allowed: profiles get copied and committed"),
            expected: format!("{what} here, or {variable} in the environment"),
            advice: Some("remove the secret from the file"),
        });
    }
    let text = match value {
        Value::Array(values) if is_repeatable(key) => {
            return values.iter().try_for_each(|value| match value {
                Value::String(_) => set(options, key, value),
                _ => Err(not_text(key)),
            });
        }
        Value::Table(fields) if is_repeatable(key) => {
            return fields.iter().try_for_each(|(name, values)| {
                let values =
                    values.as_array().map_or_else(|| slice::from_ref(values), Vec::as_slice);
                values.iter().try_for_each(|value| {
                    let value = value.as_str().ok_or_else(|| not_text(key))?;
                    set(options, key, &Value::String(format!("{name}={value}")))
                })
            });
        }
        Value::String(text) => text.clone(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Integer(number) => number.to_string(),
        _ => {
            return Err(not_text(key));
        }
    };
    match options.set_text(key, &text) {
        Some(Ok(())) => Ok(()),
        Some(Err(why)) => {
            let (detail, expected) =
                why.split_once("; expected ").unwrap_or((&why, "another value"));
            Err(Problem::new(format!("\"{key}\": {detail}"), expected))
        }
        None => Err(Problem::new(
            format!("\"{key}\" is unknown"),
            nearest(key).map_or_else(
                || format!("one of {}", KEYS.join(", ")),
                |near| format!("\"{near}\""),
            ),
        )),
    }
}

fn not_text(key: &str) -> Problem {
    let expected = if is_repeatable(key) { "[\"name=…\", …]" } else { "\"…\"" };
    Problem::new(format!("\"{key}\" is not text"), format!("{key} = {expected}"))
}

fn default_path() -> Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().map_err(|_| {
        config("there is no home directory, so the default configuration file is unknown")
            .expected("--config FILE or the variable HOME")
    })?;
    Ok(folders.config_dir().join("tokenlease").join("config.toml"))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    config(format!("the configuration file {} can't be read: {error}", path.display()))
        .expected("a TOML file with a table [profile.NAME]")
        .advice("name another file with --config, or set the options without --profile")
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
    use tokenlease_config::Provider;

    fn error(text: &str) -> String {
        let problem = match read(text, "erp") {
            Err(problem) => problem,
            Ok(options) => panic!("{options:?}"),
        };
        problem.of(Path::new("config.toml")).to_string()
    }

    #[test]
    fn a_profile_sets_options() {
        let options = read(
            "[profile.erp]\nprovider = \"winkas\"\ncontract = 4711\ntimeout = \"5s\"\n\
             allow_plain_http = true\n[profile.other]\nnonsense = 1\n",
            "erp",
        );
        let options = options.ok().expect("options");
        assert_eq!(options.provider, Some(Provider::Winkas));
        assert_eq!(options.contract.as_deref(), Some("4711"));
        assert_eq!(options.timeout, Some(Duration::from_secs(5)));
        assert_eq!(options.allow_plain_http, Some(true));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_nearest_known_one() {
        for (key, near) in [
            ("sever", "server"),
            ("client-id", "client_id"),
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
}
