//! `report_rejected`: an API rejected a token; whether the provider does so too.

use serde_json::json;
use tokenlease::Rejection;

use crate::{
    args::FromStdin,
    output::{Failure, Output},
    session::{self, Session},
    settings::{Environment, Need},
};

pub(crate) fn run(
    args: &FromStdin,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    let (settings, token) = super::about_token(args, environment, |_| Ok(()))?;
    let credentials = settings.credentials(Need::Login)?;
    let rejection = session::block_on(async {
        Session::open(&settings, credentials).await?.report_rejected(token).await
    })?;
    let (outcome, text) = match rejection {
        Rejection::StillActive => (
            "still_active",
            "still active: the rejection is about something else, a permission for one; do not \
             call again",
        ),
        // The new token itself is printed by `token` alone.
        _ => ("replaced", "replaced: another token is in use now; `tokenlease token` prints it"),
    };
    output.result(text, &json!({ "outcome": outcome }))
}
