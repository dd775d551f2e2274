//! The options of tokenlease by name: the program, the C library and the Python module are
//! configured with the same words, read by the same rules.
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
#![forbid(unsafe_code)]

mod choice;
mod client;
pub mod duration;
mod nearest;
pub mod options;
pub mod secrets;
mod server;
pub mod store;

pub use crate::{
    choice::{ClientAuth, Grant, OnStoreOutage, Provider, StoreKey},
    nearest::nearest,
    options::{KEYS, Options, Value},
    server::is_loopback,
    store::{Shared, StoreUrl},
};

use std::borrow::Cow;

use tokenlease::{Error, ErrorKind};

/// A wrong option or configuration.
fn config(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, detail)
}
