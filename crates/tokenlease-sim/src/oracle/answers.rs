//! Checks each answer to a caller.

use tokenlease_core::{
    Error, ErrorKind,
    lease::{Expiry, WINKAS_MAX_LIFETIME},
    lifecycle::Served,
    time::Moment as _,
};

use crate::{
    Kind, M, Password, Quirk, S, World, millis,
    world::{KNOWN_AFTER, SLACK},
};

impl World {
    pub(crate) fn judge_answer(
        &mut self,
        p: usize,
        password: &Password,
        number: usize,
        served: &Served,
        asked: i64,
    ) {
        let t = self.now;
        let Some(token) = self.provider.token(number) else {
            return self.violate(
                "served a token that the provider never issued",
                format!("p{p} {number}"),
            );
        };
        let (mut sent, lifetime, from, until) =
            (token.sent, token.lifetime, token.from, token.until);
        if self.returns_running() && self.provider.kind == Kind::Winkas {
            // Another system may have got the token. No client knows its age.
            sent = self.known_since(p, number, served).unwrap_or(sent);
        } else if self.returns_running() {
            // A later answer stated the rest of the life that began when the provider issued it.
            sent = sent.max(from);
        }
        let is_granted = token.granted_to.contains(password);
        self.judge_earned(p, password, is_granted);
        if self.provider.is_active(number, t) || self.may_be_unaware(p, number, sent, asked) {
            return;
        }
        let validations = self.oracle.validations.get(&number).map_or(&[][..], Vec::as_slice);
        let last_active = validations.iter().copied().max().unwrap_or(i64::MIN / 2);
        // A provider that returns its running token confirms it.
        let last_active = last_active.max(self.last_return(number).unwrap_or(i64::MIN / 2));
        let elapsed = self.clock(p).elapsed;
        let mut why = None;
        match (self.provider.kind, served.lease.expiry()) {
            // The server returned it after the caller asked: it serves that caller, whatever the server
            // states.
            (Kind::Wyn, Expiry::ExpiredOnArrival { .. })
                if self.was_returned_since(number, asked - SLACK) => {}
            (Kind::Wyn, _) => {
                if t >= sent + lifetime {
                    why = Some(
                        "served a token known to be inactive (a): its stated expiry has passed",
                    );
                }
            }
            (Kind::Winkas, Expiry::Assumed { validate_from_age, .. }) => {
                let end = sent + millis(validate_from_age);
                let age = (t - end) / 10;
                if t >= from.max(sent) + millis(WINKAS_MAX_LIFETIME) {
                    why = Some("served a token known to be inactive (b): it is 24 hours old");
                } else if t >= end + M + SLACK
                    && t - last_active > age.clamp(30 * S, 10 * M) + SLACK
                {
                    why = Some(
                        "served a token known to be inactive (b): its last validation is too old",
                    );
                } else if t >= end + SLACK && t < end + M - SLACK && last_active.max(from) < asked {
                    why = Some(
                        "served a token known to be inactive (b): no validation was sent since the call",
                    );
                }
            }
            (Kind::Winkas, Expiry::Unknown) => {
                if t - last_active > 10 * M + SLACK {
                    why = Some(
                        "served a token known to be inactive (b): its last validation is too old",
                    );
                }
                if elapsed.since(served.lease.sent_at()) > WINKAS_MAX_LIFETIME {
                    why = Some(
                        "served a token known to be inactive (b): 24 hours have passed since the refetch",
                    );
                }
            }
            (Kind::Winkas, _) => {}
        }
        if let Some(reported) = self.processes[p].reported.get(&(*password, number)).copied()
            && reported < asked
            && !validations.iter().any(|at| *at >= reported)
            && self.last_return(number).is_none_or(|sent| sent < reported)
        {
            why = Some("served a token known to be inactive (c): this process had reported it");
        }
        let print = served.lease.fingerprint();
        if let Some(since) = self.oracle.tombstone_since.get(&print).copied()
            && t > since + KNOWN_AFTER
            && self.store_was_reliable(since)
        {
            why = Some("served a token known to be inactive (d): the store has its tombstone");
        }
        if let Some(why) = why {
            let inactive_for = t - until;
            let (age, expiry) = (elapsed.since(served.lease.sent_at()), served.lease.expiry());
            self.violate(
                why,
                format!(
                    "p{p} {password} token {number}, inactive for {inactive_for} ms, issued at {from} for \
                     {lifetime} ms; as the process knows it: requested {age:?} ago, {expiry:?}"
                ),
            );
        }
    }

