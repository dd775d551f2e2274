//! What a process has to tell its siblings, and how it is merged into what they know. Each rule
//! of merging is written here once, for the record in the store's time and for the view of it that
//! a process keeps in its own.

use std::time::Duration;

use super::{
    Death, Entry, Facts, Fate, Hold, HoldReason, MOST_CIRCUITS, MOST_FATES, MOST_LEASES,
    MOST_PAUSES, MOST_UNPROVEN, Pause, Spacing, Tombstone, bridge::Translate,
};
use crate::{backoff, credentials::Proof, lease::Lease, time::Moment, token::Fingerprint};

/// A spacing begins anew when the last issue that it counted is this old.
const SPACING_MEMORY: Duration = Duration::from_secs(2 * 60 * 60);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News<T> {
    /// The vendor accepted the proof, asked at that time: its circuit closes and its hold ends.
    Accepted { proof: Proof, sent: T },
    /// The proof has this lease; `replacing` is the token that stood there when it was asked for.
    Leased { proof: Proof, lease: Lease<T>, replacing: Option<Fingerprint>, how: Gained },
    /// The vendor said yes to a question sent then.
    Yes { fingerprint: Fingerprint, sent: T },
    /// A refetch sent then returned a token that had been refused without a verdict.
    Lifted { fingerprint: Fingerprint, sent: T },
    /// A token is dead.
    Died { proof: Proof, fingerprint: Fingerprint, tombstone: Tombstone<T> },
    /// The holder of the proof wants no more of the token.
    Forgotten { proof: Proof, fingerprint: Fingerprint },
    /// The vendor refused the credentials.
    Refused { proof: Proof, until: T, count: u32 },
    /// A proof that was never seen accepted was refused at that time.
    Unproven { proof: Proof, at: T },
    /// The vendor throttles or fails.
    Held(Hold<T>),
    /// Nothing could be made of the vendor's answer to this proof's credentials.
    EntryHeld { proof: Proof, until: T, count: u32 },
    /// The age from which tokens are asked about.
    Learned(Option<Duration>),
    /// A token died younger than the base, or one did not.
    YoungDeath(Option<(Duration, Fingerprint)>),
    /// A person says that the credentials are right: circuit, hold, spacing and the count of
    /// unproven refusals go.
    Reset { proof: Proof },
}

/// How a process came by a lease that it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gained {
    /// By an issue.
    Issued,
    /// By a refetch or by `adopt`: the vendor or the caller vouches for it now.
    Returned,
    /// It had it already: the record lacks it.
    Kept,
}

impl<T: Moment> News<T> {
    pub(crate) fn translate<U>(&self, to: &impl Translate<T, U>) -> News<U> {
        match self {
            Self::Accepted { proof, sent } => {
                News::Accepted { proof: *proof, sent: to.shorten(*sent) }
            }
            Self::Leased { proof, lease, replacing, how } => News::Leased {
                proof: *proof,
                lease: lease.map(|t| to.shorten(t)),
                replacing: *replacing,
                how: *how,
            },
            Self::Yes { fingerprint, sent } => {
                News::Yes { fingerprint: *fingerprint, sent: to.shorten(*sent) }
            }
            Self::Lifted { fingerprint, sent } => {
                News::Lifted { fingerprint: *fingerprint, sent: to.shorten(*sent) }
            }
            Self::Died { proof, fingerprint, tombstone } => News::Died {
                proof: *proof,
                fingerprint: *fingerprint,
                tombstone: Tombstone { cause: tombstone.cause, at: to.lengthen(tombstone.at) },
            },
            Self::Forgotten { proof, fingerprint } => {
                News::Forgotten { proof: *proof, fingerprint: *fingerprint }
            }
            Self::Refused { proof, until, count } => {
                News::Refused { proof: *proof, until: to.lengthen(*until), count: *count }
            }
            Self::Unproven { proof, at } => News::Unproven { proof: *proof, at: to.lengthen(*at) },
            Self::Held(hold) => News::Held(Hold {
                until: to.lengthen(hold.until),
                count: hold.count,
                reason: hold.reason,
            }),
            Self::EntryHeld { proof, until, count } => {
                News::EntryHeld { proof: *proof, until: to.lengthen(*until), count: *count }
            }
            Self::Learned(age) => News::Learned(*age),
            Self::YoungDeath(age) => News::YoungDeath(*age),
            Self::Reset { proof } => News::Reset { proof: *proof },
        }
    }
}

