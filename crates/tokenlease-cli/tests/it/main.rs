//! The program as its users run it, against both providers on loopback.

mod calls;
mod doctor;
mod emulate;
mod exec;
mod help;
#[cfg(unix)]
mod hosts;
mod leaks;
#[cfg(unix)]
mod servers;
mod store;
mod support;
mod tls;
mod token;
