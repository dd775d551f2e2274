//! `unblock`: allows rejected credentials to be sent again.

use serde_json::json;

use crate::{
    args::Alone,
    output::{Failure, Output},
    session::Session,
    settings::Environment,
};

pub(crate) fn run(
    args: &Alone,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    let closed = super::with_login(&args.connection, environment, Session::unblock)?;
    let text = if closed {
        "unblocked: the next command that needs a token sends the credentials again"
    } else {
        "the credentials had not been rejected; any other backoff of theirs is lifted"
    };
    output.result(text, &json!({ "was_rejected": closed }))
}
