//! Spans of the crate `tracing`.

use tokenlease_core::{
    Error,
    lifecycle::{Effect, Lifecycle, Outcome},
    provider::{Answer, Call, Server},
    record::{HistoryCause, HistoryKind},
};
use tracing::{Instrument as _, Span, field::Empty, info_span, instrument::Instrumented};

/// The span of a flight: the work that begins with one caller and answers all that wait. It is a child of
/// that caller's span.
#[derive(Clone)]
pub(crate) struct FlightSpan {
    span: Span,
    provider: &'static str,
    address: String,
    port: Option<u16>,
}

/// The span of an effect: a request to the provider, or a call of the store.
pub(crate) struct EffectSpan(Span);

impl FlightSpan {
    pub(crate) fn of(server: &Server) -> Self {
        let identity = server.identity();
        let (address, port) = address(identity.server());
        let provider = identity.provider().as_str();
        let span = info_span!(
            target: "tokenlease",
            "tokenlease.flight",
            tokenlease.provider = provider,
            server.address = address,
            server.port = port,
            tokenlease.outcome = Empty,
            tokenlease.source = Empty,
        );
        Self { span, provider, address, port }
    }

    /// Begins the span of a request that the machine has just named.
    pub(crate) fn request(&self, call: &Call, machine: &Lifecycle) -> EffectSpan {
        let (name, kind) = match call {
            Call::Login => ("tokenlease.login", Some(HistoryKind::Login)),
            Call::Refetch => ("tokenlease.refetch", Some(HistoryKind::Refetch)),
            Call::Validate(_) => ("tokenlease.validate", None),
            Call::Revoke(_) => ("tokenlease.revoke", None),
        };
        let cause = kind.and_then(|kind| machine.cause_of_last(kind));
        // A span's name is constant; `otel.name` is the one that OpenTelemetry shows.
        EffectSpan(info_span!(
            target: "tokenlease",
            parent: &self.span,
            "tokenlease.request",
            otel.name = name,
            otel.kind = "client",
            otel.status_code = Empty,
            tokenlease.provider = self.provider,
            tokenlease.cause = cause.map(HistoryCause::as_str),
            tokenlease.outcome = Empty,
            server.address = self.address,
            server.port = self.port,
            http.response.status_code = Empty,
            "error.type" = Empty,
        ))
    }

    /// Begins the span of a call of the store.
    pub(crate) fn store_call(&self, effect: &Effect) -> EffectSpan {
        EffectSpan(info_span!(
            target: "tokenlease",
            parent: &self.span,
            "tokenlease.store",
            otel.name = format!("tokenlease.store.{effect}"),
            otel.status_code = Empty,
            tokenlease.outcome = Empty,
            "error.type" = Empty,
        ))
    }

    /// Records the result of the flight.
    pub(crate) fn end(&self, machine: &Lifecycle) {
        let current = machine.current();
        self.span
            .record("tokenlease.outcome", if current.is_some() { "token" } else { "no_token" });
        if let Some((_, source)) = current {
            self.span.record("tokenlease.source", source.as_str());
        }
    }

    /// Makes the span that of the log entries of this work.
    pub(crate) fn around<F: Future>(&self, work: F) -> Instrumented<F> {
        work.instrument(self.span.clone())
    }
}

impl EffectSpan {
    /// Awaits the effect in its span, and records its outcome.
    pub(crate) async fn around(self, work: impl Future<Output = Outcome>) -> Outcome {
        let Self(span) = self;
        let outcome = work.instrument(span.clone()).await;
        span.record("tokenlease.outcome", name(&outcome));
        if let Some(error) = failure(&outcome) {
            span.record("error.type", error.kind().as_str());
            span.record("otel.status_code", "ERROR");
            if let Some(status) = error.status() {
                span.record("http.response.status_code", status);
            }
        }
        outcome
    }
}

/// Returns the name of an outcome in snake case.
fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Loaded { stored: Some(_), .. } => "found",
        Outcome::Loaded { stored: None, .. } => "not_found",
        Outcome::Locked => "locked",
        Outcome::Busy => "busy",
        Outcome::Saved { .. } => "saved",
        Outcome::Conflict { .. } => "conflict",
        Outcome::Unlocked => "unlocked",
        Outcome::Answered(answer) => match answer {
            Answer::Token(_) => "token",
            Answer::NoToken(_) => "no_token",
            Answer::Active => "active",
            Answer::Inactive => "inactive",
            Answer::Revoked => "revoked",
            Answer::NotRevoked(_) => "not_revoked",
            Answer::Failed(_) => "failed",
        },
        Outcome::NotSent(_) => "not_sent",
        Outcome::Lost(_) => "lost",
        Outcome::Rejected(_) => "rejected",
        Outcome::Unreadable(_) => "unreadable",
        _ => "failed",
    }
}

/// Returns the error of an outcome. That there is no token to refetch is none.
fn failure(outcome: &Outcome) -> Option<&Error> {
    match outcome {
        Outcome::NotSent(error)
        | Outcome::Lost(error)
        | Outcome::Failed(error)
        | Outcome::Rejected(error)
        | Outcome::Unreadable(error)
        | Outcome::Answered(Answer::Failed(error) | Answer::NotRevoked(error)) => Some(error),
        _ => None,
    }
}

/// Returns the host and the port of a server's address.
fn address(server: &str) -> (String, Option<u16>) {
    let uri: Option<http::Uri> = server.parse().ok();
    let Some(uri) = uri else { return (String::new(), None) };
    let default = match uri.scheme_str() {
        Some("http") => Some(80),
        _ => Some(443),
    };
    (uri.host().unwrap_or_default().to_owned(), uri.port_u16().or(default))
}
