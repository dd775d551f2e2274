//! Tests of the emulator over real HTTP, each for one fact about the providers.

mod client;
mod connections;
mod control;
mod faults;
mod metadata;
mod quirks;
mod winkas;
mod winkas_options;
mod wyn;
mod wyn_tokens;
