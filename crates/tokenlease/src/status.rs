//! The status of one set of credentials: the token without its text, and what stops calls. The JSON
//! document of it is made here for all languages and for the program.

use std::time::Duration;

use serde_json::{Value, json};
use tokenlease_core::{
    BootId, CredentialsFingerprint, Error, Now, Result, StoreTime, Timestamp, TokenFingerprint,
    WallTime,
    lease::{Expiry, ExpiryBasis, Lease, Source},
    lifecycle::Lifecycle,
    record::{BlockSummary, EntrySummary, LeaseSummary, OwnEntries, ServerBackoffSummary, Summary},
    time::Moment,
};

use crate::{
    client::Client,
    clock::{Clock as _, SystemClock},
    counts::Count,
    store::Store as _,
};

/// The times of the store's clock and the wall clock at one moment.
#[derive(Clone, Copy, Debug)]
pub struct StoreClock {
    /// The time of the store.
    pub store: StoreTime,
    /// The time of the wall clock at the same moment.
    pub wall: WallTime,
}

impl StoreClock {
    /// Reads the wall clock, at a time of the store's.
    pub fn at(store: StoreTime) -> Self {
        Self { store, wall: SystemClock.now().wall }
    }

    /// Returns by how many milliseconds this host's clocks have parted since the token was confirmed, if
    /// it is served only after a validation for that. Positive: the wall clock went ahead.
    pub fn parted(self, lease: &LeaseSummary) -> Option<i64> {
        let boot = SystemClock.boot().map(BootId::of)?;
        lease.clocks_parted(boot, self.store, self.wall)
    }

    /// Converts the store's time to the wall clock's.
    pub fn wall(self, at: StoreTime) -> WallTime {
        WallTime(self.wall.0.saturating_add(at.0.saturating_sub(self.store.0)))
    }
}

/// The status of a client's token, and what stops the client from getting another one. It contains no
/// token and no credentials.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// The identity, for people.
    pub identity: String,
    /// The token that this process uses, or else that of the store.
    pub lease: Option<LeaseStatus>,
    /// Where this process got the token. `None`: it did not use it yet.
    pub source: Option<Source>,
    /// How many tokens the identity has had.
    pub generation: u64,
    /// The server rejected the credentials.
    pub circuit: Option<BlockStatus>,
    /// The server's answers to the credentials could not be used.
    pub backoff: Option<BlockStatus>,
    /// The server throttles or fails.
    pub server_backoff: Option<ServerBackoffStatus>,
    /// Why the store could not be read. Then only this process' token is known.
    pub store_error: Option<Error>,
    /// How often the client did something since it was made, by cause and result.
    pub counts: Vec<Count>,
    own: Option<OwnEntries>,
}

/// A token without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseStatus {
    /// The fingerprint that names the token in logs.
    pub fingerprint: TokenFingerprint,
    /// Whether it can be served: it has not expired, and is not known to be inactive.
    pub is_live: bool,
    /// The number of tokens of the identity up to and including this one; 0 if no store has counted it.
    pub generation: u64,
    /// When the request for the token was sent.
    pub sent_at: WallTime,
    /// The time since then.
    pub age: Duration,
    /// How the expiry is known.
    pub expiry: ExpiryBasis,
    /// When the token expires, as far as it is known. Of an assumed or learned expiry it is the time from
    /// which the client validates the token before each use.
    pub expires_at: Option<WallTime>,
    /// The time until then; zero if the token is not live.
    pub remaining: Option<Duration>,
    /// When the last validation was sent that found the token active.
    pub validated_at: Option<WallTime>,
    /// By how many milliseconds this host's clocks have parted since the token was confirmed, if it is
    /// served only after a validation for that. Positive: the wall clock went ahead.
    pub clocks_parted: Option<i64>,
}

/// A circuit or a backoff: the credentials are not sent until then.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BlockStatus {
    /// When it ends.
    pub until: WallTime,
    /// The number of rejections or failures in a row.
    pub count: u32,
    /// The server's answer that caused it. `None`: the record no longer has it.
    pub cause: Option<Error>,
}

/// The backoff of a server that was overloaded or failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerBackoffStatus {
    /// When it ends.
    pub until: WallTime,
    /// Why nothing is sent.
    pub reason: &'static str,
    /// The server's answer that caused it. `None`: the record no longer has it.
    pub cause: Option<Error>,
}

