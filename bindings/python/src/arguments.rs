//! Reads the keyword arguments of clients and registries: options by name, secrets, and the places that
//! they come from.

use std::path::PathBuf;

use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict, PyString},
};
use tokenlease::{Error, ErrorKind, core::Key};
use tokenlease_config::{KEYS, Options, Parts, Sources, key_of, unknown_option};

use crate::{
    error,
    options::{self, wrong_type},
    registry::Registry,
};

/// The argument by which the constructors tell each other to read the environment.
pub(crate) const ENVIRONMENT: &str = "_environment";

/// The secrets of a registry, which are text.
const SECRETS: &[&str] = &["proxy_password", "store_password", "store_passphrase"];

/// The arguments of clients that are no options of all languages.
const OF_CLIENTS: &[&str] = &[
    "password",
    "client_secret",
    "extra_secret",
    "registry",
    "on_event",
    "profile",
    "profile_file",
    "proxy_password",
    "store_password",
    "store_passphrase",
];

/// The arguments of a client.
#[derive(Default)]
pub(crate) struct Arguments<'py> {
    pub(crate) sources: Sources,
    pub(crate) parts: Parts,
    pub(crate) password: Option<Bound<'py, PyAny>>,
    pub(crate) client_secret: Option<Bound<'py, PyAny>>,
    pub(crate) extra_secret: Option<Bound<'py, PyDict>>,
    pub(crate) on_event: Option<Bound<'py, PyAny>>,
    registry: Option<tokenlease::Registry>,
}

impl<'py> Arguments<'py> {
    /// Reads the arguments of a client. `None` means that an option is not set.
    pub(crate) fn read(py: Python<'py>, given: Option<&Bound<'py, PyDict>>) -> PyResult<Self> {
        let mut all = Self::default();
        let (mut profile, mut file, mut environment) = (None, None, false);
        for (name, value) in set(given)? {
            if all.set_secret(&key_of(&name), &name, &value)? {
                continue;
            }
            match &*key_of(&name) {
                "registry" => {
                    let registry = value.cast::<Registry>();
                    let registry = registry.map_err(|_| wrong_type(&name, &value, "a Registry"))?;
                    all.registry = Some(registry.get().in_this_process(py)?);
                }
                "on_event" if value.is_callable() => all.on_event = Some(value),
                "on_event" => return Err(wrong_type(&name, &value, "a function of one event")),
                "profile" => profile = Some(text(&name, &value)?),
                "profile_file" => file = Some(path(&name, &value)?),
                ENVIRONMENT => environment = true,
                key => {
                    let (options, parts) = (&mut all.sources.given, &mut all.parts);
                    set_option(options, parts, key, &name, &value, OF_CLIENTS)?;
                }
            }
        }
        let raise = |failed: Error| error::raise(py, &failed);
        match (profile, file) {
            (Some(profile), file) => {
                all.sources.load_profile(file.as_deref(), &profile).map_err(raise)?;
            }
            (None, Some(_)) => {
                let unused = "\"profile_file\" is set without a profile";
                let failed = Error::new(ErrorKind::Config, unused)
                    .expected("the name of one of its profiles as \"profile\" as well");
                return Err(raise(failed));
            }
            (None, None) => {}
        }
        if environment {
            all.sources.load_environment().map_err(raise)?;
        }
        Ok(all)
    }

    /// Reads the secrets that replace those of a client.
    pub(crate) fn of_secrets(given: Option<&Bound<'py, PyDict>>) -> PyResult<Self> {
        let mut all = Self::default();
        for (name, value) in set(given)? {
            if !all.set_secret(&key_of(&name), &name, &value)? {
                let known = "password, client_secret, extra_secret";
                let unknown = format!("there is no secret \"{name}\" of a client");
                let failed = Error::new(ErrorKind::Config, unknown).expected(known);
                return Err(error::raise(value.py(), &failed));
            }
        }
        Ok(all)
    }

    /// Sets a secret of a client. Returns whether the name is that of one.
    fn set_secret(&mut self, key: &str, name: &str, value: &Bound<'py, PyAny>) -> PyResult<bool> {
        match key {
            "password" => self.password = Some(value.clone()),
            "client_secret" => self.client_secret = Some(value.clone()),
            "extra_secret" => {
                let expected = "a dict of names and secrets";
                let fields = value.cast::<PyDict>();
                let fields = fields.map_err(|_| wrong_type(name, value, expected))?;
                self.extra_secret = Some(fields.clone());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes the registry that the client shares.
    pub(crate) fn registry(&mut self) -> Option<tokenlease::Registry> {
        self.registry.take()
    }
}

/// Reads the arguments of a registry.
pub(crate) fn of_registry(given: Option<&Bound<'_, PyDict>>) -> PyResult<(Options, Parts)> {
    let (mut options, mut parts) = (Options::default(), Parts::default());
    for (name, value) in set(given)? {
        set_option(&mut options, &mut parts, &key_of(&name), &name, &value, SECRETS)?;
    }
    Ok((options, parts))
}

/// Returns the arguments that are set.
fn set<'py>(given: Option<&Bound<'py, PyDict>>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    given
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_none())
        .map(|(name, value)| Ok((name.cast::<PyString>()?.to_cow()?.into_owned(), value)))
        .collect()
}

/// Sets an option, or a secret of a registry. `more` are the other names that are known.
fn set_option(
    options: &mut Options,
    parts: &mut Parts,
    key: &str,
    name: &str,
    value: &Bound<'_, PyAny>,
    more: &[&'static str],
) -> PyResult<()> {
    let raise = |failed: Error| error::raise(value.py(), &failed);
    if SECRETS.contains(&key) {
        return parts.set_secret(key, &text(name, value)?).map_err(raise);
    }
    if let ("store_key", Ok(bytes)) = (key, value.cast::<PyBytes>()) {
        let key = <[u8; 32]>::try_from(bytes.as_bytes()).map_err(|_| {
            let wrong = format!("\"store_key\" has {} bytes", bytes.as_bytes().len());
            raise(Error::new(ErrorKind::Config, wrong).expected("32 random bytes"))
        })?;
        parts.set_store_key(Key::new(key));
        return Ok(());
    }
    if let ("client_key", Ok(pem)) = (key, value.cast::<PyString>())
        && pem.to_cow()?.contains("-----BEGIN ")
    {
        return parts.set_secret(key, &pem.to_cow()?).map_err(raise);
    }
    if !KEYS.contains(&key) {
        return Err(raise(unknown_option(name, more)));
    }
    options::set(options, name, value)
}

fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = value.cast::<PyString>().map_err(|_| wrong_type(name, value, "text"))?;
    Ok(text.to_cow()?.into_owned())
}

fn path(name: &str, value: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let path =
        if value.hasattr("__fspath__")? { &value.call_method0("__fspath__")? } else { value };
    text(name, path).map(PathBuf::from)
}
