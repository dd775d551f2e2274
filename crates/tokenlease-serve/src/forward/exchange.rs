//! One forwarded call: sent with the token, and once more with another token if the upstream rejected
//! the first one.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokenlease::core::{Token, TokenKind, provider::ApiAnswer};
use url::Url;

use super::{Upstream, headers, json_body::JsonBody, recording::Recording, response::Received};
use crate::{
    answer::{Answer, Failure},
    counts,
    state::Shared,
};

/// The body of a call.
enum Outgoing {
    /// An object that gets the token.
    Json(JsonBody),
    /// Bytes that are passed on. The body of the request serves the first sending.
    Stream(Recording, Mutex<Option<Incoming>>),
}

/// A request to send, more than once if need be.
struct Call<'a> {
    shared: &'a Shared,
    upstream: &'a Upstream,
    method: Method,
    url: Url,
    headers: http::HeaderMap,
    body: Outgoing,
    was_sent: AtomicBool,
}

/// Forwards a request. `rest` is its path below the upstream.
pub(crate) async fn forward(
    shared: &Shared,
    upstream: &Upstream,
    rest: &str,
    request: Request<Incoming>,
) -> Result<Answer, Failure> {
    let (parts, body) = request.into_parts();
    let url = upstream.url(rest, parts.uri.query())?;
    let body = match upstream.token_kind() {
        TokenKind::Winkas => {
            let limits = &shared.limits;
            let text = whole(body, limits.replay_len, limits.upstream_timeout).await?;
            Outgoing::Json(JsonBody::read(&text)?)
        }
        _ => Outgoing::Stream(Recording::default(), Mutex::new(Some(body))),
    };
    let call = Call {
        shared,
        upstream,
        method: parts.method,
        url,
        headers: headers::of_request(parts.headers),
        body,
        was_sent: AtomicBool::new(false),
    };
    call.run().await
}

/// Reads a body that gets the token.
async fn whole(body: Incoming, max_len: usize, timeout: Duration) -> Result<Bytes, Failure> {
    let read = tokio::time::timeout(timeout, Limited::new(body, max_len).collect()).await;
    let read = read.map_err(|_| {
        let description = "the body did not arrive in time";
        Failure::new(StatusCode::REQUEST_TIMEOUT, "invalid_request", description)
    })?;
    let read = read.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let description = format!("the body is longer than {max_len} bytes");
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", description)
        } else {
            Failure::invalid("the body could not be read")
        }
    })?;
    Ok(read.to_bytes())
}

impl Call<'_> {
    async fn run(&self) -> Result<Answer, Failure> {
        let client = &self.upstream.profile.client;
        // A token that was rejected in a call that can't be sent again.
        let rejected = Mutex::new(None);
        let lock = || rejected.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = client
            .call(|token| async {
                let (said, answer) = self.send(&token).await?;
                if said == ApiAnswer::NotRejected || self.can_replay() {
                    return Ok((said, answer));
                }
                *lock() = Some(token);
                Ok::<_, Failure>((ApiAnswer::NotRejected, answer))
            })
            .await?;
        let rejected = lock().take();
        if let Some(token) = rejected {
            // The consumer gets the rejection, and its next call another token. It need not wait.
            let client = client.clone();
            tokio::spawn(async move {
                if let Err(error) = client.report_rejected(&token).await {
                    tracing::debug!("a rejected token could not be checked: {error}");
                }
            });
        }
        Ok(answer)
    }

    fn can_replay(&self) -> bool {
        match &self.body {
            Outgoing::Json(_) => true,
            Outgoing::Stream(recording, _) => recording.replay().is_some(),
        }
    }

    async fn send(&self, token: &Token) -> Result<(ApiAnswer, Answer), Failure> {
        if self.was_sent.swap(true, Ordering::Relaxed) {
            counts::add(&self.shared.counts.replays);
        }
        let mut headers = self.headers.clone();
        let body = match &self.body {
            Outgoing::Json(body) => {
                let json = HeaderValue::from_static("application/json");
                headers.entry(header::CONTENT_TYPE).or_insert(json);
                body.with(token)?.into()
            }
            Outgoing::Stream(recording, body) => {
                self.upstream.profile.client.authorize(token).header(&mut headers)?;
                let first = body.lock().unwrap_or_else(PoisonError::into_inner).take();
                match first {
                    // Without a timer: most calls have no body.
                    Some(body) if body.is_end_stream() => {
                        recording.complete();
                        reqwest::Body::default()
                    }
                    Some(body) => {
                        let limits = &self.shared.limits;
                        let (max_len, timeout) = (limits.replay_len, limits.idle_timeout);
                        reqwest::Body::wrap(recording.stream(body, max_len, timeout))
                    }
                    None => recording.replay().unwrap_or_default().into(),
                }
            }
        };
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body);
        let response = self.upstream.http.execute(request).await;
        let response: Response<reqwest::Body> = match response {
            Ok(response) => response.into(),
            Err(_) if self.consumer_failed() => {
                return Err(Failure::invalid("the body was broken off, or came too slowly"));
            }
            Err(error) => return Err(self.upstream.broken(&error.without_url())),
        };
        let max_len = self.shared.limits.replay_len;
        let received = Received::read(self.upstream, response, max_len).await?;
        Ok((received.said, received.answer(self.upstream, token)))
    }

    fn consumer_failed(&self) -> bool {
        matches!(&self.body, Outgoing::Stream(recording, _) if recording.has_failed())
    }
}

impl Upstream {
    /// An upstream that can't be reached, or broke off its answer.
    pub(super) fn broken(&self, error: &reqwest::Error) -> Failure {
        tracing::debug!("upstream {}: {error:?}", self.name);
        let (status, why) = if error.is_timeout() {
            (StatusCode::GATEWAY_TIMEOUT, "did not answer in time")
        } else if error.is_connect() {
            (StatusCode::BAD_GATEWAY, "can't be reached")
        } else {
            (StatusCode::BAD_GATEWAY, "broke the call off")
        };
        let description = format!("the upstream {} {why}", self.name);
        Failure::new(status, "temporarily_unavailable", description)
    }
}
