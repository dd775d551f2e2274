//! `report-rejected`: reports that an API rejected a token.

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
    let (settings, token) = super::with_token(args, environment, |_| Ok(()))?;
    let credentials = settings.credentials(Need::Login)?;
    let rejection = session::block_on(async {
        Session::open(&settings, credentials).await?.report_rejected(token).await
    })?;
    let (outcome, text) = match rejection {
        Rejection::StillActive => (
            "still_active",
            "still active: the API rejected the request for another reason, for example a missing \
             permission; do not repeat the request",
        ),
        // Only `tokenlease token` prints the new token.
        _ => (
            "replaced",
            "replaced: another token is in use now; run `tokenlease token` to print it",
        ),
    };
    output.result(text, &json!({ "outcome": outcome }))
}
