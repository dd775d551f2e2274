//! The library as C and C++ programs use it: installed, linked, and run against both providers.
//!
//! The tests build it with `cargo build -p tokenlease-c`, and install it with `install.sh` into a
//! folder below `target/`.
#![cfg(unix)]

mod installation;
mod linking;
mod programs;
mod readme;
mod secrets;
mod standards;
mod support;
mod symbols;
mod valgrind;
