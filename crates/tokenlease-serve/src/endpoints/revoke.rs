//! The revocation endpoint (RFC 7009).

use http::StatusCode;
use tokenlease::ErrorKind;
use tokenlease_config::consumer::Right;

use super::{only_profile, profile_with};
use crate::{
    answer::{Answer, Failure, json},
    consumers::ActiveConsumer,
    form::Form,
    state::Configured,
};

/// Answers `POST /revoke`. With the right `revoke`, the token ends at the provider, for everyone. Without it
/// the token ends in the consumer's own view: it is inactive for the consumer, and the next token request
/// asks the provider whether the same token can be issued again.
pub(crate) async fn post(
    configured: &Configured,
    consumer: &ActiveConsumer,
    form: &Form,
) -> Result<Answer, Failure> {
    let text = form.required("token")?;
    let known = profile_with(configured, consumer, text);
    if consumer.has(Right::Revoke) {
        let token = known.or_else(|| {
            let profile = only_profile(configured, consumer)?;
            Some((profile, profile.client.token_from_text(text).ok()?))
        });
        if let Some((profile, token)) = token {
            match profile.client.revoke(&token).await {
                // RFC 7009 section 2.2.1.
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    let status = StatusCode::BAD_REQUEST;
                    let code = "unsupported_token_type";
                    return Err(Failure::new(status, code, error.to_string()));
                }
                revoked => drop(revoked?),
            }
        }
    } else if let Some((profile, token)) = known {
        consumer.revoke(&profile.name, token);
    }
    // An unknown token is as good as a revoked one (RFC 7009 section 2.2).
    Ok(json(StatusCode::OK, &serde_json::json!({})))
}
