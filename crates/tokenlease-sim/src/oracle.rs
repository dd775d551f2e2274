//! Who knows the truth: judges each answer and each send of credentials.
//!
//! It goes by what happened in the world, not by what the machines believe: what was sent, what the
//! provider did, what was delivered to whom. So a driver or a store that lies deceives nobody.

mod answers;
mod damping;
mod logins;
mod sends;

use std::collections::{BTreeMap, BTreeSet};

use tokenlease_core::{CredentialsFingerprint, TokenFingerprint, lifecycle::Served};

use crate::{Fault, Password, Provider, S, World};

pub(crate) use self::sends::Sent;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: i64,
    /// Which.
    pub what: &'static str,
    /// Of whom, and how.
    pub detail: String,
}

/// A process of one start, with one password.
type Entry = (usize, u32, Password);

/// The provider gave a token to someone.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    entry: Entry,
    sent: i64,
    /// When the answer arrived, if it did.
    delivered: Option<i64>,
    /// The process had another lease then, and needed none.
    beside: bool,
    /// The process had lost the store.
    alone: bool,
}

/// What the truth is.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Promises that were broken.
    pub violations: Vec<Violation>,
    /// Something happened that may cost a login.
    pub touched: bool,
    /// From then on all is well again, and callers with the right password have a lease.
    pub quiet_since: Option<i64>,
    /// When questions were sent that the provider answered with yes, by token.
    pub validations: BTreeMap<usize, Vec<i64>>,
    /// Tokens that their holder forgot.
    pub forgotten: BTreeSet<TokenFingerprint>,
    /// When someone last said that a password is right.
    pub(crate) unblocks: BTreeMap<Password, i64>,
    /// Tokens that other systems got and a process was given.
    pub(crate) adopted: BTreeSet<usize>,
    /// When the store lost its lock.
    pub(crate) lock_lost: Option<i64>,
    /// Tokens that an API rejected, and when last.
    pub(crate) rejected_by_api: BTreeMap<TokenFingerprint, i64>,
    /// The token that a process last served or adopted, and in which of its starts.
    pub(crate) in_hand: BTreeMap<(usize, Password), (usize, u32)>,
    dead_since: BTreeMap<TokenFingerprint, i64>,
    /// Since when the record shuts a password out until then.
    shut: BTreeMap<Password, (i64, i64)>,
    generation: u64,
    carriers: BTreeMap<usize, Vec<Carrier>>,
    /// Refetches without a word since the last word, by process.
    silent: BTreeMap<(usize, Password), Vec<i64>>,
    /// When the provider last answered a refetch of a process.
    refetched: BTreeMap<(usize, Password), i64>,
    /// When validations last had no word.
    validation_silent: i64,
    /// Who was told last that a password is wrong, and when.
    told_wrong: BTreeMap<Password, Vec<(i64, usize, u32)>>,
    /// Who was told to wait, when, and until when.
    told_to_wait: Vec<(i64, usize, i64)>,
    /// When processes lost the store.
    outages: Vec<(i64, usize)>,
    /// When processes died.
    pub(crate) crashes: Vec<(i64, usize)>,
    /// When processes stood still, and until when.
    pub(crate) freezes: Vec<(i64, i64, usize)>,
    /// The last wish for a longer remaining life, by process: when, and how long.
    pub(crate) wishes: BTreeMap<(usize, Password), (i64, i64)>,
    /// When the answer to a login was last lost on purpose.
    pub(crate) answers_lost: Option<i64>,
    /// The last login that was sent without the store, and the life of its token.
    alone: BTreeMap<Entry, (i64, i64)>,
    /// Wrong credentials that the provider was sent: when, and whether for a login.
    wrong: BTreeMap<Password, Vec<(i64, bool)>>,
    /// Leases that a wish replaced.
    wished: BTreeSet<(Password, usize)>,
    /// Logins that rejections without a validation caused: when, and the how many-th.
    spaced: BTreeMap<Password, (i64, u32)>,
    revoked: BTreeSet<TokenFingerprint>,
    /// Calls that failed in a row.
    pub(crate) failures: damping::Failures,
    /// The leases that the record held when it was last written.
    leases: Vec<(CredentialsFingerprint, TokenFingerprint)>,
}

impl Oracle {
    pub(crate) fn violate(&mut self, at: i64, what: &'static str, detail: String) {
        self.violations.push(Violation { at, what, detail });
    }

    /// Whether anyone was told since then that the password is wrong.
    fn shut_since(&self, password: &Password, since: i64) -> bool {
        self.told_wrong.get(password).is_some_and(|told| told.iter().any(|(at, ..)| *at >= since))
    }

    /// Violations of the promise about dead tokens.
    pub fn knowably_dead(&self) -> usize {
        self.violations.iter().filter(|v| v.what.starts_with("knowably dead")).count()
    }

    /// Logins beside a good token that have no cause.
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

    /// Whether someone buried that token, or the record does.
    fn is_buried(&self, print: TokenFingerprint) -> bool {
        self.processes.iter().any(|process| process.buried.contains(&print))
            || self.store.inspect().dead.iter().any(|(token, _)| *token == print)
    }

    /// The record was written: what does everyone have to know from now on?
    pub(crate) fn note_saved(&mut self) {
        let (now, record) = (self.now, self.store.inspect());
        let dead: BTreeSet<_> = record.dead.iter().map(|(token, _)| *token).collect();
        self.oracle.dead_since.retain(|token, _| dead.contains(token));
        for token in dead {
            self.oracle.dead_since.entry(token).or_insert(now);
        }
        for password in self.passwords() {
            let credentials_fingerprint = self.credentials_fingerprint_of(&password);
            if let Some((_, until)) =
                record.circuits.iter().find(|(other, _)| *other == credentials_fingerprint)
            {
                let shut = self.oracle.shut.entry(password).or_insert((now, until.0));
                if shut.1 != until.0 {
                    *shut = (now, until.0);
                }
            } else {
                self.oracle.shut.remove(&password);
            }
        }
        if record.generation < self.oracle.generation {
            self.violate("the generation fell", format!("to {}", record.generation));
        }
        self.oracle.generation = record.generation;
        if record.leases != self.oracle.leases {
            self.oracle.failures.begin_anew();
            self.oracle.leases.clone_from(&record.leases);
        }
    }

    /// The store lost its data.
    pub fn flush(&mut self) {
        self.touch();
        self.faults.push((self.now, self.now, Fault::Flush));
        self.store.flush();
        self.oracle.dead_since.clear();
        self.oracle.shut.clear();
        self.oracle.failures.begin_anew();
        self.oracle.generation = 0;
    }

    /// Whether the store could be read, and lost nothing, since then.
    fn is_calm(&self, since: i64) -> bool {
        !self.faults.iter().any(|(from, until, fault)| {
            matches!(
                fault,
                Fault::Store | Fault::SlowStore | Fault::Lossy | Fault::Flush | Fault::StoreCalls
            ) && *from < self.now
                && until.saturating_add(30 * S) > since
        })
    }

    /// Whether everything that was promised was kept, and what was not.
    ///
    /// # Panics
    ///
    /// If a promise was broken.
    pub fn assert_kept(&self) {
        let story = self.story.as_ref().map(|story| story.join("\n")).unwrap_or_default();
        assert!(self.oracle.violations.is_empty(), "{story}\n{:#?}", self.oracle.violations);
    }

    /// The number of a lease's token.
    pub fn number_of(served: &Served) -> usize {
        Provider::number(served.lease.token())
    }
}
