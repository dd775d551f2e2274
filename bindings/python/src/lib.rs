//! tokenlease for Python: the native module `tokenlease._tokenlease`.
//!
//! It converts values and waits; it makes no decisions. The parts that are simpler in Python
//! (exceptions, the coroutines of the async client, stubs) are in `python/tokenlease`.
#![forbid(unsafe_code)]

mod arguments;
mod async_client;
mod call;
mod client;
mod constructors;
mod credentials;
mod effect;
mod error;
mod event_loop;
mod events;
mod exchange;
mod fork;
mod hosted;
mod http_message;
mod hub;
mod interpreter_guard;
mod log;
mod machine;
mod option_table;
mod options;
mod origin;
mod registry;
mod rejection;
mod shared;
mod stats;
mod testing;
mod token;
mod wait;
mod words;

/// The native module. Importing it starts no thread and reads no file.
#[pyo3::pymodule(gil_used = false)]
mod _tokenlease {
    use pyo3::{prelude::*, types::PyTuple};
    use tokenlease::ErrorKind;

    #[pymodule_export]
    use crate::{
        async_client::AsyncClient,
        client::Client,
        effect::Effect,
        events::Event,
        exchange::{Exchange, Meaning},
        http_message::Request,
        machine::{Machine, MachineCall},
        option_table::option_table,
        origin::server_of,
        registry::Registry,
        rejection::{Replaced, StillActive},
        stats::Stats,
        testing::SteeredClock,
        token::Token,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("OPTIONS", PyTuple::new(py, tokenlease_config::KEYS)?)?;
        module.add("ERROR_KINDS", PyTuple::new(py, ErrorKind::ALL.map(ErrorKind::as_str))?)?;
        crate::option_table::document(module)?;
        crate::error::load(py)?;
        crate::fork::register(py)?;
        crate::interpreter_guard::close_at_exit(py)
    }
}
