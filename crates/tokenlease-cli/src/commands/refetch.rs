//! `refetch`: prints the server's current token, without a login.

use super::token::Target;
use crate::{
    args::Printed,
    output::{Failure, Output},
    session::{self, Session},
    settings::{Environment, Need, Settings},
};

pub(crate) fn run(
    args: &Printed,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    let settings = Settings::resolve(&args.connection, environment)?;
    // Before a prompt for a password that would not be used.
    session::check_refetch(&settings)?;
    let target = Target::of(args)?;
    let credentials = settings.credentials(Need::Login)?;
    let leased =
        session::block_on(async { Session::open(&settings, credentials).await?.refetch().await })?;
    target.print(&leased, output)
}
