//! Subjects: an application vouches for its user, whose secrets may change with each call.
//!
//! The leases are then kept for the subject, and other secrets neither end them nor cause a login. Circuits and
//! backoffs of rejected secrets are kept for the secrets, so that a new ticket is tried at once. Rejected
//! secrets only stop logins: the token of an earlier ticket serves to its end. The backoff after an answer that
//! can't be used is kept for the subject: tickets that are new each time would not back off at all.

use super::{
    Lifecycle, Receipt,
    backoff::{Backoff, Why},
};
use crate::{
    credentials::CredentialsFingerprint, error::Error, record::change::RecordChange, time::Now,
};

impl Lifecycle {
    /// Returns the fingerprint of the credentials that are sent.
    pub fn credentials_fingerprint(&self) -> CredentialsFingerprint {
        self.credentials
    }

    /// Returns the fingerprint under which the leases are kept: that of the subject if the identity has one,
    /// or else that of the credentials.
    pub fn holder(&self) -> CredentialsFingerprint {
        self.holder
    }

    /// Returns whether the identity names a subject, so that the leases are independent of the secrets.
    pub fn has_subject(&self) -> bool {
        self.holder != self.credentials
    }

    /// Takes other credentials for the subject. The next login sends them; the lease stays in use.
    ///
    /// It does nothing for an identity without a subject: other credentials have another state machine there.
    pub fn set_credentials(&mut self, credentials: CredentialsFingerprint) {
        if self.has_subject() && self.credentials != credentials {
            self.credentials = credentials;
            self.backoffs.forget_credentials();
        }
    }

    /// Notes that a login was sent with other credentials for the subject than the machine knew when it named
    /// the effect.
    pub fn sends_credentials(
        &mut self,
        receipt: &mut Receipt,
        credentials: CredentialsFingerprint,
    ) {
        if self.has_subject() {
            receipt.credentials = credentials;
            self.set_credentials(credentials);
        }
    }

    /// Returns the error of the subject's credentials if the server rejected them and they are not sent
    /// again for now. Other ones may be sent. `None` without a subject.
    pub fn rejection_of_subject(&self, now: Now) -> Option<Error> {
        let rejected =
            self.rejected_for_subject().filter(|rejected| rejected.blocks(now.elapsed))?;
        rejected.error.map(|error| error.with_until(now.wall_at(rejected.until)))
    }

    /// Whether nothing is served because the server rejected the credentials.
    pub(super) fn circuit_stops_serving(&self) -> bool {
        !self.has_subject() && self.circuit_is_open()
    }

    /// The backoff of rejected credentials that stops logins for a subject.
    pub(super) fn rejected_for_subject(&self) -> Option<Backoff> {
        let known = &self.store.known;
        let circuit =
            known.circuit(self.credentials, self.options).filter(|_| self.has_subject())?;
        let error = self.error_of_circuit(circuit.cause);
        Some(Backoff::new(Why::Circuit, circuit.until).with_error(error))
    }

    /// Ends what stops the credentials of a subject, after a call of `unblock`.
    pub(super) fn unblock_subject(&mut self, now: Now) {
        if self.has_subject() {
            let change = RecordChange::Unblocked { credentials: self.holder, at: now.elapsed };
            self.record_change(change, now.elapsed);
        }
    }
}