impl LeaseStatus {
    /// Returns the status of a record's lease.
    pub fn of_summary(lease: &LeaseSummary, clock: StoreClock) -> Self {
        Self {
            fingerprint: lease.fingerprint,
            is_live: lease.is_live,
            generation: lease.generation,
            sent_at: clock.wall(lease.sent_at),
            age: clock.store.since(lease.sent_at),
            expiry: lease.expiry.basis(),
            expires_at: lease.expiry.expires_at(lease.sent_at).map(|at| clock.wall(at)),
            remaining: lease.left,
            validated_at: lease.validated_at.map(|at| clock.wall(at)),
            clocks_parted: clock.parted(lease),
        }
    }

    pub(crate) fn of(lease: &Lease<Timestamp>, now: Now) -> Self {
        let (t, expiry) = (now.elapsed, lease.expiry());
        let expires_at = expiry.expires_at(lease.sent_at());
        let is_live = !matches!(expiry, Expiry::ExpiredOnArrival { .. })
            && lease.end().is_none_or(|end| t < end);
        Self {
            fingerprint: lease.fingerprint(),
            is_live,
            generation: lease.generation(),
            sent_at: now.wall_at(lease.sent_at()),
            age: t.since(lease.sent_at()),
            expiry: expiry.basis(),
            expires_at: expires_at.map(|at| now.wall_at(at)),
            remaining: if is_live {
                expires_at.map(|at| at.since(t))
            } else {
                Some(Duration::ZERO)
            },
            validated_at: lease.validated_at().map(|at| now.wall_at(at)),
            clocks_parted: None,
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "fingerprint": self.fingerprint.to_string(),
            "live": self.is_live,
            "generation": self.generation,
            "sent_at": self.sent_at.to_string(),
            "age_s": self.age.as_secs(),
            "expiry": self.expiry.as_str(),
            "expires_at": self.expires_at.map(|at| at.to_string()),
            "remaining_s": self.remaining.map(|left| left.as_secs()),
            "validated_at": self.validated_at.map(|at| at.to_string()),
            "clocks_parted_s": self.clocks_parted.map(|by| by / 1000),
        })
    }
}

impl BlockStatus {
    fn of(block: &BlockSummary, clock: StoreClock) -> Self {
        Self { until: clock.wall(block.until), count: block.count, cause: block.cause.clone() }
    }

    fn json(&self) -> Value {
        let cause = self.cause.as_ref().map(cause);
        json!({ "until": self.until.to_string(), "count": self.count, "cause": cause })
    }
}

impl ServerBackoffStatus {
    fn of(backoff: &ServerBackoffSummary, clock: StoreClock) -> Self {
        let (until, cause) = (clock.wall(backoff.until), backoff.cause.clone());
        Self { until, reason: backoff.reason, cause }
    }

    fn json(&self) -> Value {
        let cause = self.cause.as_ref().map(cause);
        json!({ "until": self.until.to_string(), "reason": self.reason, "cause": cause })
    }
}

/// Returns an error as the cause of something.
fn cause(error: &Error) -> Value {
    json!({
        "kind": error.kind().as_str(),
        "message": error.to_string(),
        "status": error.status(),
        "code": error.code(),
    })
}

