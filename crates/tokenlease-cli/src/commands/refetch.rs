//! `refetch`: prints the server's current token, without a login.

use super::token::{may_print, print};
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
    may_print(args.show)?;
    let credentials = settings.credentials(Need::Login)?;
    let leased =
        session::block_on(async { Session::open(&settings, credentials).await?.refetch().await })?;
    print(&leased, output)
}
