//! A summary of a record for people and monitors: its leases, and what stops calls.
//!
//! It contains no token and no secret.

use std::time::Duration;

use super::{Block, Record, cause::Cause};
use crate::{
    credentials::CredentialsFingerprint,
    error::Error,
    host_clocks::{BootId, LeaseClocks, MAX_PARTED},
    lease::{Expiry, Lease},
    time::{Moment as _, StoreTime, WallTime},
    token::TokenFingerprint,
};

/// A summary of a record at a moment of the store's time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// The number of tokens that the identity has had.
    pub generation: u64,
    /// The entries, in the order of their credentials fingerprints.
    pub entries: Vec<EntrySummary>,
    /// The server's backoff: nothing is sent for the identity until then.
    pub server_backoff: Option<ServerBackoffSummary>,
}

/// A summary of one set of credentials.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EntrySummary {
    /// The fingerprint of the credentials.
    pub credentials: CredentialsFingerprint,
    /// The lease, even if it has expired.
    pub lease: Option<LeaseSummary>,
    /// The circuit that opened when the server rejected the credentials. It remains until they are
    /// accepted or `unblock` is called. After its end they are sent once more. Of the circuits of several
    /// sets of options it is the one that ends last.
    pub circuit: Option<BlockSummary>,
    /// The backoff after an unusable response to the credentials.
    pub backoff: Option<BlockSummary>,
}

/// A lease without its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseSummary {
    /// The fingerprint that names the token in logs.
    pub fingerprint: TokenFingerprint,
    /// The number of tokens of the identity up to and including this one.
    pub generation: u64,
    /// When the request for the token was sent.
    pub sent_at: StoreTime,
    /// When the token expires, and how that is known.
    pub expiry: Expiry<StoreTime>,
    /// When the last validation was sent that found the token active.
    pub validated_at: Option<StoreTime>,
    /// Whether processes may serve it: it has not expired, and has no tombstone.
    pub is_live: bool,
    /// The remaining lifetime that is certain: to the stated end, or to the age from which the token
    /// is validated. `None` if the end is not known.
    pub left: Option<Duration>,
    clocks: Option<LeaseClocks>,
}

/// A circuit or a backoff: the credentials are not sent until then.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BlockSummary {
    /// When it ends.
    pub until: StoreTime,
    /// The number of rejections or failures in a row.
    pub count: u32,
    /// The server's answer that caused it. `None`: the record no longer has it.
    pub cause: Option<Error>,
}

/// The backoff of a server that was overloaded or failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerBackoffSummary {
    /// When it ends.
    pub until: StoreTime,
    /// Why nothing is sent.
    pub reason: &'static str,
    /// The server's answer that caused it. `None`: the record no longer has it.
    pub cause: Option<Error>,
}

impl EntrySummary {
    /// Returns until when the credentials are not sent because the server rejected them.
    ///
    /// The time may have passed: then the next request for a token sends them once more.
    pub fn open_until(&self) -> Option<StoreTime> {
        self.circuit.as_ref().map(|circuit| circuit.until)
    }

    fn empty(credentials: CredentialsFingerprint) -> Self {
        Self { credentials, lease: None, circuit: None, backoff: None }
    }
}

impl LeaseSummary {
    /// Returns by how many milliseconds the wall clock of this host has advanced more than the store's
    /// clock since the server last confirmed the token. Below zero: the wall clock was set back. `now` and
    /// `wall` are the times of both clocks at one moment.
    ///
    /// `None` if it is no more than two minutes, if a host with another boot id (or an earlier start of
    /// this one) confirmed the token, or if the token is not live. Otherwise a process of this host
    /// validates the token before it is served, where the server can validate tokens.
    pub fn clocks_parted(&self, boot: BootId, now: StoreTime, wall: WallTime) -> Option<i64> {
        let clocks = self.clocks.filter(|clocks| clocks.boot == boot && self.is_live)?;
        let confirmed_at = self.validated_at.unwrap_or(self.sent_at);
        let by_wall = wall.0.saturating_sub(clocks.confirmed.0);
        let by = by_wall.saturating_sub(now.0.saturating_sub(confirmed_at.0));
        (Duration::from_millis(by.unsigned_abs()) > MAX_PARTED).then_some(by)
    }
}

