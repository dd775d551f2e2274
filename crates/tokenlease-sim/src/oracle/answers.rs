//! Judges each answer to a caller.

use tokenlease_core::{
    Error, ErrorKind,
    lease::{Expiry, WINKAS_MAX_LIFETIME},
    lifecycle::Served,
    time::Moment as _,
};

use crate::{
    Kind, M, Password, S, World, millis,
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
            return self.violate("a token that the provider never made", format!("p{p} {number}"));
        };
        let (sent, life, from, until) = (token.sent, token.life, token.from, token.until);
        if !token.granted.contains(password) {
            self.violate("a password has a token that it never got", format!("p{p} {password}"));
        }
        if let Some((shut, _)) = self.oracle.shut.get(password).copied()
            && t > shut + KNOWN_AFTER
            && self.is_calm(shut)
        {
            self.violate("rejected credentials are let in", format!("p{p} {password}"));
        }
        if self.provider.is_active(number, t) {
            return;
        }
        let validations = self.oracle.validations.get(&number).map_or(&[][..], Vec::as_slice);
        let yes = validations.iter().copied().max().unwrap_or(i64::MIN / 2);
        let elapsed = self.clock(p).elapsed;
        let mut why = None;
        match (self.provider.kind, served.lease.expiry()) {
            (Kind::Wyn, _) => {
                if t >= sent + life {
                    why = Some("knowably dead (a): its stated end is over");
                }
            }
            (Kind::Winkas, Expiry::Assumed { validate_from_age, .. }) => {
                let end = sent + millis(validate_from_age);
                let age = (t - end) / 10;
                if t >= from + millis(WINKAS_MAX_LIFETIME) {
                    why = Some("knowably dead (b): 24 hours have passed");
                } else if t >= end + M + SLACK && t - yes > age.clamp(30 * S, 10 * M) + SLACK {
                    why = Some("knowably dead (b): its last validation is too old");
                } else if t >= end + SLACK && t < end + M - SLACK && yes < asked {
                    why = Some("knowably dead (b): no validation sent since the caller asked");
                }
            }
            (Kind::Winkas, Expiry::Unknown) => {
                if t - yes > 10 * M + SLACK {
                    why = Some("knowably dead (b): its last validation is too old");
                }
                if elapsed.since(served.lease.sent_at()) > WINKAS_MAX_LIFETIME {
                    why = Some("knowably dead (b): 24 hours have passed since the refetch");
                }
            }
            (Kind::Winkas, _) => {}
        }
        if let Some(told) = self.processes[p].told.get(&(*password, number)).copied()
            && told < asked
            && !validations.iter().any(|yes| *yes >= told)
        {
            why = Some("knowably dead (c): this process had rejected it");
        }
        let print = served.lease.fingerprint();
        if let Some(dead) = self.oracle.dead_since.get(&print).copied()
            && t > dead + KNOWN_AFTER
            && self.is_calm(dead)
        {
            why = Some("knowably dead (d): its tombstone stands in the store");
        }
        if let Some(why) = why {
            let dead_for = t - until;
            self.violate(why, format!("p{p} {password} token {number}, dead for {dead_for} ms"));
        }
    }

    /// No lease gives way to an older one while it may be used.
    pub(crate) fn judge_order(&mut self, p: usize, password: &Password, number: usize) {
        let last = self.oracle.in_hand.get(&(p, *password)).copied();
        let Some((last, _)) = last.filter(|(_, epoch)| *epoch == self.processes[p].epoch) else {
            return;
        };
        let (Some(newer), Some(older)) = (self.provider.token(last), self.provider.token(number))
        else {
            return;
        };
        let print = self.fingerprint(last);
        let given_up = self.oracle.rejected_by_api.contains_key(&print)
            || self.oracle.forgotten.contains(&print)
            || self.oracle.adopted.contains(&last)
            || self.oracle.adopted.contains(&number)
            || self.is_buried(print);
        // Sent within the time of a look, nobody knows which of two was first.
        if newer.sent > older.sent + 5 * S
            && newer.from > older.from
            && newer.sent + newer.life - self.early(newer.life) > self.now
            && self.provider.is_active(last, self.now)
            && !given_up
        {
            let detail = format!("p{p} {password}: {last} gave way to {number}");
            self.violate("an older lease replaced a newer one", detail);
        }
    }

    /// A caller with the right password was answered with an error.
    pub(crate) fn judge_error(&mut self, p: usize, password: &Password, error: &Error, asked: i64) {
        if !self.provider.takes(password) {
            return;
        }
        // Credentials that were rejected while the user was locked out wait for their circuit.
        let shut = error.kind() == ErrorKind::CredentialsRejected
            && self.oracle.shut_since(password, i64::MIN);
        if self.oracle.quiet_since.is_some_and(|since| asked > since) && !shut {
            return self.violate("no lease although all is well again", format!("p{p} {error}"));
        }
        // What this process had in hand stays in use to its margin, whatever fails meanwhile.
        let Some((number, epoch)) = self.oracle.in_hand.get(&(p, *password)).copied() else {
            return;
        };
        let Some(token) = self.provider.token(number) else { return };
        let margin = (token.life / 10).min(M) + SLACK;
        let (end, made) = (token.sent + token.life.min(token.until - token.sent), token.from);
        let print = self.fingerprint(number);
        let given_up = self.oracle.rejected_by_api.contains_key(&print)
            || self.oracle.forgotten.contains(&print)
            || self.is_buried(print)
            || self.oracle.shut_since(password, made);
        if self.provider.kind == Kind::Wyn
            && epoch == self.processes[p].epoch
            && asked < end - margin
            && self.now < end - margin
            && !given_up
            && self.processes[p].frozen < asked
        {
            self.violate("an error although its lease lives", format!("p{p} {number}: {error}"));
        }
    }
}
