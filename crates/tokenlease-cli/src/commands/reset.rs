//! `reset`: says that credentials which were refused are right.

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
    let closed =
        session::block_on(async { Session::open(&settings, credentials).await?.reset().await })?;
    let text = if closed {
        "reset: the credentials are sent again when a token is next asked for"
    } else {
        "these credentials had not been refused; what else kept them from being sent is lifted"
    };
    output.result(text, &json!({ "was_refused": closed }))
}
