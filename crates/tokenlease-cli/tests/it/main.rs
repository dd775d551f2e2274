//! The program as its users run it, against both vendors on loopback.

mod calls;
mod doctor;
mod emulate;
mod exec;
mod help;
mod leaks;
mod store;
mod support;
mod tls;
mod token;
