//! The token endpoint (RFC 6749 section 4.4), and `GET /token/PROFILE`.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use tokenlease::{Rejection, core::Token};

use crate::{
    answer::{Answer, Failure, json, text_of},
    consumers::ActiveConsumer,
    form::Form,
    profiles::Profile,
    state::Configured,
};

/// The answer to a token request (RFC 6749 section 5.1).
#[derive(Serialize)]
struct Issued<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    scope: &'a str,
}

/// Answers `POST /token`. The scope names the profile.
pub(crate) async fn post(
    configured: &Configured,
    consumer: &ActiveConsumer,
    form: &Form,
) -> Result<Answer, Failure> {
    if form.required("grant_type")? != "client_credentials" {
        let description = "the grant_type is not client_credentials";
        return Err(Failure::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", description));
    }
    let profile = selected(configured, consumer, form)?;
    let token = issue(consumer, profile).await?;
    Ok(answer(profile, &token))
}

/// Answers `GET /token/PROFILE`: in JSON, or the token alone if the client accepts `text/plain` first.
pub(crate) async fn get(
    configured: &Configured,
    consumer: &ActiveConsumer,
    profile: &str,
    headers: &HeaderMap,
) -> Result<Answer, Failure> {
    let is_allowed = consumer.consumer.profiles.iter().any(|allowed| allowed == profile);
    let profile = configured.profiles.get(profile).filter(|_| is_allowed);
    let profile = profile.ok_or_else(|| Failure::forbidden(may_get(consumer)))?;
    let token = issue(consumer, profile).await?;
    let accept = headers.get(header::ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
    if accept.starts_with(b"text/plain") {
        let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
        return Ok(text_of(StatusCode::OK, content_type, [token.expose(), "\n"].concat()));
    }
    Ok(answer(profile, &token))
}

/// Returns the profile that a request names: by `scope`, or by `audience` or `resource` for servers whose
/// clients name it so, or the only one that the consumer may use.
fn selected<'a>(
    configured: &'a Configured,
    consumer: &ActiveConsumer,
    form: &Form,
) -> Result<&'a Arc<Profile>, Failure> {
    let allowed = &consumer.consumer.profiles;
    let named: Vec<_> = ["scope", "audience", "resource"]
        .into_iter()
        .filter_map(|parameter| Some((parameter, form.get(parameter)?)))
        .collect();
    let (parameter, name) = match (&named[..], &allowed[..]) {
        ([], [only]) => ("scope", only.as_str()),
        ([], _) => return Err(unknown("scope", consumer)),
        ([(_, first), rest @ ..], _) if rest.iter().any(|(_, other)| other != first) => {
            let description = "scope, audience and resource name different profiles";
            return Err(Failure::invalid(description));
        }
        ([first, ..], _) => *first,
    };
    let profile = configured.profiles.get(name).filter(|_| allowed.iter().any(|one| one == name));
    profile.ok_or_else(|| unknown(parameter, consumer))
}

fn unknown(parameter: &str, consumer: &ActiveConsumer) -> Failure {
    // RFC 8707 section 2.
    let code = if parameter == "scope" { "invalid_scope" } else { "invalid_target" };
    let description = format!("{parameter} names no profile; {}", may_get(consumer));
    Failure::new(StatusCode::BAD_REQUEST, code, description)
}

fn may_get(consumer: &ActiveConsumer) -> String {
    format!("the client may get tokens of: {}", consumer.consumer.profiles.join(", "))
}

/// Returns the token to use now. If the consumer has revoked the current one in its own view, for
/// example because an API has rejected it, the provider is asked about it first.
async fn issue(consumer: &ActiveConsumer, profile: &Profile) -> Result<Token, Failure> {
    let mut token = profile.client.token().await?;
    if consumer.has_revoked(&profile.name, &token)
        && let Rejection::Replaced(new) = profile.client.report_rejected(&token).await?
    {
        token = new;
    }
    consumer.issued(&profile.name);
    Ok(token)
}

fn answer(profile: &Profile, token: &Token) -> Answer {
    let issued = Issued {
        access_token: token.expose(),
        token_type: "Bearer",
        // Some libraries read 0, and none, as "for ever". A second means: ask again for each use, which
        // costs no request to the provider.
        expires_in: profile.certain_life(token).max(1),
        scope: &profile.name,
    };
    json(StatusCode::OK, &issued)
}
