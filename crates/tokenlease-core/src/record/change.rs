//! What a process has to tell its siblings, and how it is merged into what they know. Each rule
//! of merging is written here once, for the record in the store's time and for the view of it that
//! a process keeps in its own.

use std::time::Duration;

use super::{
    BackoffReason, Block, Entry, Fate, LoginBackoff, MOST_BLOCKS, MOST_CIRCUITS, MOST_FATES,
    MOST_LEASES, MOST_UNPROVEN, RecordState, ServerBackoff, Tombstone, TombstoneCause,
    clock_mapping::Translate,
};
use crate::{
    backoff, credentials::CredentialsFingerprint, lease::Lease, time::Moment,
    token::TokenFingerprint,
};

/// A login_backoff begins anew when the last login that it counted is this old.
const LOGIN_BACKOFF_MEMORY: Duration = Duration::from_secs(2 * 60 * 60);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordChange<T> {
    /// The provider accepted the credentials fingerprint, asked at that time: its circuit closes and its hold ends.
    Accepted { credentials: CredentialsFingerprint, sent: T },
    /// The credentials fingerprint has this lease; `replacing` is the token that stood there when it was asked for.
    Leased {
        credentials: CredentialsFingerprint,
        lease: Lease<T>,
        replacing: Option<TokenFingerprint>,
        how: Gained,
    },
    /// The provider said yes to a question sent then.
    Yes { fingerprint: TokenFingerprint, sent: T },
    /// A refetch sent then returned a token that had been rejected without a validation.
    Lifted { fingerprint: TokenFingerprint, sent: T },
    /// A token is dead.
    Died {
        credentials: CredentialsFingerprint,
        fingerprint: TokenFingerprint,
        tombstone: Tombstone<T>,
    },
    /// The holder of the credentials fingerprint wants no more of the token.
    Forgotten { credentials: CredentialsFingerprint, fingerprint: TokenFingerprint },
    /// The provider rejected the credentials.
    Rejected { credentials: CredentialsFingerprint, until: T, count: u32 },
    /// A credentials fingerprint that was never seen accepted was rejected at that time.
    Unproven { credentials: CredentialsFingerprint, at: T },
    /// The provider throttles or fails.
    BackedOff(ServerBackoff<T>),
    /// Nothing could be made of the provider's answer to this credentials fingerprint's credentials.
    EntryBackedOff { credentials: CredentialsFingerprint, until: T, count: u32 },
    /// The age from which tokens are asked about.
    Learned(Option<Duration>),
    /// A token died younger than the base, or one did not.
    YoungDeath(Option<(Duration, TokenFingerprint)>),
    /// A person says that the credentials are right: circuit, hold, login_backoff and the count of
    /// unproven rejections go.
    Unblocked { credentials: CredentialsFingerprint },
}

/// How a process came by a lease that it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gained {
    /// By an login.
    Login,
    /// By a refetch or by `adopt`: the provider or the caller vouches for it now.
    Returned,
    /// It had it already: the record lacks it.
    Kept,
}

impl<T: Moment> RecordChange<T> {
    pub(crate) fn translate<U>(&self, to: &impl Translate<T, U>) -> RecordChange<U> {
        match self {
            Self::Accepted { credentials, sent } => {
                RecordChange::Accepted { credentials: *credentials, sent: to.shorten(*sent) }
            }
            Self::Leased { credentials, lease, replacing, how } => RecordChange::Leased {
                credentials: *credentials,
                lease: lease.map(|t| to.shorten(t)),
                replacing: *replacing,
                how: *how,
            },
            Self::Yes { fingerprint, sent } => {
                RecordChange::Yes { fingerprint: *fingerprint, sent: to.shorten(*sent) }
            }
            Self::Lifted { fingerprint, sent } => {
                RecordChange::Lifted { fingerprint: *fingerprint, sent: to.shorten(*sent) }
            }
            Self::Died { credentials, fingerprint, tombstone } => RecordChange::Died {
                credentials: *credentials,
                fingerprint: *fingerprint,
                tombstone: Tombstone { cause: tombstone.cause, at: to.lengthen(tombstone.at) },
            },
            Self::Forgotten { credentials, fingerprint } => {
                RecordChange::Forgotten { credentials: *credentials, fingerprint: *fingerprint }
            }
            Self::Rejected { credentials, until, count } => RecordChange::Rejected {
                credentials: *credentials,
                until: to.lengthen(*until),
                count: *count,
            },
            Self::Unproven { credentials, at } => {
                RecordChange::Unproven { credentials: *credentials, at: to.lengthen(*at) }
            }
            Self::BackedOff(hold) => RecordChange::BackedOff(ServerBackoff {
                until: to.lengthen(hold.until),
                count: hold.count,
                reason: hold.reason,
            }),
            Self::EntryBackedOff { credentials, until, count } => RecordChange::EntryBackedOff {
                credentials: *credentials,
                until: to.lengthen(*until),
                count: *count,
            },
            Self::Learned(age) => RecordChange::Learned(*age),
            Self::YoungDeath(age) => RecordChange::YoungDeath(*age),
            Self::Unblocked { credentials } => {
                RecordChange::Unblocked { credentials: *credentials }
            }
        }
    }
}

