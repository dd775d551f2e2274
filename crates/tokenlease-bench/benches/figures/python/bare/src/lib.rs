//! The cheapest call from Python into Rust: the baseline of the Python benchmarks.
#![forbid(unsafe_code)]

/// A nearly empty module. Python creates its class when a program first uses it.
#[pyo3::pymodule(gil_used = false)]
mod tokenlease_bare {
    use pyo3::{prelude::*, types::PyString};

    #[pyclass(frozen)]
    struct Bare(Py<PyString>);

    #[pymethods]
    impl Bare {
        /// Returns the text that was passed to `of`.
        fn text(&self, py: Python<'_>) -> Py<PyString> {
            self.0.clone_ref(py)
        }
    }

    #[pyfunction]
    fn of(text: Py<PyString>) -> Bare {
        Bare(text)
    }
}
