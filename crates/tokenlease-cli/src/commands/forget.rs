//! `forget`: drops a token from the store, without ending it.

use serde_json::json;

use crate::{
    args::Alone,
    output::{Failure, Output},
    session::{self, Session},
    settings::{Environment, Need, Settings},
};

pub(crate) fn run(
    args: &Alone,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    let settings = Settings::resolve(&args.connection, environment)?;
    let credentials = settings.credentials(Need::Login)?;
    let forgotten =
        session::block_on(async { Session::open(&settings, credentials).await?.forget().await })?;
    let text = if forgotten {
        "forgotten: nobody takes the token from the store any more; it ends by itself"
    } else {
        "the store has no token of these credentials"
    };
    output.result(text, &json!({ "forgotten": forgotten }))
}