    /// Checks that the caller's credentials have earned the token.
    fn judge_earned(&mut self, p: usize, password: &Password, is_granted: bool) {
        if !is_granted {
            self.violate(
                "a password was served a token of other credentials",
                format!("p{p} {password}"),
            );
        }
        let circuit = self.oracle.open_circuits.get(password).copied();
        let is_open = circuit.is_some_and(|(since, _)| {
            self.now > since + KNOWN_AFTER && self.store_was_reliable(since)
        });
        // A store that was rolled back holds a circuit again that an accepted login had closed.
        let last = self.oracle.rejections.get(password).and_then(|list| list.last());
        let is_accepted = last.is_some_and(|(at, ..)| self.was_accepted_since(password, *at));
        if is_open && !is_accepted {
            self.violate("rejected credentials were served a token", format!("p{p} {password}"));
        }
    }

    /// Checks that an older lease does not replace a newer one that is still usable.
    pub(crate) fn judge_order(&mut self, p: usize, password: &Password, number: usize) {
        let last = self.oracle.last_lease.get(&(p, *password)).copied();
        let Some((last, _)) = last.filter(|(_, epoch)| *epoch == self.processes[p].epoch) else {
            return;
        };
        let (Some(newer), Some(older)) = (self.provider.token(last), self.provider.token(number))
        else {
            return;
        };
        let print = self.fingerprint(last);
        let discarded = self.oracle.rejected_by_api.contains_key(&print)
            || self.oracle.forgotten.contains(&print)
            || self.oracle.adopted.contains_key(&last)
            || self.oracle.adopted.contains_key(&number)
            || self.is_known_inactive(print);
        // The order of two logins is not defined within the time of a store read.
        if newer.sent > older.sent + 5 * S
            && newer.from > older.from
            && newer.sent + newer.lifetime - self.early(newer.lifetime) > self.now
            && self.provider.is_active(last, self.now)
            && !discarded
        {
            let detail = format!("p{p} {password}: {number} replaced {last}");
            self.violate("an older lease replaced a newer one", detail);
        }
    }

    /// Checks an error that a caller with the right password got.
    pub(crate) fn judge_error(&mut self, p: usize, password: &Password, error: &Error, asked: i64) {
        if !self.provider.accepts(password) {
            return;
        }
        // Credentials that were rejected while the account was locked wait until their circuit closes.
        let waits_for_circuit = error.kind() == ErrorKind::CredentialsRejected
            && self.oracle.was_rejected_since(password, i64::MIN);
        // Credentials that were never accepted wait after rejections of others, as of an old password's probe.
        let waits_for_others = error.kind() == ErrorKind::Throttled
            && self.oracle.rejections.iter().any(|(other, rejections)| {
                other != password && rejections.iter().any(|(at, ..)| *at > self.now - 15 * M)
            });
        let never_serves = match self.setup.quirk {
            // The token that such a server returns may have been rejected twice.
            Some(Quirk::RunningToken | Quirk::SlidingToken) => {
                let last = self.provider.tokens.len();
                self.oracle.rejected_by_api.contains_key(&self.fingerprint(last))
            }
            // Such servers give no token that serves later callers.
            Some(Quirk::ExpiredOnArrival | Quirk::AcceptsNoToken | Quirk::CutOff) => true,
            Some(Quirk::ValidationRefused | Quirk::AllTokensActive) | None => false,
        };
        if self.oracle.recovered_since.is_some_and(|since| asked > since)
            && !waits_for_circuit
            && !waits_for_others
            && !never_serves
        {
            return self.violate("an error after all faults have ended", format!("p{p} {error}"));
        }
        // Its tokens end within the time that a read of the store takes.
        if self.setup.lifetime < 5 * S {
            return;
        }
        // A cached token is served until its expiry margin, whatever fails before that.
        let Some((number, epoch)) = self.oracle.last_lease.get(&(p, *password)).copied() else {
            return;
        };
        let Some(token) = self.provider.token(number) else { return };
        let margin = (token.lifetime / 10).min(M) + SLACK;
        // The server may have stated a later end to another process.
        let (end, made) = (self.now + self.left(p, password, number), token.from);
        let print = self.fingerprint(number);
        let discarded = self.oracle.rejected_by_api.contains_key(&print)
            || self.oracle.forgotten.contains(&print)
            || self.oracle.revoking.contains(&print)
            || self.is_known_inactive(print)
            || self.oracle.was_rejected_since(password, made)
            // A store that was rolled back may hold a circuit that the token had closed.
            || self.oracle.was_rejected_since(password, i64::MIN) && self.store_lost_data(made)
            || self.got_newer(p, number, password);
        if self.provider.kind == Kind::Wyn
            && epoch == self.processes[p].epoch
            && asked < end - margin
            && self.now < end - margin
            && !discarded
            && self.processes[p].paused_until < asked
        {
            self.violate(
                "an error although the cached token is active",
                format!("p{p} {number}: {error}"),
            );
        }
    }
}
