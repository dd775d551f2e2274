//! The program `tokenlease`: one API token for its whole life, from the command line.
#![forbid(unsafe_code)]

mod args;
mod demo;
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
    let json = std::env::args().any(|arg| arg == "json");
    let output = if json { output::Output::Json } else { output::Output::Text };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match runtime.block_on(demo::run(output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}
