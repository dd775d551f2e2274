//! `demo`: runs the demo of `tokenlease-demo`, and the processes that it starts.

use tokenlease_demo::Format;

use super::token;
use crate::{
    args::TokenArgs,
    output::{Failure, Output, line},
    session,
    settings::Environment,
};

/// Runs the demo.
pub(crate) fn run(output: Output) -> Result<(), Failure> {
    let format = match output {
        Output::Text => Format::Text,
        Output::Json => Format::Json,
    };
    let print = |text: &str| line(text).map_err(|failure| failure.error);
    session::block_on(tokenlease_demo::run(format, &print))
}

/// Waits until the demo starts this process, and then does what `token --output json` does.
pub(crate) fn process(environment: Environment<'_>) -> Result<(), Failure> {
    tokenlease_demo::wait_for_start();
    let args = TokenArgs::default();
    token::run(&args, Output::Json, environment)
}
