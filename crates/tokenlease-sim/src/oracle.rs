//! The oracle: checks each answer and each send of credentials against the invariants.
//!
//! It uses only what happened in the world: what was sent, what the provider did, and what was
//! delivered to which process. It does not rely on what the state machines report, so a
//! driver or a store with a bug does not mislead it.

mod answers;
mod backoff;
mod causes;
mod deliveries;
mod freezes;
mod history;
mod logins;
mod rate;
mod sends;
mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use tokenlease_core::{
    CredentialsFingerprint, TokenFingerprint, lifecycle::Served, record::HistoryCause,
};

use crate::{Fault, Password, Provider, S, World, millis};

pub(crate) use self::sends::Sent;

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When it was violated, in milliseconds.
    pub at: i64,
    /// The invariant, as it was violated.
    pub what: &'static str,
    /// The process, the password and details.
    pub detail: String,
}

/// An entry: a process, the number of its start, and a password.
type Entry = (usize, u32, Password);

/// A token that the provider returned to an entry.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    entry: Entry,
    sent: i64,
    /// When the answer arrived, if it arrived.
    delivered: Option<i64>,
    /// Whether the process had another lease then.
    unneeded: bool,
    /// Whether the process had reported the store as unavailable.
    without_store: bool,
}

/// The facts of a world, as the oracle collects them.
#[derive(Debug, Default)]
pub struct Oracle {
    /// The violations.
    pub violations: Vec<Violation>,
    /// Whether there was a fault or an external event that may cause extra logins.
    pub had_fault: bool,
    /// The time from which every caller with the right password must get a token.
    pub recovered_since: Option<i64>,
    /// When each validation was sent that the provider answered with "active", by token.
    pub validations: BTreeMap<usize, Vec<i64>>,
    /// Tokens that a process forgot.
    pub forgotten: BTreeSet<TokenFingerprint>,
    /// When a password was last unblocked.
    pub(crate) unblocks: BTreeMap<Password, i64>,
    /// Tokens that other systems obtained and a process adopted.
    pub(crate) adopted: BTreeMap<usize, i64>,
    /// When the store last lost its lock.
    pub(crate) lock_lost: Option<i64>,
    /// Tokens that an API rejected, with the last time.
    pub(crate) rejected_by_api: BTreeMap<TokenFingerprint, i64>,
    /// The token that an entry last served or adopted, and the number of the process's start.
    pub(crate) last_lease: BTreeMap<(usize, Password), (usize, u32)>,
    tombstone_since: BTreeMap<TokenFingerprint, i64>,
    /// The open circuits in the record: since when, and until when.
    open_circuits: BTreeMap<Password, (i64, i64)>,
    generation: u64,
    deliveries: BTreeMap<usize, Vec<Delivery>>,
    /// When refetches failed, by entry.
    failed_refetches: BTreeMap<(usize, Password), Vec<i64>>,
    /// When the provider last answered a refetch, by entry.
    refetched: BTreeMap<(usize, Password), i64>,
    /// When a validation last failed.
    validation_failed_at: i64,
    /// When the rejection of a password arrived, at which process and start.
    rejections: BTreeMap<Password, Vec<(i64, usize, u32)>>,
    /// Server backoffs: when one arrived, at which process, and until when it lasts.
    backoffs: Vec<(i64, usize, i64)>,
    /// When processes reported the store as unavailable.
    outages: Vec<(i64, usize)>,
    /// When processes crashed.
    pub(crate) crashes: Vec<(i64, usize)>,
    /// When processes were paused, and until when.
    pub(crate) pauses: Vec<(i64, i64, usize)>,
    /// When hosts resumed whose suspend-aware clock had stopped, and for how long.
    pub(crate) freezes: Vec<(i64, usize, i64)>,
    /// When the wall clock of a host jumped.
    pub(crate) wall_jumps: Vec<(i64, usize)>,
    /// The last request for a longer remaining lifetime, by entry: when, and how long.
    pub(crate) min_remaining_requests: BTreeMap<(usize, Password), (i64, i64)>,
    /// When the answer to a login was last dropped by a plan.
    pub(crate) answers_lost: Option<i64>,
    /// When an answer to a login was last lost or late, by password.
    lost_logins: BTreeMap<Password, i64>,
    /// The causes of the logins that issued tokens, as they were stated when they were decided.
    login_causes: BTreeMap<usize, HistoryCause>,
    /// The last login during a store outage, and the lifetime of its token.
    outage_logins: BTreeMap<Entry, (i64, i64)>,
    /// Rejected credentials that the provider received: when, and whether for a login.
    rejected_credentials: BTreeMap<Password, Vec<(i64, bool)>>,
    /// When the provider received tickets of a subject that it rejected.
    rejected_tickets: Vec<i64>,
    /// Tokens that were replaced for a longer remaining lifetime.
    replaced_early: BTreeSet<(Password, usize)>,
    /// Logins that rejections without a validation caused: the last time, and the count.
    rejection_logins: BTreeMap<Password, (i64, u32)>,
    pub(crate) revoked: BTreeSet<TokenFingerprint>,
    /// Tokens whose revocation was requested. No caller gets one while its end is not confirmed.
    pub(crate) revoking: BTreeSet<TokenFingerprint>,
    /// Tokens that a validation called inactive.
    called_inactive: BTreeSet<TokenFingerprint>,
    /// The logins of all entries.
    rate: rate::Rate,
    /// Consecutive failed calls.
    pub(crate) failures: backoff::Failures,
    /// The shortest age, in milliseconds, that a record stated from which tokens are validated.
    learned: Option<i64>,
    /// The leases in the record when it was last written.
    leases: Vec<(CredentialsFingerprint, TokenFingerprint)>,
}