impl<T: Moment> Facts<T> {
    /// Merges one thing that happened into what is known.
    pub(crate) fn merge(&mut self, news: &News<T>, now: T) {
        match news {
            News::Accepted { proof, sent } => {
                // A refusal that came since says more.
                let since = |circuit: &Pause<T>| refused_at(circuit.until, circuit.count) > *sent;
                self.circuits.retain(|circuit| circuit.proof != *proof || since(circuit));
                self.entry_holds.retain(|hold| hold.proof != *proof);
            }
            News::Leased { proof, lease, replacing, how } => {
                self.leased(*proof, lease, *replacing, *how, now);
            }
            News::Yes { fingerprint, sent } => self.yes(*fingerprint, *sent),
            News::Lifted { fingerprint, sent } => self.lifted(*fingerprint, *sent),
            News::Died { proof, fingerprint, tombstone } => {
                self.died(*proof, *fingerprint, *tombstone, now);
            }
            News::Forgotten { proof, fingerprint } => {
                self.leases.retain(|entry| {
                    entry.proof != *proof || entry.lease.fingerprint != *fingerprint
                });
                self.fate_mut(*fingerprint).forgotten = true;
            }
            News::Refused { proof, until, count } => {
                // A success that was asked for since says more.
                let at = refused_at(*until, *count);
                if self.lease(*proof).is_some_and(|lease| lease.first.sent_at > at) {
                    return;
                }
                // A refused proof is let in by nothing that it obtained before.
                self.leases.retain(|entry| entry.proof != *proof);
                pause(&mut self.circuits, *proof, *until, *count, MOST_CIRCUITS);
            }
            News::Unproven { proof, at } => {
                self.unproven.retain(|(other, _)| other != proof);
                self.unproven.push((*proof, *at));
                drop_first(&mut self.unproven, MOST_UNPROVEN);
            }
            News::Held(hold) => {
                let (until, count) =
                    self.hold.map_or((hold.until, 0), |old| (old.until.max(hold.until), old.count));
                self.hold = Some(Hold { until, count: count.max(hold.count), reason: hold.reason });
            }
            News::EntryHeld { proof, until, count } => {
                pause(&mut self.entry_holds, *proof, *until, *count, MOST_PAUSES);
            }
            News::Learned(age) => self.learned = *age,
            News::YoungDeath(age) => self.young_death = *age,
            News::Reset { proof } => {
                self.circuits.retain(|circuit| circuit.proof != *proof);
                self.entry_holds.retain(|hold| hold.proof != *proof);
                self.spacings.retain(|spacing| spacing.proof != *proof);
                self.unproven.clear();
            }
        }
    }

    fn leased(
        &mut self,
        proof: Proof,
        lease: &Lease<T>,
        replacing: Option<Fingerprint>,
        how: Gained,
        now: T,
    ) {
        let fingerprint = lease.fingerprint;
        if how == Gained::Kept && self.is_forgotten(fingerprint)
            || self.tombstone(fingerprint).is_some()
            || self.circuit(proof).is_some()
        {
            return;
        }
        let mut lease = lease.clone();
        // A token that is known keeps its first-seen time and generation.
        if let Some(known) = self.fate(fingerprint).and_then(|fate| fate.first) {
            lease.first = known;
        } else if lease.first.generation == 0 {
            lease.first.generation = self.generation.saturating_add(1);
        }
        // Another's lease that this writer had not seen: two tokens were got, one is used, that
        // which was asked for last. If one of them ended the other, it is the one that lives.
        if self.lease(proof).is_some_and(|theirs| {
            theirs.fingerprint != fingerprint
                && Some(theirs.fingerprint) != replacing
                && theirs.first.sent_at >= lease.first.sent_at
                && self.is_live(theirs, now)
        }) {
            return;
        }
        self.generation = self.generation.max(lease.first.generation);
        let verdict = self.leases.iter().map(|entry| &entry.lease);
        let verdict = verdict.filter(|other| other.fingerprint == fingerprint);
        lease.verdict = verdict.filter_map(|other| other.verdict).max().max(lease.verdict);
        let fate = self.fate_mut(fingerprint);
        fate.first = Some(lease.first);
        fate.forgotten = false;
        self.leases.retain(|entry| entry.proof != proof);
        self.leases.push(Entry { proof, lease });
        while self.leases.len() > MOST_LEASES {
            let rank =
                |entry: &Entry<T>| (self.is_live(&entry.lease, now), entry.lease.first.generation);
            let others = self.leases.iter().enumerate().filter(|(_, entry)| entry.proof != proof);
            let Some((oldest, _)) = others.min_by_key(|(_, entry)| rank(entry)) else { break };
            self.leases.remove(oldest);
        }
        self.entry_holds.retain(|hold| hold.proof != proof);
        // A success ends the doubling; a wait that the vendor asked for runs on.
        self.hold = self.hold.filter(|hold| hold.until > now).map(|hold| Hold { count: 0, ..hold });
        if let Some(spacing) = self.spacings.iter_mut().find(|spacing| spacing.proof == proof) {
            if how == Gained::Issued && spacing.armed {
                spacing.last = Some(now);
                spacing.count = spacing.count.saturating_add(1);
            }
            spacing.armed = false;
        }
    }

