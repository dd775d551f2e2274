//! The history of the record: the causes and the results of logins and refetches.
//!
//! The cause of a request is what the state machine knows when it sends it. Entries are saved with the next
//! change of the record; they alone cause no write.

use std::{sync::Arc, time::Duration};

use super::{Lifecycle, effect::EffectKind};
use crate::{
    backoff::mix,
    expiry::Freshness,
    lease::{Expiry, Lease},
    record::{
        HistoryCause as Cause, HistoryEntry, HistoryKind, HistoryResult, RecordState,
        ShortFingerprint, TombstoneCause,
        clock_mapping::{ClockMapping, Translate as _},
        history::{MAX_ENTRIES, host_name},
    },
    time::{Moment as _, StoreTime, Timestamp},
    token::TokenFingerprint,
};

/// The number of requests whose causes are remembered, for answers that arrive late.
const MAX_SENDS: usize = 8;

/// The entries that are not saved yet, and what the next ones are made of.
#[derive(Debug)]
pub(super) struct HistoryLog {
    host: Arc<str>,
    process: u32,
    /// A random number that distinguishes the entries of this state machine from those of others.
    writer: u32,
    /// The number of the next entry.
    next: u32,
    pending: Vec<HistoryEntry<Timestamp>>,
    /// The numbers of the entries that are in the record that is being written.
    saving: Vec<u32>,
    sends: Vec<SentRequest>,
    /// The token of the last refetch that may not be used, and when it came.
    unusable: Option<(TokenFingerprint, Timestamp)>,
}

/// A login or a refetch that was sent.
#[derive(Clone, Copy, Debug)]
struct SentRequest {
    kind: HistoryKind,
    sent: Timestamp,
    cause: Cause,
    without_store: bool,
    /// The number of its entry, if it gets one.
    sequence: u32,
}

impl HistoryLog {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            host: Arc::default(),
            process: 0,
            writer: u32::try_from(mix(seed ^ 0x4849_5354) >> 32).unwrap_or_default(),
            next: 0,
            pending: Vec::new(),
            saving: Vec::new(),
            sends: Vec::new(),
            unusable: None,
        }
    }

    fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// The number of the last entry.
    pub(super) fn entries(&self) -> u32 {
        self.next
    }

    /// Goes on after the entry of that number.
    pub(super) fn go_on_from(&mut self, entries: u32) {
        self.next = entries;
    }

    /// Whether the record has all entries.
    pub(super) fn is_saved(&self) -> bool {
        self.pending.is_empty() && self.saving.is_empty()
    }

    /// Takes an entry, or what a late answer says more of one that was taken before.
    fn push(&mut self, entry: HistoryEntry<Timestamp>) {
        let known = self.pending.iter().position(|known| known.sequence == entry.sequence);
        let entry = match known {
            Some(at) => self.pending.remove(at).join(entry),
            None => entry,
        };
        self.saving.retain(|number| *number != entry.sequence);
        self.pending.push(entry);
        let excess = self.pending.len().saturating_sub(MAX_ENTRIES);
        self.pending.drain(..excess);
    }

    /// Returns the entries that a save of the record adds to it.
    pub(super) fn begin_save(&mut self, clocks: &ClockMapping) -> Vec<HistoryEntry<StoreTime>> {
        self.saving = self.pending.iter().map(|entry| entry.sequence).collect();
        let entries = self.pending.iter();
        entries.map(|entry| entry.map(|at| clocks.lower_bound(*at))).collect()
    }

    /// The save succeeded.
    pub(super) fn saved(&mut self) {
        let saved = std::mem::take(&mut self.saving);
        self.pending.retain(|entry| !saved.contains(&entry.sequence));
        self.pending.shrink_to_fit();
    }
}

impl Lifecycle {
    /// Sets the host and the process that the history of the record names.
    pub fn set_process(&mut self, host: &str, process: u32) {
        self.history.host = host_name(host);
        self.history.process = process;
    }

