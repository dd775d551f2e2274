//! The program `tokenlease`: one API token for its whole life, from the command line.
#![forbid(unsafe_code)]

mod args;
mod duration;
mod exit;
mod options;
mod output;
mod profile;
mod secrets;
mod settings;

use std::process::ExitCode;

/// Runs.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