    fn yes(&mut self, fingerprint: Fingerprint, sent: T) {
        for entry in &mut self.leases {
            if entry.lease.fingerprint == fingerprint {
                entry.lease.verdict = entry.lease.verdict.max(Some(sent));
                self.spacings.retain(|spacing| spacing.proof != entry.proof);
            }
        }
    }

    fn lifted(&mut self, fingerprint: Fingerprint, sent: T) {
        let fate = self.fate_mut(fingerprint);
        let earlier = |t: Tombstone<T>| t.cause == Death::Refused && t.at < sent;
        if fate.lifted.is_none() && fate.tombstone.is_none_or(earlier) {
            fate.tombstone = None;
            fate.lifted = Some(sent);
        }
    }

    fn died(
        &mut self,
        proof: Proof,
        fingerprint: Fingerprint,
        mut tombstone: Tombstone<T>,
        now: T,
    ) {
        let refused = tombstone.cause == Death::Refused;
        if refused {
            match self.fate(fingerprint).and_then(|fate| fate.lifted) {
                // It was made before the refetch that lifted it.
                Some(lifted) if tombstone.at < lifted => return,
                // Refused again after that: the token is known dead.
                Some(_) => tombstone.cause = Death::Dead,
                None => {}
            }
            let yes = self.leases.iter().filter(|entry| entry.lease.fingerprint == fingerprint);
            if yes.filter_map(|entry| entry.lease.verdict).any(|yes| yes > tombstone.at) {
                return;
            }
        }
        let fate = self.fate_mut(fingerprint);
        let new = fate.tombstone.is_none();
        if fate.tombstone.is_none_or(|old| old.cause < tombstone.cause) {
            fate.tombstone = Some(tombstone);
        }
        if refused && new {
            let mut proofs = vec![proof];
            proofs.extend(
                self.leases
                    .iter()
                    .filter(|entry| entry.lease.fingerprint == fingerprint)
                    .map(|entry| entry.proof)
                    .filter(|other| *other != proof),
            );
            for proof in proofs {
                self.arm(proof, now);
            }
        }
    }

    /// The next issue of the entry is caused by a refusal without a verdict.
    fn arm(&mut self, proof: Proof, now: T) {
        let old = self.spacing(proof).copied();
        let old = old.filter(|s| s.last.is_none_or(|last| now.since(last) < SPACING_MEMORY));
        let fresh = Spacing { proof, last: None, count: 0, armed: true };
        self.spacings.retain(|spacing| spacing.proof != proof);
        self.spacings.push(Spacing { armed: true, ..old.unwrap_or(fresh) });
        drop_first(&mut self.spacings, MOST_PAUSES);
    }

    fn fate_mut(&mut self, fingerprint: Fingerprint) -> &mut Fate<T> {
        let known = self.fates.iter().position(|fate| fate.fingerprint == fingerprint);
        // The most recent stands last, so that the oldest goes first.
        let fate = known.map_or(
            Fate { fingerprint, first: None, tombstone: None, lifted: None, forgotten: false },
            |at| self.fates.remove(at),
        );
        while self.fates.len() >= MOST_FATES {
            self.fates.remove(0);
        }
        self.fates.push_mut_last(fate)
    }
}

/// `Vec::push` that returns what it pushed.
trait PushLast<V> {
    fn push_mut_last(&mut self, value: V) -> &mut V;
}

impl<V> PushLast<V> for Vec<V> {
    #[expect(clippy::indexing_slicing, reason = "the index is that of the value just pushed")]
    fn push_mut_last(&mut self, value: V) -> &mut V {
        let at = self.len();
        self.push(value);
        &mut self[at]
    }
}

/// When the refusal came that opened a circuit until then.
fn refused_at<T: Moment>(until: T, count: u32) -> T {
    until.minus(backoff::circuit(count))
}

fn pause<T: Moment>(pauses: &mut Vec<Pause<T>>, proof: Proof, until: T, count: u32, most: usize) {
    let old = pauses.iter().find(|pause| pause.proof == proof).copied();
    let (until, count) =
        old.map_or((until, count), |old| (until.max(old.until), count.max(old.count)));
    pauses.retain(|pause| pause.proof != proof);
    pauses.push(Pause { proof, until, count });
    drop_first(pauses, most);
}

fn drop_first<V>(list: &mut Vec<V>, most: usize) {
    let many = list.len().saturating_sub(most);
    list.drain(..many);
}

impl HoldReason {
    /// For people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Throttled => "the vendor throttles",
            Self::ServerError => "the vendor answered with a server error",
        }
    }
}

#[cfg(test)]
mod tests;
