//! What a record tells people and monitors: whether a lease stands, until when, and what stops the
//! credentials. No token and no secret is in it.

use std::time::Duration;

use super::{Block, Record};
use crate::{
    credentials::CredentialsFingerprint,
    lease::{Expiry, Lease},
    time::{Moment as _, StoreTime},
    token::TokenFingerprint,
};

/// A record without its tokens, at a moment of the store's time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many tokens the identity has had.
    pub generation: u64,
    /// What is known of each credentials fingerprint, in the order of the credentials fingerprints.
    pub entries: Vec<EntrySummary>,
    /// Until when nothing is sent for the identity, and why.
    pub hold: Option<(StoreTime, &'static str)>,
}

/// What a record knows of one credentials fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntrySummary {
    /// Whose entry it is.
    pub credentials: CredentialsFingerprint,
    /// Its lease, be it over.
    pub lease: Option<LeaseSummary>,
    /// The circuit that the provider's rejection of the credentials opened. It stands until they are
    /// accepted or reset: from its end on, they are tried once more.
    pub circuit: Option<BlockSummary>,
    /// The pause after an answer to the credentials that nothing could be made of.
    pub hold: Option<BlockSummary>,
}

/// A lease without its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseSummary {
    /// The token's name in logs.
    pub fingerprint: TokenFingerprint,
    /// How many tokens the identity had had, this one included.
    pub generation: u64,
    /// When the request was sent that brought the token.
    pub sent_at: StoreTime,
    /// When it ends, and how that is known.
    pub expiry: Expiry<StoreTime>,
    /// When the last question was sent that the provider answered with yes.
    pub validated_at: Option<StoreTime>,
    /// Whether siblings would use it: it is not over, and nobody found it dead.
    pub is_live: bool,
    /// The life that is left for certain: to the stated end, or to the age from which the provider
    /// is asked. `None` if nobody knows its end.
    pub left: Option<Duration>,
}

/// A pause: nothing is sent until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockSummary {
    /// When it ends.
    pub until: StoreTime,
    /// How often in a row there was cause for it.
    pub count: u32,
}

impl EntrySummary {
    /// Until when the credentials are not sent because the provider rejected them, if it did. It may
    /// be over: then they are sent once more when a token is next asked for.
    pub fn open_until(&self) -> Option<StoreTime> {
        self.circuit.map(|circuit| circuit.until)
    }

    fn of(credentials: CredentialsFingerprint) -> Self {
        Self { credentials, lease: None, circuit: None, hold: None }
    }
}

impl Record {
    /// What the record holds, without its tokens.
    pub fn summary(&self, now: StoreTime) -> Summary {
        let state = &self.0;
        let mut entries: Vec<EntrySummary> = Vec::new();
        for entry in &state.leases {
            of(&mut entries, entry.credentials).lease = Some(self.lease_summary(&entry.lease, now));
        }
        for circuit in &state.circuits {
            of(&mut entries, circuit.credentials).circuit = Some(pause(circuit));
        }
        for hold in state.entry_backoffs.iter().filter(|hold| hold.until > now) {
            of(&mut entries, hold.credentials).hold = Some(pause(hold));
        }
        entries.sort_by_key(|entry| entry.credentials);
        let hold = state.hold.filter(|hold| hold.until > now);
        Summary {
            generation: state.generation,
            entries,
            hold: hold.map(|hold| (hold.until, hold.reason.words())),
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
        }
    }
}

/// The entry of a credentials fingerprint, made if there is none yet.
fn of(entries: &mut Vec<EntrySummary>, credentials: CredentialsFingerprint) -> &mut EntrySummary {
    let at =
        entries.iter().position(|entry| entry.credentials == credentials).unwrap_or(entries.len());
    if at == entries.len() {
        entries.push(EntrySummary::of(credentials));
    }
    #[expect(clippy::indexing_slicing, reason = "the index was found or just pushed")]
    &mut entries[at]
}

