//! `revoke`: revokes a token.

use serde_json::json;

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
    let (settings, token) = super::with_token(args, environment, session::check_revocation)?;
    let credentials = settings.credentials(Need::Revocation)?;
    let proven = session::block_on(async {
        Session::open_without_login(&settings, credentials).await?.revoke(token).await
    })?;
    let evidence = settings.evidence();
    let text = match (proven, evidence) {
        (true, Some(evidence)) => format!("revoked, and proven: {}", evidence.response),
        (true, None) => "revoked, and proven".into(),
        (false, Some(evidence)) => format!(
            "the server accepted the revocation, but {} did not prove it: that takes a token \
             that is active before, and not afterwards",
            evidence.endpoint
        ),
        (false, None) => "the server accepted the revocation, but no endpoint can confirm it: set \
                          --userinfo-path or --introspection-path"
            .into(),
    };
    output.result(
        &text,
        &json!({
            "accepted": true,
            "proven": proven,
            "evidence": evidence.filter(|_| proven).map(|evidence| evidence.response),
        }),
    )
}