    /// Returns the cause of the last login that was sent, as the history of the record names it, and
    /// whether the process sent it without the store.
    pub fn cause_of_last_login(&self) -> Option<(Cause, bool)> {
        let sends = self.history.sends.iter().rev();
        let mut logins = sends.filter(|send| send.kind == HistoryKind::Login);
        logins.next().map(|login| (login.cause, login.without_store))
    }

    /// Returns the cause of the last login or refetch that was sent, as the history of the record names it.
    pub fn cause_of_last(&self, kind: HistoryKind) -> Option<Cause> {
        let mut sends = self.history.sends.iter().rev();
        sends.find(|send| send.kind == kind).map(|send| send.cause)
    }

    /// A login or a refetch is about to be sent: remembers why.
    pub(super) fn note_send(&mut self, kind: HistoryKind, t: Timestamp) {
        let cause = self.cause_of_send(t);
        let without_store = self.flight.as_ref().is_some_and(|flight| flight.without_store);
        let sequence = self.history.number();
        let sends = &mut self.history.sends;
        sends.push(SentRequest { kind, sent: t, cause, without_store, sequence });
        let excess = sends.len().saturating_sub(MAX_SENDS);
        sends.drain(..excess);
    }

    /// A request that was sent at `sent` brought this token.
    pub(super) fn note_token(
        &mut self,
        kind: EffectKind,
        lease: &Lease<Timestamp>,
        result: HistoryResult,
        sent: Timestamp,
    ) {
        let lifetime = match lease.expiry() {
            Expiry::Stated { end } | Expiry::Capped { end } => Some(end.since(sent)),
            Expiry::Assumed { validate_from_age, .. } => Some(validate_from_age),
            Expiry::ExpiredOnArrival { .. } => Some(Duration::ZERO),
            Expiry::Unknown | Expiry::Unstated => None,
        };
        // A refetch does not begin a lifetime.
        let lifetime = lifetime.filter(|_| kind == EffectKind::Login);
        self.note_answer(kind, Some(lease.fingerprint), lifetime, result, sent);
    }

    /// A request that was sent at `sent` had this result.
    pub(super) fn note_answer(
        &mut self,
        kind: EffectKind,
        token: Option<TokenFingerprint>,
        lifetime: Option<Duration>,
        result: HistoryResult,
        sent: Timestamp,
    ) {
        let kind =
            if kind == EffectKind::Login { HistoryKind::Login } else { HistoryKind::Refetch };
        let mut requests = self.history.sends.iter().rev();
        let is_it = |request: &&SentRequest| request.kind == kind && request.sent == sent;
        let Some(SentRequest { cause, without_store, sequence, .. }) =
            requests.find(is_it).copied()
        else {
            return;
        };
        let entry = self.entry(sent, kind, cause, result, token);
        self.history.push(HistoryEntry { without_store, lifetime, sequence, ..entry });
    }

    /// A refetch returned a token that is known to have ended.
    pub(super) fn note_unusable_token(&mut self, token: TokenFingerprint, t: Timestamp) {
        self.history.unusable = Some((token, t));
    }

    /// The answer to the last login was lost.
    pub(super) fn note_lost_login(&mut self) {
        let sends = self.history.sends.iter().rev();
        let last = sends.clone().find(|send| send.kind == HistoryKind::Login);
        if let Some(sent) = last.map(|send| send.sent) {
            self.note_answer(EffectKind::Login, None, None, HistoryResult::Lost, sent);
        }
    }

    /// An API rejected a token at that time, with this result.
    pub(super) fn note_rejected_token(
        &mut self,
        token: TokenFingerprint,
        result: HistoryResult,
        at: Timestamp,
    ) {
        let cause = Cause::TokenRejected;
        let entry = self.entry(at, HistoryKind::Rejection, cause, result, Some(token));
        self.note(entry);
    }

