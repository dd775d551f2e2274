//! Discovery: when a server's document is read, and when a known one is used.
//!
//! It performs nothing itself. [`Discovery::poll`] returns a step, and the caller returns its outcome.
//!
//! | known | then |
//! | --- | --- |
//! | a document that was read less than an hour ago, here or in the store | it is used |
//! | an older one | it is read again; if that fails, the older one is used |
//! | none | it is read; a failure is an error, and the next attempt waits |
//! | the server has none | known like a document: the default paths are used |

mod record;

use std::{sync::Arc, time::Duration};

use ::http::Response;

use self::record::{Failure, Record};
use super::metadata::{Discover, Metadata, WellKnown};
use crate::{
    backoff,
    error::{Error, ErrorKind, Result},
    http::Request,
    identity::Identity,
    time::{Moment as _, Now, StoreTime, Timestamp},
};

/// How long a document is used without reading it again.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How long the store keeps a document, for a time when the server can't be asked.
const KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The discovery of one server, for all its clients in a process.
#[derive(Debug)]
pub struct Discovery {
    server: String,
    random: u64,
    stage: Stage,
    known: Option<Known>,
    failed: Option<Failed>,
    /// The revision of the stored record, and the store's clock at a moment of this process's.
    store: Option<(Option<u64>, StoreTime, Timestamp)>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Idle,
    Load,
    Send(WellKnown),
    Save,
}

/// A document, or that the server has none.
#[derive(Debug)]
struct Known {
    metadata: Option<Arc<Metadata>>,
    read_at: Timestamp,
}

#[derive(Debug)]
struct Failed {
    count: u32,
    until: Timestamp,
    error: Error,
    /// The server answered, so the failure concerns other processes, too.
    is_answer: bool,
}

/// The next step of a discovery.
#[derive(Debug)]
#[must_use]
pub enum DiscoveryStep {
    /// Discovery is done: the document, or `None` if the server has none.
    Done(Result<Option<Arc<Metadata>>>),
    /// Load the record from the store, and call [`Discovery::loaded`] or [`Discovery::not_loaded`].
    Load,
    /// Send the request, and call [`Discovery::answered`].
    Send(Request),
    /// Save the record if the store has `expected`, and call [`Discovery::saved`] in any case.
    Save {
        /// The stored revision.
        expected: Option<u64>,
        /// The bytes of the record.
        record: Vec<u8>,
        /// How long the record is of use.
        keep: Duration,
    },
}

impl DiscoveryStep {
    /// Returns how long the step may take, if all steps together have `whole`: there are two requests
    /// and two calls of the store at most.
    pub fn limit(&self, whole: Duration) -> Duration {
        match self {
            Self::Done(_) => Duration::ZERO,
            Self::Send(_) => whole * 3 / 8,
            Self::Load | Self::Save { .. } => whole / 8,
        }
    }
}

impl Discovery {
    /// Makes the discovery of an identity's server. `seed` is a random number from which jitter is
    /// drawn.
    pub fn new(identity: &Identity, seed: u64) -> Self {
        Self {
            server: identity.server().to_owned(),
            random: seed,
            stage: Stage::Idle,
            known: None,
            failed: None,
            store: None,
        }
    }

    /// Returns the next step. A step whose outcome was lost is returned again.
    pub fn poll(&mut self, now: Now) -> DiscoveryStep {
        loop {
            match self.stage {
                Stage::Idle => match self.result(now) {
                    Some(result) => return DiscoveryStep::Done(result),
                    None => self.stage = Stage::Load,
                },
                Stage::Load => return DiscoveryStep::Load,
                Stage::Send(at) => {
                    return match (Discover { server: &self.server, at }).request() {
                        Ok(request) => DiscoveryStep::Send(request),
                        Err(error) => DiscoveryStep::Done(Err(error)),
                    };
                }
                Stage::Save => match self.record() {
                    Some((expected, record)) => {
                        return DiscoveryStep::Save { expected, record, keep: KEEP };
                    }
                    None => self.stage = Stage::Idle,
                },
            }
        }
    }

    /// Returns what is known, unless the server must be asked.
    fn result(&self, now: Now) -> Option<Result<Option<Arc<Metadata>>>> {
        let t = now.elapsed;
        let metadata = |known: &Known| Ok(known.metadata.clone());
        if let Some(known) = self.known.as_ref().filter(|known| known.is_fresh(t)) {
            return Some(metadata(known));
        }
        let failed = self.failed.as_ref().filter(|failed| failed.until > t)?;
        let error = || Err(failed.error.clone().with_until(now.wall_at(failed.until)));
        Some(self.known.as_ref().map_or_else(error, metadata))
    }

