//! `demo`: shows what the program does, against vendors on this machine.

use tokenlease::{Error, ErrorKind};

use crate::output::{Failure, Output};

#[expect(clippy::unused_async, reason = "the demo sends and waits")]
pub(crate) async fn run(_output: Output) -> Result<(), Failure> {
    Err(Error::new(ErrorKind::Unsupported, "the demo is not in this build yet")
        .expected("a later version")
        .advice("run `tokenlease emulate`, and the other commands against it")
        .into())
}