impl Record {
    /// Returns a summary without the tokens. `now` is the store's time.
    pub fn summary(&self, now: StoreTime) -> Summary {
        let state = &self.0;
        let mut entries: Vec<EntrySummary> = Vec::new();
        for entry in &state.leases {
            entry_of(&mut entries, entry.credentials).lease =
                Some(self.lease_summary(&entry.lease, now));
        }
        for circuit in &state.circuits {
            let entry = entry_of(&mut entries, circuit.credentials);
            self.keep_longest(&mut entry.circuit, circuit);
        }
        for backoff in state.entry_backoffs.iter().filter(|backoff| backoff.until > now) {
            let entry = entry_of(&mut entries, backoff.credentials);
            self.keep_longest(&mut entry.backoff, backoff);
        }
        entries.sort_by_key(|entry| entry.credentials);
        let server_backoff = state.server_backoff.filter(|backoff| backoff.until > now);
        Summary {
            generation: state.generation,
            entries,
            server_backoff: server_backoff.map(|backoff| ServerBackoffSummary {
                until: backoff.until,
                reason: backoff.reason.description(),
                cause: state.cause(backoff.cause).map(Cause::error),
            }),
        }
    }

    fn keep_longest(&self, kept: &mut Option<BlockSummary>, block: &Block<StoreTime>) {
        if kept.as_ref().is_none_or(|kept| kept.until < block.until) {
            let cause = self.0.cause(block.cause).map(Cause::error);
            *kept = Some(BlockSummary { until: block.until, count: block.count, cause });
        }
    }

    fn lease_summary(&self, lease: &Lease<StoreTime>, now: StoreTime) -> LeaseSummary {
        let is_live = self.0.is_live(lease, now);
        let left = match lease.expiry() {
            Expiry::Stated { end } | Expiry::Capped { end } => Some(end.since(now)),
            Expiry::Assumed { validate_from_age, .. } => {
                Some(lease.sent_at().plus(validate_from_age).since(now))
            }
            Expiry::ExpiredOnArrival { .. } => Some(Duration::ZERO),
            Expiry::Unknown | Expiry::Unstated => None,
        };
        LeaseSummary {
            fingerprint: lease.fingerprint(),
            generation: lease.generation(),
            sent_at: lease.sent_at(),
            expiry: lease.expiry(),
            validated_at: lease.validated_at,
            is_live,
            left: if is_live { left } else { Some(Duration::ZERO) },
            clocks: lease.clocks,
        }
    }
}

