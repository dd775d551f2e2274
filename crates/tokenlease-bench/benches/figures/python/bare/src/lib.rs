//! The least that a call into Rust costs Python: what the figures of the Python face are beside.
#![forbid(unsafe_code)]

/// A module that is as good as empty: its class is made when it is first asked for.
#[pyo3::pymodule(gil_used = false)]
mod tokenlease_bare {
    use pyo3::{prelude::*, types::PyString};

    #[pyclass(frozen)]
    struct Bare(Py<PyString>);

    #[pymethods]
    impl Bare {
        /// The text, which was made before.
        fn text(&self, py: Python<'_>) -> Py<PyString> {
            self.0.clone_ref(py)
        }
    }

    #[pyfunction]
    fn of(text: Py<PyString>) -> Bare {
        Bare(text)
    }
}
