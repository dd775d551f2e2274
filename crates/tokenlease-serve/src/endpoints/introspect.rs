//! The introspection endpoint (RFC 7662).

use http::StatusCode;
use serde_json::{Value, json as object};
use tokenlease::{Clock as _, SystemClock, core::Token};
use tokenlease_config::consumer::Right;

use super::{only_profile, profile_with};
use crate::{
    answer::{Answer, Failure, json},
    consumers::ActiveConsumer,
    form::Form,
    profiles::Profile,
    state::Configured,
};

/// Answers `POST /introspect`. Without the right `validate`, a token is active if this process would issue it
/// to the consumer now.
pub(crate) async fn post(
    configured: &Configured,
    consumer: &ActiveConsumer,
    form: &Form,
) -> Result<Answer, Failure> {
    let text = form.required("token")?;
    let known = profile_with(configured, consumer, text);
    let asks = consumer.has(Right::Validate);
    let found = match known {
        Some((profile, token)) if consumer.has_revoked(&profile.name, &token) => None,
        Some((profile, token)) if asks => active(profile, token).await?,
        Some((profile, token)) => {
            let current = profile.client.token().await?;
            (current == token).then_some((profile.as_ref(), token))
        }
        None if asks => match only_profile(configured, consumer) {
            Some(profile) => match profile.client.token_from_text(text) {
                Ok(token) => active(profile, token).await?,
                Err(_) => None,
            },
            None => None,
        },
        None => None,
    };
    let body = found.map_or_else(
        || object!({ "active": false }),
        |(profile, token)| described(consumer, profile, &token),
    );
    Ok(json(StatusCode::OK, &body))
}

/// Asks the provider.
async fn active(profile: &Profile, token: Token) -> Result<Option<(&Profile, Token)>, Failure> {
    let is_active = profile.client.validate(&token).await?;
    Ok(is_active.then_some((profile, token)))
}

fn described(consumer: &ActiveConsumer, profile: &Profile, token: &Token) -> Value {
    let mut body = object!({
        "active": true,
        "scope": profile.name,
        "client_id": consumer.consumer.name,
        "token_type": "Bearer",
    });
    if let Some(facts) = profile.client.facts(token) {
        body["iat"] = facts.sent_at.0.div_euclid(1000).into();
    }
    let life = profile.certain_life(token);
    if life > 0 {
        let now = SystemClock.now().wall.0.div_euclid(1000);
        body["exp"] = now.saturating_add_unsigned(life).into();
    }
    body
}