impl<T: Moment> RecordState<T> {
    /// Merges one thing that happened into what is known.
    pub(crate) fn merge(&mut self, news: &RecordChange<T>, now: T) {
        match news {
            RecordChange::Accepted { credentials, sent } => {
                // A rejection that came since says more.
                let since = |circuit: &Block<T>| rejected_at(circuit.until, circuit.count) > *sent;
                self.circuits
                    .retain(|circuit| circuit.credentials != *credentials || since(circuit));
                self.entry_backoffs.retain(|hold| hold.credentials != *credentials);
            }
            RecordChange::Leased { credentials, lease, replacing, how } => {
                self.leased(*credentials, lease, *replacing, *how, now);
            }
            RecordChange::Yes { fingerprint, sent } => self.yes(*fingerprint, *sent),
            RecordChange::Lifted { fingerprint, sent } => self.lifted(*fingerprint, *sent),
            RecordChange::Died { credentials, fingerprint, tombstone } => {
                self.died(*credentials, *fingerprint, *tombstone, now);
            }
            RecordChange::Forgotten { credentials, fingerprint } => {
                self.leases.retain(|entry| {
                    entry.credentials != *credentials || entry.lease.fingerprint != *fingerprint
                });
                self.fate_mut(*fingerprint).forgotten = true;
            }
            RecordChange::Rejected { credentials, until, count } => {
                // A success that was asked for since says more.
                let at = rejected_at(*until, *count);
                if self.lease(*credentials).is_some_and(|lease| lease.first.sent_at > at) {
                    return;
                }
                // A rejected credentials fingerprint is let in by nothing that it obtained before.
                self.leases.retain(|entry| entry.credentials != *credentials);
                pause(&mut self.circuits, *credentials, *until, *count, MOST_CIRCUITS);
            }
            RecordChange::Unproven { credentials, at } => {
                self.unproven.retain(|(other, _)| other != credentials);
                self.unproven.push((*credentials, *at));
                drop_first(&mut self.unproven, MOST_UNPROVEN);
            }
            RecordChange::BackedOff(hold) => {
                let (until, count) =
                    self.hold.map_or((hold.until, 0), |old| (old.until.max(hold.until), old.count));
                self.hold = Some(ServerBackoff {
                    until,
                    count: count.max(hold.count),
                    reason: hold.reason,
                });
            }
            RecordChange::EntryBackedOff { credentials, until, count } => {
                pause(&mut self.entry_backoffs, *credentials, *until, *count, MOST_BLOCKS);
            }
            RecordChange::Learned(age) => self.learned = *age,
            RecordChange::YoungDeath(age) => self.young_death = *age,
            RecordChange::Unblocked { credentials } => {
                self.circuits.retain(|circuit| circuit.credentials != *credentials);
                self.entry_backoffs.retain(|hold| hold.credentials != *credentials);
                self.login_backoffs
                    .retain(|login_backoff| login_backoff.credentials != *credentials);
                self.unproven.clear();
            }
        }
    }

    fn leased(
        &mut self,
        credentials: CredentialsFingerprint,
        lease: &Lease<T>,
        replacing: Option<TokenFingerprint>,
        how: Gained,
        now: T,
    ) {
        let fingerprint = lease.fingerprint;
        if how == Gained::Kept && self.is_forgotten(fingerprint)
            || self.tombstone(fingerprint).is_some()
            || self.circuit(credentials).is_some()
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
        if self.lease(credentials).is_some_and(|theirs| {
            theirs.fingerprint != fingerprint
                && Some(theirs.fingerprint) != replacing
                && theirs.first.sent_at >= lease.first.sent_at
                && self.is_live(theirs, now)
        }) {
            return;
        }
        self.generation = self.generation.max(lease.first.generation);
        let validation = self.leases.iter().map(|entry| &entry.lease);
        let validation = validation.filter(|other| other.fingerprint == fingerprint);
        lease.validated_at =
            validation.filter_map(|other| other.validated_at).max().max(lease.validated_at);
        let fate = self.fate_mut(fingerprint);
        fate.first = Some(lease.first);
        fate.forgotten = false;
        self.leases.retain(|entry| entry.credentials != credentials);
        self.leases.push(Entry { credentials, lease });
        while self.leases.len() > MOST_LEASES {
            let rank =
                |entry: &Entry<T>| (self.is_live(&entry.lease, now), entry.lease.first.generation);
            let others = self
                .leases
                .iter()
                .enumerate()
                .filter(|(_, entry)| entry.credentials != credentials);
            let Some((oldest, _)) = others.min_by_key(|(_, entry)| rank(entry)) else { break };
            self.leases.remove(oldest);
        }
        self.entry_backoffs.retain(|hold| hold.credentials != credentials);
        // A success ends the doubling; a wait that the provider asked for runs on.
        self.hold = self
            .hold
            .filter(|hold| hold.until > now)
            .map(|hold| ServerBackoff { count: 0, ..hold });
        if let Some(login_backoff) = self
            .login_backoffs
            .iter_mut()
            .find(|login_backoff| login_backoff.credentials == credentials)
        {
            if how == Gained::Login && login_backoff.armed {
                login_backoff.last = Some(now);
                login_backoff.count = login_backoff.count.saturating_add(1);
            }
            login_backoff.armed = false;
        }
    }

