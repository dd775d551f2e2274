//! The emulator over real HTTP, one fact of the providers a test.

mod client;
mod connections;
mod faults;
mod steering;
mod winkas;
mod wyn;
