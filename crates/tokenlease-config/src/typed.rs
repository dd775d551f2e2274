//! Options from languages of data (TOML, JSON): each value has a type, and fields may be tables.

use tokenlease::{Error, Result};
use zeroize::Zeroizing;

use crate::{
    config,
    extra::EXTRA_SECRET_VARIABLE,
    options::{KEYS, Options, is_repeatable, key_of, nearest},
};

/// A value.
pub(crate) enum Value {
    Text(Zeroizing<String>),
    Bool(bool),
    /// A whole number, as it is written.
    Number(String),
    List(Vec<Self>),
    Table(Vec<(String, Self)>),
    /// Not set.
    Null,
    /// A value that no option has.
    Other,
}

/// How a language of data is written, for messages.
pub(crate) struct Language {
    /// Between a name and its value: ` = ` or `: `.
    pub(crate) sign: &'static str,
    /// Around a name: nothing, or quotes.
    pub(crate) quote: &'static str,
}

/// A fault, without the place where it was found.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) detail: String,
    expected: String,
    advice: Option<&'static str>,
}

impl Problem {
    pub(crate) fn new(detail: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { detail: detail.into(), expected: expected.into(), advice: None }
    }

    /// Makes an error of it. `place` names the file or the text.
    pub(crate) fn of(self, place: &str) -> Error {
        let error = config(format!("{place}: {}", self.detail)).expected(self.expected);
        match self.advice {
            Some(advice) => error.advice(advice),
            None => error,
        }
    }
}

/// Reads the members of a table as options. A name that is set twice, once with hyphens, is an error.
pub(crate) fn read(members: &[(String, Value)], language: &Language) -> Result<Options, Problem> {
    let mut options = Options::default();
    let mut set_before = Vec::new();
    for (name, value) in members {
        let key = key_of(name).into_owned();
        if set_before.contains(&key) {
            return Err(Problem::new(format!("\"{key}\" is set twice"), "one of them"));
        }
        set(&mut options, name, value, language)?;
        set_before.push(key);
    }
    Ok(options)
}

/// Rejects the names of secrets, which a file does not hold.
pub(crate) fn reject_secret(name: &str) -> Result<(), Problem> {
    let (what, variable) = match &*key_of(name) {
        "extra_secret" => ("extra_secret_file", EXTRA_SECRET_VARIABLE),
        "password" | "token" => ("password_file or password_command", "TOKENLEASE_PASSWORD"),
        "client_secret" | "secret" => ("client_secret_file", "TOKENLEASE_CLIENT_SECRET"),
        _ => return Ok(()),
    };
    Err(Problem {
        detail: format!("\"{name}\" is not allowed: profiles get copied and committed"),
        expected: format!("{what} here, or {variable} in the environment"),
        advice: Some("remove the secret from the file"),
    })
}

fn set(
    options: &mut Options,
    name: &str,
    value: &Value,
    language: &Language,
) -> Result<(), Problem> {
    let text = match value {
        Value::List(values) if is_repeatable(name) => {
            return values.iter().try_for_each(|value| match value {
                Value::Text(_) => set(options, name, value, language),
                _ => Err(not_text(name, language)),
            });
        }
        Value::Table(fields) if is_repeatable(name) => {
            return fields.iter().try_for_each(|(field, values)| {
                let values = match values {
                    Value::List(values) => values.as_slice(),
                    one => std::slice::from_ref(one),
                };
                values.iter().try_for_each(|value| match value {
                    Value::Text(text) => set_text(options, name, &format!("{field}={}", **text)),
                    _ => Err(not_text(name, language)),
                })
            });
        }
        Value::Text(text) => return set_text(options, name, text),
        Value::Number(text) => text.clone(),
        Value::Bool(yes) => yes.to_string(),
        Value::Null => return Ok(()),
        Value::List(_) | Value::Table(_) | Value::Other => return Err(not_text(name, language)),
    };
    set_text(options, name, &text)
}

fn set_text(options: &mut Options, name: &str, text: &str) -> Result<(), Problem> {
    match options.set_text(name, text) {
        Some(Ok(())) => Ok(()),
        Some(Err(why)) => {
            let (detail, expected) =
                why.split_once("; expected ").unwrap_or((&why, "another value"));
            Err(Problem::new(format!("\"{name}\": {detail}"), expected))
        }
        None => Err(Problem::new(
            format!("\"{name}\" is unknown"),
            nearest(name).map_or_else(
                || format!("one of {}", KEYS.join(", ")),
                |near| format!("\"{near}\""),
            ),
        )),
    }
}

fn not_text(name: &str, language: &Language) -> Problem {
    let Language { sign, quote } = language;
    let expected = if is_repeatable(name) { "[\"name=…\", …]" } else { "\"…\"" };
    let expected = format!("{quote}{name}{quote}{sign}{expected}");
    Problem::new(format!("\"{name}\" is not text"), expected)
}
