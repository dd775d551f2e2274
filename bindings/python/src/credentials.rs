//! Credentials: text, or Python functions that fetch them.

use std::sync::Arc;

use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};
use tokenlease::{
    CredentialsSource, Error, ErrorKind, Result,
    core::{Credentials, Secret},
};
use tokenlease_config::Options;

use crate::{
    error, interpreter_guard,
    options::{fields, wrong_type},
};

/// A secret as the caller passed it.
enum SecretArgument {
    Text(Secret),
    Function(Py<PyAny>),
}

impl SecretArgument {
    fn read(name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Self>> {
        let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(Some(Self::Text(Secret::from(text.to_cow()?.into_owned()))));
        }
        if value.is_callable() {
            return Ok(Some(Self::Function(value.clone().unbind())));
        }
        Err(wrong_type(name, value, "text, or a function that returns it"))
    }

    fn fetch(&self, py: Python<'_>, name: &str) -> Result<Secret> {
        let function = match self {
            Self::Text(secret) => return Ok(secret.clone()),
            Self::Function(function) => function.bind(py),
        };
        let what = format!("the function that fetches the {name}");
        let returned = function.call0().map_err(|raised| error::of_exception(py, raised, &what))?;
        let text = returned
            .cast::<PyString>()
            .ok()
            .and_then(|text| Some(text.to_cow().ok()?.into_owned()));
        text.map(Secret::from).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("{what} did not return text")).expected(
                "text; a coroutine is not awaited: the function runs on a separate thread",
            )
        })
    }
}

/// Returns the source of the secrets: text and functions. A secret that is not passed comes from
/// the place that the options name.
pub(crate) fn source(
    py: Python<'_>,
    options: &Options,
    password: Option<&Bound<'_, PyAny>>,
    client_secret: Option<&Bound<'_, PyAny>>,
    extra_secret: Option<&Bound<'_, PyDict>>,
) -> PyResult<CredentialsSource> {
    let secrets = [
        SecretArgument::read("password", password)?,
        SecretArgument::read("client_secret", client_secret)?,
    ];
    let mut extra = Vec::new();
    if let Some(given) = extra_secret {
        for (name, value) in fields("extra_secret", given.as_any())? {
            if let (Some(name), Some(secret)) =
                (name, SecretArgument::read("extra_secret", Some(&value))?)
            {
                extra.push((name, secret));
            }
        }
    }
    let is_function = |secret: &SecretArgument| matches!(secret, SecretArgument::Function(_));
    let has_function = secrets.iter().flatten().any(is_function)
        || extra.iter().any(|(_, secret)| is_function(secret));
    let fetch = move |py: Python<'_>| -> Result<Credentials> {
        let [password, client_secret] = &secrets;
        let fetch = |secret: &Option<SecretArgument>, name| {
            secret.as_ref().map(|secret| secret.fetch(py, name)).transpose()
        };
        Ok(Credentials {
            password: fetch(password, "password")?,
            client_secret: fetch(client_secret, "client secret")?,
            extra_secrets: extra
                .iter()
                .map(|(name, secret)| Ok((name.clone(), secret.fetch(py, "extra field")?)))
                .collect::<Result<_>>()?,
        })
    };
    let source = if has_function {
        let fetch = Arc::new(fetch);
        options.credentials_from(move || {
            interpreter_guard::attach(|py| fetch(py)).unwrap_or_else(|| {
                Err(Error::new(ErrorKind::Unavailable, "the Python interpreter is shutting down"))
            })
        })
    } else {
        fetch(py).and_then(|credentials| options.credentials(credentials))
    };
    source.map_err(|error| error::raise(py, &error))
}
