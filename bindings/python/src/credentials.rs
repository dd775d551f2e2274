//! Credentials: text, or Python functions that fetch them.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use pyo3::{PyTraverseError, PyVisit, prelude::*, types::PyString};
use tokenlease::{
    CredentialsSource, Error, ErrorKind, Result,
    core::{Credentials, Secret},
};

use crate::{
    arguments::Arguments,
    error, interpreter_guard,
    options::{fields, wrong_type},
};

/// The functions of a client that fetch its credentials or get its events. The garbage collector sees them, since a bound
/// method may belong to the object that has the client.
#[derive(Clone)]
pub(crate) struct Functions(Arc<ArcSwapOption<Vec<Py<PyAny>>>>);

impl Functions {
    pub(crate) fn new(functions: Vec<Py<PyAny>>) -> Self {
        Self(Arc::new(ArcSwapOption::from_pointee(functions)))
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.0.load().iter().flat_map(|all| all.iter()).try_for_each(|one| visit.call(one))
    }

    /// Drops the functions of a client that the garbage collector found unreachable.
    pub(crate) fn clear(&self) {
        self.0.store(None);
    }

    pub(crate) fn get(&self, py: Python<'_>, index: usize) -> Result<Py<PyAny>> {
        let functions = self.0.load();
        let function = functions.as_ref().and_then(|all| all.get(index));
        function.map(|function| function.clone_ref(py)).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "the client was garbage-collected during its call")
        })
    }
}

/// A secret as the caller passed it.
enum SecretArgument {
    Text(Secret),
    /// The index of the function.
    Function(usize),
}

impl SecretArgument {
    fn read(
        name: &str,
        value: Option<&Bound<'_, PyAny>>,
        functions: &mut Vec<Py<PyAny>>,
    ) -> PyResult<Option<Self>> {
        let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(Some(Self::Text(Secret::from(text.to_cow()?.into_owned()))));
        }
        if value.is_callable() {
            functions.push(value.clone().unbind());
            return Ok(Some(Self::Function(functions.len() - 1)));
        }
        Err(wrong_type(name, value, "text, or a function that returns it"))
    }

    fn fetch(&self, py: Python<'_>, name: &str, functions: &Functions) -> Result<Secret> {
        let function = match self {
            Self::Text(secret) => return Ok(secret.clone()),
            Self::Function(index) => functions.get(py, *index)?,
        };
        let what = format!("the function that fetches the {name}");
        let returned =
            function.bind(py).call0().map_err(|raised| error::of_exception(py, raised, &what))?;
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

/// The secrets of a client's arguments.
pub(crate) struct OfClient {
    pub(crate) credentials: CredentialsSource,
    /// The functions that fetch them.
    pub(crate) functions: Functions,
}

/// Returns the source of the secrets: text and functions. A secret that is not passed comes from
/// the place that the options name.
pub(crate) fn source(py: Python<'_>, arguments: &Arguments<'_>) -> PyResult<OfClient> {
    let mut functions = Vec::new();
    let secrets = [
        SecretArgument::read("password", arguments.password.as_ref(), &mut functions)?,
        SecretArgument::read("client_secret", arguments.client_secret.as_ref(), &mut functions)?,
    ];
    let mut extra = Vec::new();
    if let Some(given) = &arguments.extra_secret {
        for (name, value) in fields("extra_secret", given.as_any())? {
            if let (Some(name), Some(secret)) =
                (name, SecretArgument::read("extra_secret", Some(&value), &mut functions)?)
            {
                extra.push((name, secret));
            }
        }
    }
    let has_function = !functions.is_empty();
    let functions = Functions::new(functions);
    let called = functions.clone();
    let fetch = move |py: Python<'_>| -> Result<Credentials> {
        let [password, client_secret] = &secrets;
        let fetch = |secret: &Option<SecretArgument>, name| {
            secret.as_ref().map(|secret| secret.fetch(py, name, &called)).transpose()
        };
        Ok(Credentials {
            password: fetch(password, "password")?,
            client_secret: fetch(client_secret, "client secret")?,
            extra_secrets: extra
                .iter()
                .map(|(name, secret)| Ok((name.clone(), secret.fetch(py, "extra field", &called)?)))
                .collect::<Result<_>>()?,
        })
    };
    let credentials = if has_function {
        let fetch = Arc::new(fetch);
        arguments.sources.credentials_from(move || {
            interpreter_guard::attach(|py| fetch(py)).unwrap_or_else(|| {
                Err(Error::new(ErrorKind::Unavailable, "the Python interpreter is shutting down"))
            })
        })
    } else {
        fetch(py).and_then(|credentials| arguments.sources.credentials(credentials))
    };
    let credentials = credentials.map_err(|error| error::raise(py, &error))?;
    Ok(OfClient { credentials, functions })
}