    fn yes(&mut self, fingerprint: TokenFingerprint, sent: T) {
        for entry in &mut self.leases {
            if entry.lease.fingerprint == fingerprint {
                entry.lease.validated_at = entry.lease.validated_at.max(Some(sent));
                self.login_backoffs
                    .retain(|login_backoff| login_backoff.credentials != entry.credentials);
            }
        }
    }

    fn lifted(&mut self, fingerprint: TokenFingerprint, sent: T) {
        let fate = self.fate_mut(fingerprint);
        let earlier = |t: Tombstone<T>| t.cause == TombstoneCause::Rejected && t.at < sent;
        if fate.lifted.is_none() && fate.tombstone.is_none_or(earlier) {
            fate.tombstone = None;
            fate.lifted = Some(sent);
        }
    }

    fn died(
        &mut self,
        credentials: CredentialsFingerprint,
        fingerprint: TokenFingerprint,
        mut tombstone: Tombstone<T>,
        now: T,
    ) {
        let rejected = tombstone.cause == TombstoneCause::Rejected;
        if rejected {
            match self.fate(fingerprint).and_then(|fate| fate.lifted) {
                // It was made before the refetch that lifted it.
                Some(lifted) if tombstone.at < lifted => return,
                // Rejected again after that: the token is known dead.
                Some(_) => tombstone.cause = TombstoneCause::Inactive,
                None => {}
            }
            let yes = self.leases.iter().filter(|entry| entry.lease.fingerprint == fingerprint);
            if yes.filter_map(|entry| entry.lease.validated_at).any(|yes| yes > tombstone.at) {
                return;
            }
        }
        let fate = self.fate_mut(fingerprint);
        let new = fate.tombstone.is_none();
        if fate.tombstone.is_none_or(|old| old.cause < tombstone.cause) {
            fate.tombstone = Some(tombstone);
        }
        if rejected && new {
            let mut credentials_fingerprints = vec![credentials];
            credentials_fingerprints.extend(
                self.leases
                    .iter()
                    .filter(|entry| entry.lease.fingerprint == fingerprint)
                    .map(|entry| entry.credentials)
                    .filter(|other| *other != credentials),
            );
            for credentials in credentials_fingerprints {
                self.arm(credentials, now);
            }
        }
    }

    /// The next login of the entry is caused by a rejection without a validation.
    fn arm(&mut self, credentials: CredentialsFingerprint, now: T) {
        let old = self.login_backoff(credentials).copied();
        let old = old.filter(|s| s.last.is_none_or(|last| now.since(last) < LOGIN_BACKOFF_MEMORY));
        let fresh = LoginBackoff { credentials, last: None, count: 0, armed: true };
        self.login_backoffs.retain(|login_backoff| login_backoff.credentials != credentials);
        self.login_backoffs.push(LoginBackoff { armed: true, ..old.unwrap_or(fresh) });
        drop_first(&mut self.login_backoffs, MOST_BLOCKS);
    }

    fn fate_mut(&mut self, fingerprint: TokenFingerprint) -> &mut Fate<T> {
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

/// When the rejection came that opened a circuit until then.
fn rejected_at<T: Moment>(until: T, count: u32) -> T {
    until.minus(backoff::circuit(count))
}

fn pause<T: Moment>(
    pauses: &mut Vec<Block<T>>,
    credentials: CredentialsFingerprint,
    until: T,
    count: u32,
    most: usize,
) {
    let old = pauses.iter().find(|pause| pause.credentials == credentials).copied();
    let (until, count) =
        old.map_or((until, count), |old| (until.max(old.until), count.max(old.count)));
    pauses.retain(|pause| pause.credentials != credentials);
    pauses.push(Block { credentials, until, count });
    drop_first(pauses, most);
}

fn drop_first<V>(list: &mut Vec<V>, most: usize) {
    let many = list.len().saturating_sub(most);
    list.drain(..many);
}

impl BackoffReason {
    /// For people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Throttled => "the provider throttles",
            Self::ServerError => "the provider answered with a server error",
        }
    }
}

#[cfg(test)]
mod tests;
