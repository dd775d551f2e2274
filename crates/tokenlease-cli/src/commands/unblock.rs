//! `unblock`: says that credentials which were rejected are right.

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
        "unblock: the credentials are sent again when a token is next asked for"
    } else {
        "these credentials had not been rejected; what else kept them from being sent is lifted"
    };
    output.result(text, &json!({ "was_rejected": closed }))
}
