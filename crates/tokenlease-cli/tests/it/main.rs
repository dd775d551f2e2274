//! Runs the program as its users do, against emulators of both providers.

mod calls;
mod certificate;
mod doctor;
mod emulate;
#[cfg(unix)]
mod examples;
mod exec;
mod help;
#[cfg(unix)]
mod hosts;
mod leaks;
mod odd_answers;
mod status;
mod store;
mod support;
mod tls;
mod token;
