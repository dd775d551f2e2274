//! Reads the discovery document of a machine's server, step by step.

use std::{fmt, sync::Arc};

use ::http::Response;
use zeroize::Zeroizing;

use super::{Action, Effect, Outcome, effect::Origin};
use crate::{
    error::{Error, ErrorKind, Result},
    identity::Identity,
    provider::oauth2::{Discovery, DiscoveryStep, Metadata},
    time::{Moment as _, Now, Timestamp},
};

pub(super) struct Discovering {
    record: Identity,
    discovery: Discovery,
    outstanding: Option<Outstanding>,
    last: u64,
}

/// An effect that was requested, and its deadline.
struct Outstanding {
    id: u64,
    kind: Kind,
    deadline: Timestamp,
}

#[derive(Clone, Copy)]
enum Kind {
    Load,
    Send,
    Save,
}

/// The result of a poll.
pub(super) enum Found {
    /// The document, `None` if the server has none, or the error.
    Ready(Result<Option<Arc<Metadata>>>),
    Do(Box<Effect>),
    Wait(Timestamp),
}

impl Discovering {
    pub(super) fn new(identity: &Identity, seed: u64) -> Self {
        Self {
            record: identity.of_server(),
            discovery: Discovery::new(identity, seed),
            outstanding: None,
            last: 0,
        }
    }

    /// Returns the next step of a discovery that is awaited until then.
    pub(super) fn poll(&mut self, now: Now, until: Timestamp) -> Found {
        let t = now.elapsed;
        if let Some(given_up) = self.outstanding.take_if(|effect| effect.deadline <= t) {
            self.failed(given_up.kind, &too_late(), t);
        }
        if let Some(outstanding) = &self.outstanding {
            return if until <= t {
                Found::Ready(Err(too_late()))
            } else {
                Found::Wait(outstanding.deadline.min(until))
            };
        }
        let step = self.discovery.poll(now);
        let limit = step.limit(until.since(t));
        let record = self.record.clone();
        let (kind, action) = match step {
            DiscoveryStep::Done(result) => return Found::Ready(result),
            DiscoveryStep::Load => (Kind::Load, Action::Load { record }),
            DiscoveryStep::Send(request) => (Kind::Send, Action::Send(request)),
            DiscoveryStep::Save { expected, record: bytes, keep } => {
                let (bytes, keep) = (Zeroizing::new(bytes), Some(keep));
                (Kind::Save, Action::Save { record, expected, bytes, keep })
            }
        };
        self.last += 1;
        let (id, deadline) = (self.last, t.plus(limit));
        self.outstanding = Some(Outstanding { id, kind, deadline });
        Found::Do(Box::new(Effect { action, origin: Origin::Discovery(id), deadline }))
    }

    /// Takes the outcome of an effect, unless it was given up.
    pub(super) fn handle(&mut self, id: u64, outcome: Outcome<'_>, t: Timestamp) {
        let Some(Outstanding { kind, .. }) = self.outstanding.take_if(|effect| effect.id == id)
        else {
            return;
        };
        match (kind, outcome) {
            (Kind::Load, Outcome::Loaded { stored, now }) => {
                self.discovery.loaded(stored, now, t);
            }
            (Kind::Send, Outcome::Answered(response)) => {
                self.discovery.answered(Ok(&response), t);
            }
            (
                kind,
                Outcome::NotSent(error)
                | Outcome::Lost(error)
                | Outcome::Unusable(error)
                | Outcome::Failed(error)
                | Outcome::Rejected(error)
                | Outcome::Unreadable(error),
            ) => self.failed(kind, &error, t),
            (kind, _) => self.failed(kind, &too_late(), t),
        }
    }

    fn failed(&mut self, kind: Kind, error: &Error, t: Timestamp) {
        match kind {
            Kind::Load => self.discovery.not_loaded(),
            Kind::Send => {
                let lost: Result<&Response<Vec<u8>>> = Err(error.clone());
                self.discovery.answered(lost, t);
            }
            // If it fails, or another process was faster, only requests are not saved.
            Kind::Save => self.discovery.saved(),
        }
    }
}

impl fmt::Debug for Discovering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Discovering({})", self.record)
    }
}

pub(super) fn too_late() -> Error {
    Error::new(ErrorKind::DeadlineExceeded, "the server's discovery document was not read in time")
        .advice("check the server address, or set the option token_path")
}
