//! The program `tokenlease`. Its code is in the library of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokenlease_cli::main()
}