/// Returns the entry of the credentials, and adds it if there is none.
fn entry_of(
    entries: &mut Vec<EntrySummary>,
    credentials: CredentialsFingerprint,
) -> &mut EntrySummary {
    let at =
        entries.iter().position(|entry| entry.credentials == credentials).unwrap_or(entries.len());
    if at == entries.len() {
        entries.push(EntrySummary::empty(credentials));
    }
    #[expect(clippy::indexing_slicing, reason = "the index was found or just pushed")]
    &mut entries[at]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::ErrorKind,
        key::Key,
        lease::FirstSeen,
        record::{
            BackoffReason, Tombstone, TombstoneCause,
            change::{Origin, RecordChange},
        },
        token::{Token, TokenKind},
    };

    const HOUR: i64 = 3_600_000;

    fn token(n: u8) -> Token {
        Token::new(TokenKind::Bearer, format!("canary-{n}").as_str())
    }

    fn fingerprint(n: u8) -> TokenFingerprint {
        TokenFingerprint::of(&Key::new([0; 32]), &token(n))
    }

    fn credentials(n: u8) -> CredentialsFingerprint {
        CredentialsFingerprint::from_bytes([n; 32])
    }

    fn leased(n: u8, expiry: Expiry<StoreTime>) -> RecordChange<StoreTime> {
        let first = FirstSeen { generation: 0, sent_at: StoreTime(0), expiry };
        let lease = Lease {
            token: token(n),
            fingerprint: fingerprint(n),
            first,
            validated_at: None,
            clocks: None,
        };
        RecordChange::Leased {
            credentials: credentials(n),
            options: None,
            lease,
            replacing: None,
            origin: Origin::Login,
        }
    }

    fn record(changes: &[RecordChange<StoreTime>]) -> Record {
        let mut record = Record::default();
        for change in changes {
            record.0.merge(change, StoreTime(0));
        }
        record
    }

    fn lease(summary: &Summary, n: u8) -> LeaseSummary {
        let entry =
            summary.entries.iter().find(|entry| entry.credentials == credentials(n)).unwrap();
        entry.lease.unwrap()
    }

    #[test]
    fn the_remaining_lifetime_of_a_lease_is_the_part_that_is_certain() {
        let stated = Expiry::Stated { end: StoreTime(2 * HOUR) };
        let assumed =
            Expiry::Assumed { validate_from_age: Duration::from_secs(12 * 3600), learned: false };
        let record = record(&[leased(1, stated), leased(2, assumed), leased(3, Expiry::Unknown)]);
        let summary = record.summary(StoreTime(HOUR));
        let left = [1, 2, 3].map(|n| {
            assert!(lease(&summary, n).is_live);
            lease(&summary, n).left.map(|left| left.as_secs())
        });
        assert_eq!(left, [Some(3600), Some(11 * 3600), None]);
        // Past `validate_from_age` a token may be active, but its remaining lifetime is not known.
        let late = lease(&record.summary(StoreTime(13 * HOUR)), 2);
        assert_eq!((late.is_live, late.left), (true, Some(Duration::ZERO)));
        let expired = lease(&record.summary(StoreTime(24 * HOUR)), 3);
        assert_eq!((expired.is_live, expired.left), (false, Some(Duration::ZERO)));
    }

    /// Rule: Clocks: a summary says by how much a host's clocks have parted since a live token was
    /// confirmed, if it is more than two minutes.
    #[test]
    fn a_summary_says_by_how_much_the_clocks_have_parted() {
        let minutes = |n: i64| n * 60_000;
        let mut change = leased(1, Expiry::Stated { end: StoreTime(2 * HOUR) });
        if let RecordChange::Leased { lease, .. } = &mut change {
            let [issued, confirmed] = [WallTime(5 * HOUR), WallTime(5 * HOUR + minutes(10))];
            lease.validated_at = Some(StoreTime(minutes(10)));
            lease.clocks = Some(LeaseClocks { boot: BootId(7), issued, confirmed, doubt: None });
        }
        let record = record(&[change]);
        let parted = |boot, now, wall| {
            let now = StoreTime(now);
            lease(&record.summary(now), 1).clocks_parted(BootId(boot), now, WallTime(wall))
        };
        for (now, ahead, expected) in [
            (HOUR, 0, None),
            (HOUR, minutes(2), None),
            (HOUR, minutes(3), Some(minutes(3))),
            (HOUR, minutes(-3), Some(minutes(-3))),
            // Not live.
            (3 * HOUR, minutes(3), None),
        ] {
            assert_eq!(parted(7, now, 5 * HOUR + now + ahead), expected, "{now} {ahead}");
        }
        assert_eq!(parted(8, HOUR, 9 * HOUR), None);
    }

    /// Rule: Circuit: with several sets of options, a summary has the circuit that ends last.
    #[test]
    fn a_summary_has_the_circuit_that_ends_last() {
        let rejected = |options, until, count| RecordChange::Rejected {
            credentials: credentials(1),
            options: Some(crate::provider::OptionsFingerprint::from_bytes([options; 8])),
            until: StoreTime(until),
            count,
            cause: None,
        };
        let record =
            record(&[rejected(1, HOUR, 1), rejected(2, 3 * HOUR, 2), rejected(3, HOUR, 3)]);
        let [entry] = &record.summary(StoreTime(1)).entries[..] else { panic!() };
        assert_eq!(entry.circuit.as_ref().map(|circuit| circuit.count), Some(2));
    }

    #[test]
    fn a_lease_with_a_tombstone_is_not_live_and_rejected_credentials_have_no_lease() {
        let stated = Expiry::Stated { end: StoreTime(2 * HOUR) };
        let tombstone = Tombstone { cause: TombstoneCause::Inactive, at: StoreTime(1) };
        let record = record(&[
            leased(1, stated),
            RecordChange::Ended {
                credentials: credentials(1),
                fingerprint: fingerprint(1),
                tombstone,
            },
            leased(2, stated),
            RecordChange::Rejected {
                credentials: credentials(2),
                options: None,
                until: StoreTime(2 * HOUR),
                count: 2,
                cause: Some(Cause::of(&Error::new(ErrorKind::CredentialsRejected, "wrong"))),
            },
            RecordChange::EntryBackedOff {
                credentials: credentials(3),
                options: None,
                until: StoreTime(HOUR),
                count: 1,
                cause: None,
            },
            RecordChange::BackedOff {
                until: StoreTime(HOUR),
                count: 1,
                reason: BackoffReason::Throttled,
                cause: None,
            },
        ]);
        let summary = record.summary(StoreTime(10));
        assert!(!lease(&summary, 1).is_live);
        let [_, rejected, backed_off] = &summary.entries[..] else { panic!("{summary:?}") };
        assert_eq!(rejected.lease, None);
        let circuit = rejected.circuit.as_ref().unwrap();
        assert_eq!((circuit.until, circuit.count), (StoreTime(2 * HOUR), 2));
        assert_eq!(circuit.cause.as_ref().map(Error::detail), Some("wrong"));
        let backoff = backed_off.backoff.as_ref().unwrap();
        assert_eq!((backoff.until, backoff.count), (StoreTime(HOUR), 1));
        let server = summary.server_backoff.as_ref().unwrap();
        assert_eq!((server.until, server.reason), (StoreTime(HOUR), "the server throttles"));
        assert!(!format!("{summary:?}").contains("canary"));
        // Backoffs end, but a circuit remains until the credentials are accepted or unblocked.
        let later = record.summary(StoreTime(HOUR));
        assert!(later.server_backoff.is_none());
        assert!(later.entries.iter().any(|entry| entry.circuit.is_some()));
        assert!(later.entries.iter().all(|entry| entry.backoff.is_none()));
    }
}
