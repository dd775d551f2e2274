//! `reset`: says that credentials which were refused are right.

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
    let closed = super::with_login(&args.connection, environment, Session::reset)?;
    let text = if closed {
        "reset: the credentials are sent again when a token is next asked for"
    } else {
        "these credentials had not been refused; what else kept them from being sent is lifted"
    };
    output.result(text, &json!({ "was_refused": closed }))
}