    /// The server rejected the credentials at that time.
    pub(super) fn note_rejected_credentials(&mut self, at: Timestamp) {
        let (cause, result) = (Cause::CredentialsRejected, HistoryResult::CircuitOpened);
        let entry = self.entry(at, HistoryKind::Rejection, cause, result, None);
        self.note(entry);
    }

    fn note(&mut self, entry: HistoryEntry<Timestamp>) {
        let sequence = self.history.number();
        self.history.push(HistoryEntry { sequence, ..entry });
    }

    fn entry(
        &self,
        at: Timestamp,
        kind: HistoryKind,
        cause: Cause,
        result: HistoryResult,
        token: Option<TokenFingerprint>,
    ) -> HistoryEntry<Timestamp> {
        HistoryEntry {
            at,
            kind,
            cause,
            result,
            without_store: self.store.is_in_outage(),
            credentials: ShortFingerprint::of_credentials(self.holder),
            token: token.map(ShortFingerprint::of_token),
            lifetime: None,
            host: Arc::clone(&self.history.host),
            process: self.history.process,
            writer: self.history.writer,
            sequence: 0,
        }
    }

    /// Why a login or a refetch is sent now.
    fn cause_of_send(&self, t: Timestamp) -> Cause {
        let known = &self.store.known;
        if self.flight.as_ref().is_some_and(|flight| flight.refetch_only) {
            return Cause::Requested;
        }
        let spent = known.spent_logins(self.holder);
        if spent.is_some_and(|spent| spent.lost) && self.spent_logins_in_a_row(t) > 0 {
            return Cause::AnswerLost;
        }
        if self.circuit_stops_serving() {
            return Cause::CredentialsRejected;
        }
        let recorded = known.lease(self.holder);
        if let (Some(current), Some(recorded)) = (&self.current, recorded)
            && recorded.sent_at() > current.lease.sent_at()
            && let Some(cause) = self.cause_of_unused(recorded.fingerprint)
        {
            return cause;
        }
        if let Some(current) = &self.current {
            let otherwise = match self.freshness_by_elapsed(current, t) {
                Freshness::Expired => return Cause::Expired,
                _ if current.suspicion.is_some() => return Cause::TokenRejected,
                Freshness::RefreshWindow { .. } | Freshness::Margin { .. } => {
                    return Cause::Expiring;
                }
                Freshness::Fresh { .. } if self.demand_now(t).min_remaining.is_some() => {
                    return Cause::MinRemaining;
                }
                Freshness::Validate { .. } => Cause::Unvalidated,
                Freshness::Fresh { .. } => Cause::Other,
            };
            // It was adopted after the flight's own token had ended, and the server was not asked about it.
            return self.cause_of_replaced(current.lease.fingerprint).unwrap_or(otherwise);
        }
        if let Some(lease) = recorded {
            let cause = self.cause_of_unused(lease.fingerprint);
            let cause = cause.or_else(|| self.cause_of_replaced(lease.fingerprint));
            let otherwise = if lease.has_expired(t) { Cause::Expired } else { Cause::Other };
            return cause.unwrap_or(otherwise);
        }
        let flight = self.flight.as_ref();
        let replacing = flight.and_then(|flight| flight.replacing);
        let without_store = flight.is_some_and(|flight| flight.without_store);
        let otherwise = if without_store {
            Cause::StoreUnavailable
        } else if known.leases.is_empty() {
            Cause::First
        } else {
            Cause::NewCredentials
        };
        let unusable = self.history.unusable;
        let unusable = unusable.filter(|(_, at)| flight.is_some_and(|flight| *at >= flight.began));
        let token = unusable.map(|(token, _)| token).or(replacing);
        let cause = token.and_then(|token| self.cause_of_unused(token));
        cause.or_else(|| self.cause_from_history(t)).unwrap_or(otherwise)
    }

