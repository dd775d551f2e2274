//! The extra fields of a token request: `NAME=VALUE`, and `NAME=FILE` for secret values.

use std::path::PathBuf;

use tokenlease::{
    Result,
    core::{Credentials, Secret},
};
use zeroize::Zeroizing;

use crate::{
    config,
    secrets::{SecretKind, SecretSource, one_line},
};

/// The environment variable of secret extra fields: `NAME=VALUE`, one field a line.
pub const EXTRA_SECRET_VARIABLE: &str = "TOKENLEASE_EXTRA_SECRET";

/// An extra field of a token request, such as `audience`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraField {
    /// The field's name.
    pub name: String,
    /// The field's value, which is not secret.
    pub value: String,
}

impl ExtraField {
    /// Reads `NAME=VALUE`. A value may contain `=`.
    ///
    /// # Errors
    /// The reason, if there is no name. It does not quote the text.
    pub fn read(text: &str) -> Result<Self, String> {
        let (name, value) = pair(text).ok_or("the field has no name; expected NAME=VALUE")?;
        Ok(Self { name: name.into(), value: value.into() })
    }
}

/// An extra field of a token request whose secret value is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraSecretFile {
    /// The field's name.
    pub name: String,
    /// The file that holds the value on one line.
    pub file: PathBuf,
}

impl ExtraSecretFile {
    /// Reads `NAME=FILE`.
    ///
    /// # Errors
    /// The reason, if there is no name or no file. It does not quote the text, which may be a
    /// misplaced secret.
    pub fn read(text: &str) -> Result<Self, String> {
        match pair(text) {
            Some((name, file)) if !file.is_empty() => {
                Ok(Self { name: name.into(), file: file.into() })
            }
            _ => Err("the field has no name or no file; expected NAME=FILE".into()),
        }
    }
}

/// Where the secret extra fields of one source of options are read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraSecrets {
    variable: Option<Secret>,
    files: Vec<ExtraSecretFile>,
}

impl ExtraSecrets {
    /// Makes the source of the option `extra_secret_file` and of the variable
    /// [`EXTRA_SECRET_VARIABLE`].
    pub fn new(files: Option<&[ExtraSecretFile]>, variable: Option<Secret>) -> Self {
        Self { variable, files: files.unwrap_or_default().to_vec() }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.variable.is_none()
    }

    /// Reads the fields and adds those whose name the credentials lack.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if a value can't be read or is not one line, or if
    /// a field in the variable has no name. The error quotes no value.
    pub fn add_to(&self, credentials: &mut Credentials, warn: impl Fn(&str)) -> Result<()> {
        let given: Vec<_> =
            credentials.extra_secrets.iter().map(|(name, _)| name.clone()).collect();
        let mut add = |name: &str, secret| {
            if !given.iter().any(|given| given == name) {
                credentials.extra_secrets.push((name.to_owned(), secret));
            }
        };
        for ExtraSecretFile { name, file } in &self.files {
            let source = SecretSource::File(file.clone());
            add(name, source.read(SecretKind::Extra, &warn)?);
        }
        let lines = self.variable.as_ref().map(Secret::expose).unwrap_or_default().lines();
        for line in lines.filter(|line| !line.is_empty()) {
            let bad = |why: &str| {
                config(format!("the variable {EXTRA_SECRET_VARIABLE}: {why}"))
                    .expected("NAME=VALUE, one field a line")
            };
            let (name, value) = pair(line).ok_or_else(|| bad("a field has no name"))?;
            let value = Zeroizing::new(value.to_owned());
            add(name, one_line(&value).map_err(|why| bad(&format!("the field `{name}` {why}")))?);
        }
        Ok(())
    }
}

/// Makes a reader of one more value of a repeatable option.
pub(crate) fn list<T>(
    read: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Vec<T>, String> {
    move |text| read(text).map(|value| vec![value])
}

fn pair(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: a secret extra field is read from a file or the environment, unless it is given.
    #[test]
    fn secret_extra_fields_are_read_from_files_and_the_variable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("connection");
        std::fs::write(&file, "from file\n").unwrap();
        let option = format!("connection={}", file.display());
        let files = [ExtraSecretFile::read(&option).unwrap()];
        let variable = Some(Secret::from("assertion=a=b\nassertion=c\n"));
        let source = ExtraSecrets::new(Some(&files), variable);
        let read = |mut credentials: Credentials| {
            source.add_to(&mut credentials, |_| ()).unwrap();
            let fields = credentials.extra_secrets;
            fields
                .iter()
                .map(|(name, secret)| format!("{name}={}", secret.expose()))
                .collect::<Vec<_>>()
        };
        let all = ["connection=from file", "assertion=a=b", "assertion=c"];
        assert_eq!(read(Credentials::default()), all);
        let given = Credentials::default().with_extra_secret("assertion", "given");
        assert_eq!(read(given), ["assertion=given", "connection=from file"]);
    }

    /// Rule: Secrets: an error about a secret extra field quotes no value.
    #[test]
    fn an_error_about_a_secret_extra_field_quotes_no_value() {
        for text in ["canary", "=canary"] {
            let source = ExtraSecrets::new(None, Some(text.into()));
            let error = source.add_to(&mut Credentials::default(), |_| ()).unwrap_err();
            assert!(error.to_string().contains(EXTRA_SECRET_VARIABLE), "{error}");
            assert!(!error.to_string().contains("canary"), "{error}");
            assert!(!ExtraSecretFile::read(text).unwrap_err().contains("canary"));
        }
    }
}
