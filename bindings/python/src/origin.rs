//! The server of a client, for the adapters of HTTP libraries: they send its token nowhere else.

use pyo3::{exceptions::PyTypeError, prelude::*};
use tokenlease::bindings;

use crate::{async_client::AsyncClient, client::Client};

/// Returns the provider of a client and the address of its server.
#[pyfunction]
#[pyo3(name = "_server_of")]
pub(crate) fn server_of(client: &Bound<'_, PyAny>) -> PyResult<(&'static str, String)> {
    let identity = if let Ok(client) = client.cast::<Client>() {
        bindings::identity(client.get().client())
    } else if let Ok(client) = client.cast::<AsyncClient>() {
        bindings::identity(client.get().client())
    } else {
        let found = client.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "the client is of type {found}; expected a Client or an AsyncClient of tokenlease"
        )));
    };
    Ok((identity.provider().as_str(), identity.server().to_owned()))
}