    /// Returns why the token is not used any more that the flight set out with, if it is another one than
    /// `lease`.
    fn cause_of_replaced(&self, lease: TokenFingerprint) -> Option<Cause> {
        let flight = self.flight.as_ref()?;
        let tokens = [flight.validating, flight.replacing].into_iter().flatten();
        tokens.filter(|token| *token != lease).find_map(|token| self.cause_of_unused(token))
    }

    /// Returns why a token of these credentials is not used any more.
    fn cause_of_unused(&self, token: TokenFingerprint) -> Option<Cause> {
        let known = &self.store.known;
        match self.cause_of_end(token) {
            Some(TombstoneCause::Rejected) => Some(Cause::TokenRejected),
            // A second rejection is kept like an inactive validation.
            Some(TombstoneCause::Inactive)
                if was_lifted(known, token) && self.was_rejected_unconfirmed(token) =>
            {
                Some(Cause::TokenRejected)
            }
            Some(TombstoneCause::Inactive) => Some(Cause::Inactive),
            Some(TombstoneCause::Revoked | TombstoneCause::RevocationFailed) => {
                Some(Cause::Revoked)
            }
            None if known.is_forgotten(token) => Some(Cause::Forgotten),
            // This process replaced it after a rejection.
            None if self.is_remembered_ended(token, None) => Some(Cause::TokenRejected),
            None => None,
        }
    }

    /// Whether the history says of a token that was lifted that an API rejected it, and that the server did
    /// not say whether it was active. That it said so to another process later explains no end. If the history
    /// has dropped the entry, it is only known that an API rejected the token before it was lifted.
    fn was_rejected_unconfirmed(&self, token: TokenFingerprint) -> bool {
        let token = Some(ShortFingerprint::of_token(token));
        let is_rejection = |entry: &HistoryEntry<_>| {
            entry.token == token
                && entry.cause == Cause::TokenRejected
                && entry.result != HistoryResult::StillActive
        };
        let last = self.whole_history().into_iter().rev().find(is_rejection);
        last.is_none_or(|entry| {
            entry.kind != HistoryKind::Rejection || entry.result == HistoryResult::Unconfirmed
        })
    }

    /// Returns why the last token of these credentials is not used any more, if the record has no lease of
    /// theirs but its history has one.
    fn cause_from_history(&self, t: Timestamp) -> Option<Cause> {
        let own = ShortFingerprint::of_credentials(self.holder);
        let mut newest = self.whole_history().into_iter().rev();
        // An API may reject an older token later, which says nothing about the last one.
        let is_older_token = |entry: &HistoryEntry<_>| {
            entry.kind == HistoryKind::Rejection && entry.cause == Cause::TokenRejected
        };
        let last = newest.find(|entry| entry.credentials == own && !is_older_token(entry))?;
        if last.kind == HistoryKind::Rejection {
            return Some(Cause::CredentialsRejected);
        }
        let histories = self.store.known.histories.iter();
        let mut tokens = histories.map(|history| history.fingerprint);
        let is_last =
            |token: &TokenFingerprint| Some(ShortFingerprint::of_token(*token)) == last.token;
        let expired = || {
            let lifetime = last.lifetime.filter(|_| last.kind == HistoryKind::Login)?;
            (last.at.plus(lifetime) <= t).then_some(Cause::Expired)
        };
        tokens.find(is_last).and_then(|token| self.cause_of_unused(token)).or_else(expired)
    }

    /// Returns the entries of the record as it was last read and those of this process, the oldest first.
    fn whole_history(&self) -> Vec<HistoryEntry<Timestamp>> {
        let mut entries = self.store.history();
        entries.extend(self.history.pending.iter().cloned());
        entries.sort_by_key(|entry| entry.at);
        entries
    }
}

fn was_lifted(known: &RecordState<Timestamp>, token: TokenFingerprint) -> bool {
    known.history(token).is_some_and(|history| history.lifted.is_some())
}
