//! The table of options, in Python's words: for programs that list options, and for the documentation.

use std::fmt::Write as _;

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use tokenlease_config::{KEYS, Kind, OptionInfo, table};

use crate::words;

/// Returns the options: their names, types, choices, defaults, providers and meanings.
#[pyfunction]
pub(crate) fn option_table(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let row = |option: OptionInfo| {
        let providers = option.providers.iter().map(|one| one.as_str());
        let row = PyDict::new(py);
        row.set_item("name", option.name)?;
        row.set_item("type", option.kind.name())?;
        row.set_item("choices", PyTuple::new(py, option.kind.choices())?)?;
        row.set_item("default", option.default)?;
        row.set_item("providers", PyTuple::new(py, providers.collect::<Vec<_>>())?)?;
        row.set_item("registry", option.is_of_registry)?;
        row.set_item("meaning", meaning(&option))?;
        Ok(row)
    };
    table().map(row).collect()
}

/// Adds the options to the documentation of the classes that take them.
pub(crate) fn document(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.getattr("option_table")?.setattr("__module__", "tokenlease")?;
    let options = |is_listed: &dyn Fn(&OptionInfo) -> bool| {
        let mut text = String::from("\n\nThe options are keyword arguments:\n");
        for option in table().filter(is_listed) {
            let _ = write!(text, "\n    {}: {}", option.name, meaning(&option));
        }
        text
    };
    let (all, of_registry) = (options(&|_| true), options(&|option| option.is_of_registry));
    for (class, options) in [("Client", &all), ("AsyncClient", &all), ("Registry", &of_registry)] {
        let class = module.getattr(class)?;
        // `python -OO` has no documentation.
        if let Ok(about) = class.getattr("__doc__")?.extract::<String>() {
            class.setattr("__doc__", about + options)?;
        }
    }
    Ok(())
}

/// Returns the meaning of an option for a caller of Python.
fn meaning(option: &OptionInfo) -> String {
    match option.name {
        "store" => "Where to share tokens: `file:/path` or `file:` (a folder of this user), `memory:` \
                    (this process only), or the URL of a Redis or PostgreSQL server for many hosts. \
                    The default is the memory of the process. Opening a store blocks."
            .to_owned(),
        "client_key" => "The private key of the client certificate: an unencrypted PEM file, or the \
                         PEM text itself. By default it is in the file of `client_cert`."
            .to_owned(),
        "store_key" => format!("{} Or the key itself: 32 bytes.", option.meaning),
        _ if matches!(option.kind, Kind::Field | Kind::FieldFile) => {
            let several = "A dict or a list sets several";
            words::for_python(&option.meaning.replace("Repeat it for more fields", several))
        }
        _ => words::for_python(option.meaning),
    }
}

/// Returns whether the text is the name of an option in the words of the program, without its hyphens.
pub(crate) fn option_of(name: &str) -> Option<&'static str> {
    let key = tokenlease_config::key_of(name);
    KEYS.iter().find(|known| ***known == *key).copied()
}
