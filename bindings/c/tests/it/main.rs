//! The library as C and C++ programs get it: installed, linked, and run against both providers.
//!
//! The test builds it as one does, `cargo build -p tokenlease-c`, and installs it into a folder
//! below `target/` by the recipe for everyone.
#![cfg(unix)]

mod finding;
mod programs;
mod support;
mod symbols;
mod valgrind;
