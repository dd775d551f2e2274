//! From a request to its endpoint, with the checks that all of them share.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;

use crate::{
    answer::{Answer, Failure, text_of},
    consumers::{ActiveConsumer, Peer},
    counts::{self, Endpoint},
    endpoints::{discovery, introspect, metrics, revoke, token},
    form::Form,
    forward::forward,
    guard::{self, Place},
    state::{Configured, Shared},
};

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) peer: Peer,
    pub(crate) place: Place,
}

/// Answers a request.
pub(crate) async fn answer(shared: &Shared, origin: Origin, request: Request<Incoming>) -> Answer {
    let method = request.method().clone();
    let endpoint = endpoint_of(request.uri().path());
    let answer = match routed(shared, origin, endpoint, request).await {
        Ok(answer) => answer,
        Err(failure) => failure.answer(),
    };
    let status = answer.status();
    shared.counts.answered(endpoint, status);
    // Neither the path nor a header: both may contain secrets.
    tracing::debug!("{method} {} {}", endpoint.as_str(), status.as_u16());
    answer
}

const FORWARD: &str = "/forward/";
const TOKEN: &str = "/token/";

fn endpoint_of(path: &str) -> Endpoint {
    match path {
        "/token" => Endpoint::Token,
        "/introspect" => Endpoint::Introspect,
        "/revoke" => Endpoint::Revoke,
        "/.well-known/oauth-authorization-server" => Endpoint::Discovery,
        "/healthz" => Endpoint::Healthz,
        "/metrics" => Endpoint::Metrics,
        _ if path.starts_with(TOKEN) => Endpoint::TokenOfProfile,
        _ if path.starts_with(FORWARD) => Endpoint::Forward,
        _ => Endpoint::Unknown,
    }
}

async fn routed(
    shared: &Shared,
    origin: Origin,
    endpoint: Endpoint,
    request: Request<Incoming>,
) -> Result<Answer, Failure> {
    guard::check(&request, origin.place)?;
    let configured = shared.configured();
    let is_get = request.method() == Method::GET;
    match endpoint {
        Endpoint::Unknown => {
            let description = "there is no such endpoint";
            Err(Failure::new(StatusCode::NOT_FOUND, "invalid_request", description))
        }
        Endpoint::Forward => {
            // Boxed, so that the future of the other endpoints stays small.
            Box::pin(forwarded(shared, &configured, origin, request)).await
        }
        Endpoint::Token | Endpoint::Introspect | Endpoint::Revoke => {
            posted(shared, &configured, origin, endpoint, request).await
        }
        _ if !is_get => Err(Failure::method_not_allowed("GET")),
        Endpoint::Discovery => Ok(discovery::get(&configured, origin.place)),
        Endpoint::Metrics => Ok(metrics::get(shared)),
        Endpoint::Healthz => {
            let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
            Ok(text_of(StatusCode::OK, content_type, "ok\n"))
        }
        Endpoint::TokenOfProfile => {
            let consumer = admitted(shared, &configured, origin, &request, None)?;
            let profile = request.uri().path().strip_prefix(TOKEN).unwrap_or_default();
            token::get(&configured, &consumer, profile, request.headers()).await
        }
    }
}

/// Answers the endpoints that take a form.
async fn posted(
    shared: &Shared,
    configured: &Configured,
    origin: Origin,
    endpoint: Endpoint,
    request: Request<Incoming>,
) -> Result<Answer, Failure> {
    if request.method() != Method::POST {
        return Err(Failure::method_not_allowed("POST"));
    }
    let (parts, body) = request.into_parts();
    let limits = &shared.limits;
    let form = Form::receive(&parts.headers, body, limits.body_len, limits.body_timeout).await?;
    let head = Request::from_parts(parts, ());
    let consumer = admitted(shared, configured, origin, &head, Some(&form))?;
    match endpoint {
        Endpoint::Introspect => introspect::post(configured, &consumer, &form).await,
        Endpoint::Revoke => revoke::post(configured, &consumer, &form).await,
        _ => token::post(configured, &consumer, &form).await,
    }
}

async fn forwarded(
    shared: &Shared,
    configured: &Configured,
    origin: Origin,
    request: Request<Incoming>,
) -> Result<Answer, Failure> {
    let consumer = admitted(shared, configured, origin, &request, None)?;
    let path = request.uri().path().to_owned();
    let path = path.strip_prefix(FORWARD).unwrap_or_default();
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let is_allowed = consumer.consumer.forwards.iter().any(|allowed| allowed == name);
    let upstream = configured.upstreams.get(name).filter(|_| is_allowed);
    let upstream = upstream.ok_or_else(|| {
        let names = consumer.consumer.forwards.join(", ");
        Failure::forbidden(format!("the client may call these upstreams: {names}"))
    })?;
    forward(shared, upstream, rest, request).await
}

/// Returns the consumer of a request, if it has not sent too many.
fn admitted<B>(
    shared: &Shared,
    configured: &Configured,
    origin: Origin,
    request: &Request<B>,
    form: Option<&Form>,
) -> Result<Arc<ActiveConsumer>, Failure> {
    let found = configured.consumers.authenticate(origin.peer, request.headers(), form);
    let consumer = found.or_else(|failure| {
        counts::add(&shared.counts.failed_authentications);
        shared.failures.take().map_err(Failure::too_many)?;
        Err(failure)
    })?;
    consumer.rate.take().map_err(|wait| {
        counts::add(&shared.counts.rate_limited);
        Failure::too_many(wait)
    })?;
    Ok(consumer)
}
