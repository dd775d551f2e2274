//! Readers of the values of options: text, paths, truth and numbers.

use std::path::PathBuf;

#[expect(clippy::unnecessary_wraps, reason = "the readers of other options can fail")]
pub(crate) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("the path is empty; expected the path of a file".into())
    } else {
        Ok(text.into())
    }
}

/// Reads the URL of a proxy. A password in it would be seen in the list of processes and in profiles.
pub(crate) fn proxy(text: &str) -> Result<String, String> {
    let login = text.rsplit_once('@').map(|(login, _)| login);
    let login = login.map(|login| login.split_once("://").map_or(login, |(_, login)| login));
    if login.is_some_and(|login| login.contains(':')) {
        return Err(
            "the URL of the proxy contains a password; expected USER@ alone, and the password \
                    in the file of proxy_password_file"
                .into(),
        );
    }
    if text.is_empty() {
        return Err("the URL is empty; expected a proxy such as http://proxy.example:3128".into());
    }
    Ok(text.to_owned())
}

pub(crate) fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("\"{text}\" is unknown; expected true or false"))
}

/// Reads a number of logins.
pub(crate) fn count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| (1..=10_000).contains(count));
    count.ok_or_else(|| format!("\"{text}\" is no such number; expected one from 1 to 10000"))
}
