//! Output: results on standard output; errors, warnings and logs on standard error.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use serde_json::{Value, json};
use tokenlease::{Error, ErrorKind};
use zeroize::Zeroizing;

use crate::exit;

/// The format of results and errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// Lines of text, for people.
    #[default]
    Text,
    /// One JSON value, for programs; an error is one JSON object on standard error.
    Json,
}

/// An error and the exit code of the program.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) code: u8,
}

impl Failure {
    /// Returns a failure with another exit code than that of the error's kind.
    pub(crate) fn with_code(error: Error, code: u8) -> Self {
        Self { error, code }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: exit::of(&error), error }
    }
}

/// Returns an error of kind [`ErrorKind::Config`].
pub(crate) fn config(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, detail)
}

impl Output {
    /// Prints a result: the text or the JSON value.
    pub(crate) fn result(self, text: &str, json: &Value) -> Result<(), Failure> {
        match self {
            Self::Text => line(text),
            Self::Json => line(&Zeroizing::new(json.to_string())),
        }
    }

    /// Prints an error to standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        let text = match self {
            Self::Text => format!("tokenlease: {}", failure.error),
            Self::Json => json_of(failure).to_string(),
        };
        to_stderr(&text);
    }
}

/// Prints a line to standard output and flushes it. Exits with 0 if the reader has closed its pipe,
/// as `head` does.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        config(format!("standard output can't be written: {error}"))
            .expected("an open pipe or a file on a disk with free space")
            .into()
    })
}

/// Prints a warning to standard error.
pub(crate) fn warn(warning: impl Display) {
    to_stderr(&format!("tokenlease: warning: {warning}"));
}

fn to_stderr(text: &str) {
    // A failure to print can't be reported anywhere.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn json_of(failure: &Failure) -> Value {
    let Failure { error, code } = failure;
    json!({ "error": {
        "kind": error.kind().as_str(),
        "detail": error.detail(),
        "message": error.to_string(),
        "status": error.status(),
        "code": error.code(),
        "retryable": error.is_retryable(),
        "retry_after_s": error.retry_after().map(|wait| wait.as_secs()),
        "until": error.until().map(|until| until.to_string()),
        "exit_code": code,
    } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_json_has_all_fields_that_a_program_can_act_on() {
        let error = Error::new(ErrorKind::Throttled, "too many logins")
            .with_status(429)
            .with_retry_after(std::time::Duration::from_secs(7))
            .expected("one login")
            .advice("wait");
        let error = &json_of(&error.into())["error"];
        assert_eq!(error["kind"], "throttled");
        assert_eq!(error["detail"], "too many logins");
        assert_eq!(error["status"], 429);
        assert_eq!(error["retry_after_s"], 7);
        assert_eq!(error["retryable"], true);
        assert_eq!(error["until"], Value::Null);
        assert_eq!(error["exit_code"], 4);
        assert!(error["message"].as_str().is_some_and(|text| text.ends_with("; wait")));
    }
}
