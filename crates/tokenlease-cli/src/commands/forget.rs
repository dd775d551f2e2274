//! `forget`: removes a token from the store, without revoking it.

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
    let forgotten = super::with_login(&args.connection, environment, Session::forget)?;
    let text = if forgotten {
        "forgotten: the token is no longer in the store; it stays active until it expires"
    } else {
        "the store has no token of these credentials"
    };
    output.result(text, &json!({ "forgotten": forgotten }))
}