/// Returns the first six hexadecimal digits of a credentials fingerprint, a keyed hash.
pub fn credentials_name(fingerprint: CredentialsFingerprint) -> String {
    fingerprint.as_bytes().iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the JSON object of a server's backoff in a record.
pub fn server_backoff_json(backoff: &ServerBackoffSummary, clock: StoreClock) -> Value {
    ServerBackoffStatus::of(backoff, clock).json()
}

/// Returns the JSON object of one entry of a record: credentials, lease, circuit and backoff.
pub fn entry_json(entry: &EntrySummary, clock: StoreClock) -> Value {
    let lease = entry.lease.as_ref().map(|lease| LeaseStatus::of_summary(lease, clock));
    let block =
        |block: &Option<BlockSummary>| block.as_ref().map(|block| BlockStatus::of(block, clock));
    object(Some(entry.credentials), lease, block(&entry.circuit), block(&entry.backoff))
}

fn object(
    credentials: Option<CredentialsFingerprint>,
    lease: Option<LeaseStatus>,
    circuit: Option<BlockStatus>,
    backoff: Option<BlockStatus>,
) -> Value {
    json!({
        "credentials": credentials.map(credentials_name),
        "lease": lease.map(|lease| lease.json()),
        "circuit": circuit.map(|circuit| circuit.json()),
        "backoff": backoff.map(|backoff| backoff.json()),
    })
}

impl Status {
    /// Returns the status as JSON: the object of the program's `status` for one entry, with `identity`,
    /// `source`, `generation`, `server_backoff` and `store_error`. Its fields are described in
    /// `docs/json.md`.
    pub fn to_json(&self) -> String {
        let (circuit, backoff) = (self.circuit.clone(), self.backoff.clone());
        let own = self.own.map(|own| own.holder());
        let mut json = object(own, self.lease, circuit, backoff);
        if let Value::Object(fields) = &mut json {
            let server_backoff = self.server_backoff.as_ref().map(ServerBackoffStatus::json);
            fields.insert("identity".into(), self.identity.as_str().into());
            fields.insert("source".into(), self.source.map(Source::as_str).into());
            fields.insert("generation".into(), self.generation.into());
            fields.insert("server_backoff".into(), server_backoff.into());
            fields.insert("counts".into(), Count::list_json(&self.counts));
            fields.insert("store_error".into(), self.store_error.as_ref().map(cause).into());
        }
        json.to_string()
    }

    fn read(&mut self, summary: &Summary, clock: StoreClock) {
        self.generation = summary.generation;
        let backoff = summary.server_backoff.as_ref();
        self.server_backoff = backoff.map(|backoff| ServerBackoffStatus::of(backoff, clock));
        let own = self.own;
        let is_own = |entry: &&EntrySummary| own.is_some_and(|own| own.contains(entry.credentials));
        // With a subject, its lease and the circuit of its credentials are two entries.
        for entry in summary.entries.iter().filter(is_own) {
            let block = |block: &Option<BlockSummary>| {
                block.as_ref().map(|block| BlockStatus::of(block, clock))
            };
            let lease = entry.lease.as_ref().map(|lease| LeaseStatus::of_summary(lease, clock));
            self.lease = lease.or(self.lease);
            self.circuit = block(&entry.circuit).or_else(|| self.circuit.take());
            self.backoff = block(&entry.backoff).or_else(|| self.backoff.take());
        }
    }
}

impl Client {
    /// Returns the status of the client's token: when it expires and how that is known, its age, source
    /// and generation, and the backoffs. Reads the store, and sends no request to the provider.
    ///
    /// ```
    /// use tokenlease::core::lease::{ExpiryBasis, Source};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// client.token().await?;
    /// let status = client.status().await?;
    /// let lease = status.lease.expect("a token");
    /// assert_eq!((lease.expiry, lease.generation), (ExpiryBasis::Assumed, 1));
    /// assert_eq!(status.source, Some(Source::Login));
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `DeadlineExceeded` if the store does not answer within the client's limit, `Forked` in any process
    /// but the one that made the client, and `Internal`. If the store fails, the status of this process'
    /// token is returned with [`store_error`](Status::store_error).
    pub async fn status(&self) -> Result<Status> {
        let state = &self.0;
        state.check_process()?;
        let entry = state.current();
        let mut status = Status {
            identity: state.server.identity().to_string(),
            lease: None,
            source: None,
            generation: 0,
            circuit: None,
            backoff: None,
            server_backoff: None,
            store_error: None,
            counts: Vec::new(),
            own: entry.as_ref().map(|entry| {
                let sent = entry.peek(Lifecycle::credentials_fingerprint);
                OwnEntries::of(entry.holder(), sent)
            }),
        };
        let deadline = state.elapsed().plus(state.wait);
        state.cache.counters.store_called();
        let name = state.record_name();
        let loaded = state.in_time(deadline, state.registry.store().load(&name)).await?;
        let read = loaded.map_err(Error::from).and_then(|loaded| {
            let clock = StoreClock { store: loaded.now, wall: state.now().wall };
            Ok((loaded.decode()?.summary(loaded.now), clock))
        });
        match read {
            Ok((summary, clock)) => status.read(&summary, clock),
            Err(error) => status.store_error = Some(error),
        }
        let now = state.now();
        let current = entry.and_then(|entry| {
            entry.peek(|machine| {
                machine.current().map(|(lease, source)| (LeaseStatus::of(lease, now), source))
            })
        });
        if let Some((lease, source)) = current {
            // The record knows more of the same token, such as that another process revoked it.
            let is_other = |stored: LeaseStatus| stored.fingerprint != lease.fingerprint;
            if status.lease.is_none_or(is_other) {
                status.lease = Some(lease);
            }
            status.source = Some(source);
        }
        status.counts = state.counts();
        Ok(status)
    }
}
