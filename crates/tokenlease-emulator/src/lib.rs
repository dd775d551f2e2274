#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod accounts;
mod clock;
mod control;
mod counts;
mod delivery;
mod emulator;
mod encoding;
mod fault;
mod fields;
mod handles;
mod http1;
mod options;
mod quirk;
mod server;
mod state;
mod tokens;
mod winkas;
mod wire;
mod wyn;

pub use counts::{Counts, Details, LogEntry, Provider, ProviderDetails, WinkasCounts, WynCounts};
pub use emulator::{Builder, Emulator};
pub use fault::{Endpoint, Fault};
pub use handles::{Winkas, Wyn};
pub use options::{
    Authenticate, Names, Options, RefetchNone, RefetchWrongPassword, ValidateRejection,
    WinkasOptions, WynOptions,
};
pub use quirk::{Quirk, UnknownQuirk};