    /// Takes that the store could not be loaded from.
    pub fn not_loaded(&mut self) {
        self.stage = Stage::Send(WellKnown::OpenId);
        self.store = None;
    }

    /// Takes what was loaded: the record with its revision, if there is one, and the store's clock.
    pub fn loaded(&mut self, stored: Option<(u64, &[u8])>, store_now: StoreTime, t: Timestamp) {
        self.stage = Stage::Send(WellKnown::OpenId);
        self.store = Some((stored.map(|(revision, _)| revision), store_now, t));
        let Some(record) = stored.and_then(|(_, bytes)| Record::decode(bytes)) else { return };
        // A time in the future was written before the store's clock was set back.
        let here = |moment: StoreTime| t.minus(store_now.since(moment));
        if let Some(read_at) = record.read_at.map(here)
            && record.metadata.as_ref().is_none_or(|metadata| metadata.check(&self.server).is_ok())
            && self.known.as_ref().is_none_or(|known| known.read_at < read_at)
        {
            self.known = Some(Known { metadata: record.metadata.map(Arc::new), read_at });
        }
        if self.known.as_ref().is_some_and(|known| known.is_fresh(t)) {
            self.failed = None;
            self.stage = Stage::Idle;
        } else if let Some(failure) = record.failure {
            let left = failure.until.since(store_now).min(backoff::MAX_RETRY_AFTER);
            if !left.is_zero() {
                self.stage = Stage::Idle;
            }
            let (count, until, error) = (failure.count, t.plus(left), failure.error());
            self.failed = Some(Failed { count, until, error, is_answer: true });
        }
    }

    /// Takes the outcome of a request: the response, or why there is none.
    pub fn answered(&mut self, response: Result<&Response<impl AsRef<[u8]>>>, t: Timestamp) {
        let Stage::Send(at) = self.stage else { return };
        let is_answer = response.is_ok();
        let discover = Discover { server: &self.server, at };
        let read = response.map_err(|error| {
            let detail =
                format!("no discovery document at {}: {}", discover.address(), error.detail());
            Error::new(error.kind(), detail).advice(super::metadata::ADVICE).with_source(error)
        });
        match read.and_then(|response| discover.parse(response)) {
            Ok(None) if at == WellKnown::OpenId => {
                self.stage = Stage::Send(WellKnown::OAuth);
            }
            Ok(metadata) => {
                self.known = Some(Known { metadata: metadata.map(Arc::new), read_at: t });
                self.failed = None;
                self.stage = Stage::Save;
            }
            Err(error) => self.fail(error, is_answer, t),
        }
    }

    fn fail(&mut self, error: Error, is_answer: bool, t: Timestamp) {
        let count = self.failed.as_ref().map_or(0, |failed| failed.count).saturating_add(1);
        self.random = backoff::mix(self.random);
        let wait = match error.kind() {
            ErrorKind::Config | ErrorKind::InvalidResponse => backoff::entry(count),
            _ if is_answer => backoff::server(count, error.retry_after(), self.random),
            _ => backoff::attempt(count, self.random),
        };
        self.failed = Some(Failed { count, until: t.plus(wait), error, is_answer });
        self.stage = Stage::Save;
    }

    /// Takes the outcome of a save. A failed one is not repeated: the record only saves requests.
    pub fn saved(&mut self) {
        self.stage = Stage::Idle;
    }

    /// Returns the record to save, and the revision that it replaces. There is none without a store,
    /// or about a failure that may be this process's own.
    fn record(&self) -> Option<(Option<u64>, Vec<u8>)> {
        let (expected, store_now, at) = self.store?;
        if self.failed.as_ref().is_some_and(|failed| !failed.is_answer) {
            return None;
        }
        let there = |moment: Timestamp| {
            StoreTime(store_now.0.saturating_add(moment.0.saturating_sub(at.0)))
        };
        let record = Record {
            read_at: self.known.as_ref().map(|known| there(known.read_at)),
            metadata: self.known.as_ref().and_then(|known| known.metadata.as_deref().cloned()),
            failure: self
                .failed
                .as_ref()
                .map(|failed| Failure::new(&failed.error, failed.count, there(failed.until))),
        };
        Some((expected, record.encode()))
    }
}

impl Known {
    fn is_fresh(&self, t: Timestamp) -> bool {
        t.since(self.read_at) < FRESH
    }
}

#[cfg(test)]
mod tests;
