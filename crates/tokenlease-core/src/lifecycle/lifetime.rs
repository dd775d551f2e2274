//! The lifetime of tokens whose expiry nobody states (`WinKAS`): how it is learned.
//!
//! Such a token is taken to be active up to an age, and validated from that age on. The age is the
//! agreed lifetime ([`Policy::agreed_lifetime`](super::Policy), 12 hours unless set), or what
//! validations taught: a token that was active at a higher age raises it, a token that died younger
//! lowers it.

use std::time::Duration;

use super::Lifecycle;
use crate::{
    expiry::STRICT_PERIOD,
    lease::{Expiry, Lease, WINKAS_MAX_LIFETIME, WINKAS_USUAL_LIFETIME},
    record::change::RecordChange,
    time::{Moment as _, Timestamp},
};

/// A learned age is saved when it grew by this much.
const LEARNED_STEP: Duration = Duration::from_secs(10 * 60);
/// A learned age is this much below the ages at which tokens died.
const BEFORE_END: Duration = Duration::from_secs(30);

impl Lifecycle {
    /// The age from which tokens without a stated expiry are validated, and whether it was learned.
    pub(super) fn validate_from_age(&self) -> (Duration, bool) {
        let agreed = self.agreed_lifetime();
        let age = self.store.known.learned.unwrap_or(agreed);
        (age.min(WINKAS_MAX_LIFETIME), age != agreed)
    }

    fn agreed_lifetime(&self) -> Duration {
        self.policy.agreed_lifetime.unwrap_or(WINKAS_USUAL_LIFETIME)
    }

    /// Notes in the lease that the server called it active in answer to a request sent at `sent`.
    /// Returns what the record is to learn from that.
    pub(super) fn learn_from_validation(
        &self,
        lease: &mut Lease<Timestamp>,
        sent: Timestamp,
    ) -> Vec<RecordChange<Timestamp>> {
        let (fingerprint, then) = (lease.fingerprint, self.sent_clocks.wall(sent));
        lease.confirmed(sent, then);
        let mut changes = vec![RecordChange::Validated { fingerprint, sent, then }];
        if let Expiry::Assumed { validate_from_age, .. } = lease.expiry() {
            let (agreed, age) = (self.agreed_lifetime(), sent.since(lease.sent_at()));
            if age >= agreed && self.store.known.early_end.is_some() {
                changes.push(RecordChange::EarlyEnd(None));
            }
            let known = self.store.known.learned.unwrap_or(agreed);
            if age > validate_from_age.saturating_add(STRICT_PERIOD)
                && age > known
                && age.saturating_sub(known) >= LEARNED_STEP
            {
                changes.push(RecordChange::Learned(Some(age)));
            }
        }
        changes
    }

    /// Returns what the record is to learn from a token that was inactive in answer to a request
    /// sent at `sent`.
    ///
    /// A lifetime longer than the agreed one is learned from the last validation, and forgotten when a
    /// token ends before that age. Two tokens in a row that end early lower the age, so that the minute
    /// of strict validation includes the observed end.
    pub(super) fn learn_from_end(
        &self,
        lease: &Lease<Timestamp>,
        sent: Timestamp,
    ) -> Vec<RecordChange<Timestamp>> {
        let Expiry::Assumed { validate_from_age, .. } = lease.expiry() else { return Vec::new() };
        let (agreed, age) = (self.agreed_lifetime(), sent.since(lease.sent_at()));
        let mut changes = Vec::new();
        let mut learned = self.store.known.learned;
        let seen = lease.validated_at.unwrap_or_else(|| lease.sent_at()).since(lease.sent_at());
        if seen > validate_from_age.saturating_add(STRICT_PERIOD)
            && seen > learned.unwrap_or(agreed)
        {
            learned = Some(seen);
            changes.push(RecordChange::Learned(learned));
        }
        if learned.is_some_and(|learned| learned > agreed && (agreed..learned).contains(&age)) {
            changes.push(RecordChange::Learned(None));
            changes.push(RecordChange::EarlyEnd(None));
        } else if age < agreed {
            if let Some((young, other)) = self.store.known.early_end
                && other != lease.fingerprint
            {
                let lower = young.min(age).saturating_sub(BEFORE_END);
                if learned.is_none_or(|learned| lower < learned) {
                    changes.push(RecordChange::Learned(Some(lower)));
                }
            }
            changes.push(RecordChange::EarlyEnd(Some((age, lease.fingerprint))));
        } else {
            changes.push(RecordChange::EarlyEnd(None));
        }
        changes
    }
}
