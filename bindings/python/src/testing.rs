//! The clock that `tokenlease.testing` moves. No option of a client or a registry names it.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::{error, options, registry::Registry};

/// A clock that shows the system's time until it is advanced.
#[pyclass(frozen, module = "tokenlease.testing")]
pub(crate) struct SteeredClock(tokenlease::SteeredClock);

#[pymethods]
impl SteeredClock {
    #[new]
    fn new() -> Self {
        Self(tokenlease::SteeredClock::new())
    }

    /// Lets time pass for all clients of this clock's registries.
    fn advance(&self, duration: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.advance(options::duration("duration", duration)?);
        Ok(())
    }

    /// Returns a registry on this clock. Its store is memory.
    fn registry(&self, py: Python<'_>) -> PyResult<Registry> {
        let registry = tokenlease::Registry::builder().clock(Arc::new(self.0.clone())).build();
        Ok(Registry::of(registry.map_err(|error| error::raise(py, &error))?))
    }
}
