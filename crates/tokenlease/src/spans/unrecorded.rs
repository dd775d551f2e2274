//! No spans.

use tokenlease_core::{
    lifecycle::{Effect, Lifecycle, Outcome},
    provider::{Call, Server},
};

/// The span of a flight.
#[derive(Clone)]
pub(crate) struct FlightSpan;

/// The span of an effect.
pub(crate) struct EffectSpan;

impl FlightSpan {
    pub(crate) fn of(_: &Server) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as with spans")]
    pub(crate) fn request(&self, _: &Call, _: &Lifecycle) -> EffectSpan {
        EffectSpan
    }

    #[expect(clippy::unused_self, reason = "as with spans")]
    pub(crate) fn store_call(&self, _: &Effect) -> EffectSpan {
        EffectSpan
    }

    #[expect(clippy::unused_self, reason = "as with spans")]
    pub(crate) fn end(&self, _: &Lifecycle) {}

    #[expect(clippy::unused_self, reason = "as with spans")]
    pub(crate) fn around<F>(&self, work: F) -> F {
        work
    }
}

impl EffectSpan {
    #[expect(clippy::unused_self, reason = "as with spans")]
    pub(crate) fn around<F: Future<Output = Outcome>>(self, work: F) -> F {
        work
    }
}
