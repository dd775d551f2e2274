//! The library as C and C++ programs use it: installed, linked, and run against both providers.
//!
//! The tests build it with `cargo build -p tokenlease-c`, and install it with `install.sh` into a
//! folder below `target/`.
#![cfg(unix)]

mod abrupt_server;
mod attacks;
mod config;
mod cpp;
mod installation;
mod languages;
mod linking;
mod machines;
mod programs;
mod readme;
mod sanitizers;
mod secrets;
mod signals;
mod standards;
mod support;
mod symbols;
mod valgrind;