impl Oracle {
    /// Returns an oracle of a world at time 0.
    pub(crate) fn new(had_fault: bool) -> Self {
        Self { had_fault, ..Self::default() }
    }

    pub(crate) fn violate(&mut self, at: i64, what: &'static str, detail: String) {
        self.violations.push(Violation { at, what, detail });
    }

    /// Returns whether a rejection of the password arrived since then.
    fn was_rejected_since(&self, password: &Password, since: i64) -> bool {
        self.rejections.get(password).is_some_and(|list| list.iter().any(|(at, ..)| *at >= since))
    }

    /// Returns the number of served tokens that the process could know to be inactive.
    pub fn known_inactive(&self) -> usize {
        self.violations
            .iter()
            .filter(|v| v.what.starts_with("served a token known to be inactive"))
            .count()
    }

    /// Returns the number of logins without a cause while a usable token was active.
    pub fn unexplained(&self) -> usize {
        self.violations.iter().filter(|v| v.what.starts_with("a login while")).count()
    }
}

impl World {
    pub(crate) fn fingerprint(&self, number: usize) -> TokenFingerprint {
        let print = || TokenFingerprint::of(&self.key, &self.provider.text(number));
        self.provider.token(number).map_or_else(print, |token| *token.print.get_or_init(print))
    }

    fn passwords(&self) -> BTreeSet<Password> {
        self.processes.iter().flat_map(|process| process.entries.keys().copied()).collect()
    }

    /// Returns whether a process or the record knows the token to be inactive.
    fn is_known_inactive(&self, print: TokenFingerprint) -> bool {
        self.processes.iter().any(|process| process.known_dead.contains(&print))
            || self.store.inspect().tombstones.iter().any(|(token, _)| *token == print)
    }

    /// Notes the content of a written record, which every process must know from now on.
    pub(crate) fn note_saved(&mut self) {
        let (now, record) = (self.now, self.store.inspect());
        let tombstones: BTreeSet<_> = record.tombstones.iter().map(|(token, _)| *token).collect();
        self.oracle.tombstone_since.retain(|token, _| tombstones.contains(token));
        for token in tombstones {
            self.oracle.tombstone_since.entry(token).or_insert(now);
        }
        for password in self.passwords() {
            let credentials_fingerprint = self.credentials_fingerprint_of(&password);
            if let Some((_, until)) =
                record.circuits.iter().find(|(other, _)| *other == credentials_fingerprint)
            {
                let circuit = self.oracle.open_circuits.entry(password).or_insert((now, until.0));
                if circuit.1 != until.0 {
                    *circuit = (now, until.0);
                }
            } else {
                self.oracle.open_circuits.remove(&password);
            }
        }
        let learned = record.learned.map(millis);
        self.oracle.learned = self.oracle.learned.into_iter().chain(learned).min();
        if record.generation < self.oracle.generation {
            self.violate("the generation decreased", format!("to {}", record.generation));
        }
        self.oracle.generation = record.generation;
        if record.leases != self.oracle.leases {
            self.oracle.failures.restart();
            self.oracle.leases.clone_from(&record.leases);
        }
    }

    /// The store lost its data.
    pub fn flush(&mut self) {
        self.mark_faulty();
        self.faults.push((self.now, self.now, Fault::Flush));
        self.store.flush();
        self.oracle.tombstone_since.clear();
        self.oracle.open_circuits.clear();
        self.oracle.failures.restart();
        self.oracle.generation = 0;
    }

    /// Returns whether the store was available and kept its data since then.
    fn store_was_reliable(&self, since: i64) -> bool {
        !self.faults.iter().any(|(from, until, fault)| {
            matches!(
                fault,
                Fault::Store
                    | Fault::StoreRejects
                    | Fault::StoreFull
                    | Fault::SlowStore
                    | Fault::Lossy
                    | Fault::Flush
                    | Fault::StoreCalls
            ) && *from < self.now
                && until.saturating_add(30 * S) > since
        })
    }

    /// Asserts that no invariant was violated.
    ///
    /// # Panics
    ///
    /// Panics with the log and the violations otherwise.
    pub fn assert_no_violation(&self) {
        let log = self.log.as_ref().map(|log| log.join("\n")).unwrap_or_default();
        assert!(self.oracle.violations.is_empty(), "{log}\n{:#?}", self.oracle.violations);
    }

    /// Returns the number of a lease's token.
    pub fn number_of(served: &Served) -> usize {
        Provider::number(served.lease.token())
    }
}
