//! `validate`: asks the server whether a token is active.

use serde_json::json;

use crate::{
    args::FromStdin,
    exit,
    output::{Failure, Output},
    session::{self, Session},
    settings::{Environment, Need},
};

pub(crate) fn run(
    args: &FromStdin,
    output: Output,
    environment: Environment<'_>,
) -> Result<u8, Failure> {
    let (settings, token) = super::with_token(args, environment, session::check_validation)?;
    let credentials = settings.credentials(Need::Validation)?;
    let active = session::block_on(async {
        Session::open_for_validation(&settings, credentials).await?.validate(token).await
    })?;
    let text = if active { "active" } else { "not active" };
    output.result(text, &json!({ "active": active }))?;
    Ok(if active { exit::SUCCESS } else { exit::NOT_ACTIVE })
}
