//! The options of tokenlease by name: from text to a [`Client`](tokenlease::Client).
//!
//! The program, the C library and the Python module take the same options under the same names and
//! read their values by the same rules. [`KEYS`] lists the names; the fields of [`Options`]
//! document them.
//!
//! ```
//! use tokenlease_config::Options;
//! use tokenlease::core::Credentials;
//!
//! # fn main() -> tokenlease::Result<()> {
//! let mut options = Options::default();
//! options.set("provider", "winkas")?;
//! options.set("user", "NAME")?;
//! options.set("contract", "CODE")?;
//! options.set("deadline", "10s")?;
//! let client = options.client(Credentials::password("PASSWORD"), None)?.build()?;
//! # let _ = client;
//! # Ok(())
//! # }
//! ```
//!
//! | feature | adds |
//! | --- | --- |
//! | `clap` | [`Options`] as arguments of a command line |
//! | `redis`, `postgres` | stores that many hosts share |
//! | `keyring` | the operating system's keyring as the source of a store's key |
#![forbid(unsafe_code)]

mod choice;
mod client;
pub mod consumer;
pub mod duration;
pub mod environment;
pub mod extra;
pub mod json;
mod nearest;
pub mod options;
mod parts;
mod pem;
pub mod profile;
pub mod secrets;
mod server;
mod sources;
pub mod store;
mod store_url;
mod typed;

pub use crate::{
    choice::{ClientAuth, Grant, OnStoreOutage, Provider, StoreAccess, StoreKey, TokenHeader},
    options::{
        KEYS, Kind, OptionInfo, Options, Value, is_number, is_repeatable, key_of, nearest, table,
        table_json, unknown_option,
    },
    parts::Parts,
    pem::PemSource,
    server::is_loopback,
    sources::Sources,
    store::StoreConfig,
    store_url::StoreUrl,
};

use std::borrow::Cow;

use tokenlease::{Error, ErrorKind};

/// Returns an error of kind [`ErrorKind::Config`].
fn config(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, detail)
}
