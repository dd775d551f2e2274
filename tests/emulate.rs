//! The program `tokenlease`, built beside the tests of other languages, which run its emulator.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokenlease_cli::main()
}