fn pause(pause: &Block<StoreTime>) -> BlockSummary {
    BlockSummary { until: pause.until, count: pause.count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        key::Key,
        lease::First,
        record::{
            BackoffReason, ServerBackoff, Tombstone, TombstoneCause,
            change::{Gained, RecordChange},
        },
        token::{Token, TokenKind},
    };

    const HOUR: i64 = 3_600_000;

    fn token(n: u8) -> Token {
        Token::new(TokenKind::Bearer, format!("canary-{n}").as_str())
    }

    fn print(n: u8) -> TokenFingerprint {
        TokenFingerprint::of(&Key::new([0; 32]), &token(n))
    }

    fn credentials(n: u8) -> CredentialsFingerprint {
        CredentialsFingerprint::from_bytes([n; 32])
    }

    fn leased(n: u8, expiry: Expiry<StoreTime>) -> RecordChange<StoreTime> {
        let first = First { generation: 0, sent_at: StoreTime(0), expiry };
        let lease = Lease { token: token(n), fingerprint: print(n), first, validated_at: None };
        RecordChange::Leased {
            credentials: credentials(n),
            lease,
            replacing: None,
            how: Gained::Login,
        }
    }

    fn record(news: &[RecordChange<StoreTime>]) -> Record {
        let mut record = Record::default();
        for news in news {
            record.0.merge(news, StoreTime(0));
        }
        record
    }

    fn lease(summary: &Summary, n: u8) -> LeaseSummary {
        let entry =
            summary.entries.iter().find(|entry| entry.credentials == credentials(n)).unwrap();
        entry.lease.unwrap()
    }

    #[test]
    fn what_is_left_of_a_lease_is_what_is_known_for_certain() {
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
        // Past its probe age a token may live, but nobody knows for how long.
        let late = lease(&record.summary(StoreTime(13 * HOUR)), 2);
        assert_eq!((late.is_live, late.left), (true, Some(Duration::ZERO)));
        let over = lease(&record.summary(StoreTime(24 * HOUR)), 3);
        assert_eq!((over.is_live, over.left), (false, Some(Duration::ZERO)));
    }

    #[test]
    fn a_dead_lease_is_not_live_and_a_rejected_proof_has_none() {
        let stated = Expiry::Stated { end: StoreTime(2 * HOUR) };
        let tombstone = Tombstone { cause: TombstoneCause::Inactive, at: StoreTime(1) };
        let record = record(&[
            leased(1, stated),
            RecordChange::Died { credentials: credentials(1), fingerprint: print(1), tombstone },
            leased(2, stated),
            RecordChange::Rejected {
                credentials: credentials(2),
                until: StoreTime(2 * HOUR),
                count: 2,
            },
            RecordChange::EntryBackedOff {
                credentials: credentials(3),
                until: StoreTime(HOUR),
                count: 1,
            },
            RecordChange::BackedOff(ServerBackoff {
                until: StoreTime(HOUR),
                count: 1,
                reason: BackoffReason::Throttled,
            }),
        ]);
        let summary = record.summary(StoreTime(10));
        assert!(!lease(&summary, 1).is_live);
        let [_, rejected, held] = &summary.entries[..] else { panic!("{summary:?}") };
        assert_eq!(rejected.lease, None);
        assert_eq!(rejected.circuit, Some(BlockSummary { until: StoreTime(2 * HOUR), count: 2 }));
        assert_eq!(held.hold, Some(BlockSummary { until: StoreTime(HOUR), count: 1 }));
        assert_eq!(summary.hold, Some((StoreTime(HOUR), "the provider throttles")));
        assert!(!format!("{summary:?}").contains("canary"));
        // Pauses end, a circuit stands until the credentials are accepted or reset.
        let later = record.summary(StoreTime(HOUR));
        assert_eq!(later.hold, None);
        assert!(later.entries.iter().any(|entry| entry.circuit.is_some()));
        assert!(later.entries.iter().all(|entry| entry.hold.is_none()));
    }
}
