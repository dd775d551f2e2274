//! The program `tokenlease`; everything is in the library of the same package.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokenlease_cli::main()
}
