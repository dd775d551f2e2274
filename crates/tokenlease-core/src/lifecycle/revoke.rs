//! Revocation (RFC 7009), and its local part: forgetting a token.

use super::{Lifecycle, event::Event, job::JobKind};
use crate::{
    error::{Error, ErrorKind, Result},
    record::{TombstoneCause, change::RecordChange},
    time::Now,
    token::{Token, TokenFingerprint},
};

impl Lifecycle {
    /// Revokes a token. From now on no process that shares the token serves it. Then the revocation
    /// is sent, and then a validation that proves it. [`take_report`](Self::take_report) has the
    /// result.
    ///
    /// # Errors
    /// `Unsupported` if the server has no revocation, `Internal` if another job is running.
    pub fn revoke(&mut self, token: &Token, now: Now) -> Result<()> {
        if !self.can.revoke {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this provider, or this configuration, has no revocation",
            )
            .expected("Wyn Enterprise, or an OAuth2 server with a revocation path")
            .advice("`forget` drops the token here and in the store; it expires by itself"));
        }
        self.start_job(JobKind::Revoke, token)?;
        let fingerprint = TokenFingerprint::of(&self.key, token);
        self.record_end(fingerprint, TombstoneCause::Revoked, now.elapsed, now.elapsed);
        Ok(())
    }

    /// Drops this entry's lease here and in the record, without revoking it. Other processes that
    /// have the token go on using it, but none adopts it any more.
    pub fn forget(&mut self, now: Now) {
        let t = now.elapsed;
        let credentials = self.credentials;
        let current = self.current.take().map(|current| current.lease.fingerprint);
        let stored = self.store.known.lease(credentials).map(|lease| lease.fingerprint);
        let mut known: Vec<_> = current.into_iter().chain(stored).collect();
        known.dedup();
        for fingerprint in known {
            self.events.push(Event::Forgotten(fingerprint));
            self.record_change(RecordChange::Forgotten { credentials, fingerprint }, t);
        }
    }
}
