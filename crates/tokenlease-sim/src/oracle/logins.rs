//! Judges each login: beside a good token it must have its cause.

use super::{Carrier, Sent};
use crate::{Fault, Kind, M, Owner, Password, S, World, duration, millis, world::SLACK};

/// Without a word for three refetches, a login follows.
const REFETCHES: usize = 3;

impl World {
    /// The newest token that the sender could use in place of a new one.
    fn good_token(&self, password: &Password) -> Option<usize> {
        let t = self.now;
        let last = self.provider.tokens.len();
        if self.provider.kind == Kind::Winkas {
            // A refetch returns it to whoever logs in with the user's credentials.
            return self.provider.is_active(last, t).then_some(last);
        }
        (1..=last).rev().take(50).find(|number| {
            self.provider.token(*number).is_some_and(|token| {
                token.until.min(token.sent + token.life) - t > self.early(token.life)
                    && token.granted.contains(password)
            })
        })
    }

    /// Each login beside a good token must have its cause.
    pub(crate) fn judge_login(&mut self, owner: &Owner, sent: Sent) {
        let (p, _, password) = owner;
        self.judge_budget(owner, sent);
        let Some(number) = self.good_token(password) else { return };
        let detail = || format!("p{p} {password}, token {number} lives");
        let wish = self.longest_wish(*p, password, number) > self.left(number);
        if !self.oracle.touched && !wish {
            let detail = detail();
            return self.violate("a login while a good token lives, without any fault", detail);
        }
        let cause = if let Some(cause) = self.cause(owner, sent, number) {
            cause
        } else {
            let lease = self.processes[*p].entries.get(password);
            let mine = lease.and_then(|entry| entry.machine.held().map(|(l, _)| l.clone()));
            let detail = format!("{}; {sent:?}; it holds {mine:?}", detail());
            self.violate("a login while a good token lives, without a cause", detail);
            "none"
        };
        *self.stats.extra.entry(cause).or_default() += 1;
    }

    /// Without the store a process logs in once a lifetime, or once an hour if no answer came.
    fn judge_budget(&mut self, owner: &Owner, sent: Sent) {
        if !sent.alone {
            return;
        }
        let life = self.provider.life.min(60 * M);
        if let Some((last, life)) = self.oracle.alone.insert(*owner, (sent.at, life))
            && sent.at - last < life - self.early(life) - SLACK
        {
            let detail = format!("p{} {}: the last was sent at {last}", owner.0, owner.2);
            self.violate("a store outage costs a process more than a login a lifetime", detail);
        }
    }

    /// Without any fault, WinKAS needs no login more than an all-knowing client.
    pub(crate) fn judge_end(&mut self) {
        let (issued, minimum) = (self.provider.tokens.len(), self.stats.minimum as usize);
        if !self.oracle.touched && self.provider.kind == Kind::Winkas && issued > minimum {
            let detail = format!("{issued} for {minimum}");
            self.violate("more logins than the minimum, without any fault", detail);
        }
    }

    /// Why the login goes out although that token lives, if there is a reason for it.
    fn cause(&mut self, owner: &Owner, sent: Sent, number: usize) -> Option<&'static str> {
        let (p, _, password) = owner;
        let (print, t) = (self.fingerprint(number), self.now);
        if t - sent.at >= millis(self.setup.policy.request_timeout) {
            return Some("arrived after it was given up");
        }
        if self.is_buried(print) {
            // What came after it counts: was that revoked, rejected, or used to its end?
            let newest = self.newest_delivered(number, password);
            let newest_print = self.fingerprint(newest);
            if !self.is_buried(newest_print) {
                return Some("what had replaced it is over");
            }
            if self.oracle.revoked.contains(&newest_print) {
                return Some("revoked");
            }
            if sent.alone {
                return Some("in a store outage, within the budget");
            }
            return self.is_spaced(password).then_some("rejected without a validation");
        }
        if self.longest_wish(*p, password, number) > self.left(number) {
            if self.oracle.wished.insert((*password, number)) {
                return Some("a longer remaining life was wished for");
            }
            let newest = self.newest_delivered(number, password);
            if newest > number && !self.is_buried(self.fingerprint(newest)) {
                return Some("what had replaced it is over");
            }
        }
        // Where the running token can be had again, only silence or a race excuses a login.
        if self.can_be_refetched() && !self.refetch_failed(owner, sent, number) {
            return None;
        }
        if self.oracle.forgotten.contains(&print) {
            return Some("forgotten");
        }
        let given =
            self.provider.token(number).is_some_and(|token| token.granted.contains(password));
        if !given {
            return Some("never given to these credentials, and refetch had no word");
        }
        if sent.stalled || self.is_interrupted(*p, sent.at, t) {
            return Some("stood still between decision and send");
        }
        if self.is_repeated(*p, sent, number) {
            return Some("sent again before an answer that came late");
        }
        let record = self.store.inspect();
        let credentials_fingerprint = self.credentials_fingerprint_of(password);
        let listed = record.leases.contains(&(credentials_fingerprint, print));
        let mine = self.holds(*p, password, print);
        if mine {
            return self.past_its_end(number).then_some("past its end without a word");
        }
        if sent.alone {
            return Some("in a store outage, within the budget");
        }
        if !sent.owned && !self.lock_was_lost(*p, sent) {
            return None;
        }
        if !sent.owned {
            return Some("the store lost the lock");
        }
        // What was saved since the decision could not be seen by it.
        if listed && self.store.last_save() <= Some(sent.at) {
            return self.past_its_end(number).then_some("past its end without a word");
        }
        let from = self.provider.token(number).map_or(t, |token| token.from);
        if self.has_newer(number, password) {
            return Some("what had replaced it is over");
        }
        if self.oracle.shut_since(password, from) {
            return Some("its credentials were rejected meanwhile");
        }
        if (0..self.processes.len()).any(|q| self.holds(q, password, print)) {
            return self
                .is_unsaved(number, print, password)
                .then_some("held elsewhere, and could not be told");
        }
        let coming = |carrier: &Carrier| carrier.alone && carrier.sent > self.now - 10 * S;
        if self.carriers_of(number).iter().any(coming) {
            return Some("held elsewhere, and could not be told");
        }
        let lost = self.carriers_of(number).iter().all(|c| self.is_lost(number, c, owner, sent));
        (lost || self.store_forgot(from)).then_some("known to nobody")
    }

    /// The token was made by a request whose sender had given it up, or could give nothing up any
    /// more, and which arrived after this one was sent.
    fn is_repeated(&self, p: usize, sent: Sent, number: usize) -> bool {
        let Some(token) = self.provider.token(number) else { return false };
        let gone = |carrier: &Carrier| {
            carrier.entry.0 != p && self.is_interrupted(carrier.entry.0, token.sent, self.now)
        };
        let own = |carrier: &Carrier| carrier.entry.0 == p;
        if token.from >= sent.at && self.carriers_of(number).iter().any(own) {
            return true;
        }
        let underway = |carrier: &Carrier| {
            carrier.entry.0 == p && carrier.delivered.is_none_or(|at| at > sent.at)
        };
        // It stood still with a login decided on, which went out beside the next one.
        let paused = || {
            self.carriers_of(number).iter().any(own)
                && self.is_interrupted(p, token.sent - 10 * S, token.sent)
        };
        (token.from >= sent.at || self.carriers_of(number).iter().any(underway))
            && (sent.at - token.sent >= 9 * S
                || self.carriers_of(number).iter().any(gone)
                || paused())
    }

    fn holds(&self, p: usize, of: &Password, print: tokenlease_core::TokenFingerprint) -> bool {
        let entry = self.processes[p].entries.get(of);
        entry.is_some_and(|entry| {
            entry.machine.held().is_some_and(|(lease, _)| lease.fingerprint() == print)
        })
    }

    fn carriers_of(&self, number: usize) -> Vec<Carrier> {
        self.oracle.carriers.get(&number).cloned().unwrap_or_default()
    }

    /// Whether what was carried to someone got lost on the way, or with them.
    fn is_lost(&self, number: usize, carrier: &Carrier, sender: &Owner, sent: Sent) -> bool {
        let (p, epoch, _) = &carrier.entry;
        let gone = self.processes[*p].epoch != *epoch || !self.processes[*p].alive;
        let still = self.is_interrupted(*p, carrier.sent - 40 * S, self.now);
        // It came when its sender had asked for a newer one.
        let outdated = |at: i64| {
            self.provider.token(number).is_some_and(|token| {
                let newer = |other: &crate::provider::Issued| {
                    other.sent > token.sent && other.granted.contains(&carrier.entry.2)
                };
                at - token.sent >= 9 * S && self.provider.tokens.iter().any(newer)
            })
        };
        match carrier.delivered {
            // Given up after ten seconds, by itself or with its lock.
            None if *p == sender.0 => gone || sent.at - carrier.sent > -30 * S,
            None => gone || still || sent.at - carrier.sent >= 9 * S,
            // It died with it before it was saved; or it had no use for it.
            Some(at) => gone || still || carrier.beside || outdated(at),
        }
    }

    /// Whether refetches had no word, or were answered before the token was made.
    fn refetch_failed(&self, owner: &Owner, sent: Sent, number: usize) -> bool {
        let (p, _, password) = owner;
        let key = (*p, *password);
        let last = self.oracle.refetched.get(&key).copied().unwrap_or(i64::MIN);
        let silent = self.oracle.silent.get(&key);
        let silent = silent.into_iter().flatten().filter(|at| **at > self.now - 3 * M).count();
        let raced = self.provider.token(number).is_some_and(|token| {
            token.from >= sent.at || (token.from > last && last > self.now - M)
        });
        // Credentials beside others that were just rejected have one send: no refetch before it.
        let alone = self
            .provider
            .wrong
            .iter()
            .rev()
            .take(20)
            .any(|(at, other, _)| other != password && *at > self.now - 16 * M);
        silent >= REFETCHES || raced || alone
    }

    /// WinKAS: the token's end is assumed to be over, and neither validation nor refetch had a word.
    fn past_its_end(&self, number: usize) -> bool {
        let print = self.fingerprint(number);
        let doubted = self.oracle.rejected_by_api.contains_key(&print);
        let dark = self.oracle.validation_silent > self.now - 2 * M;
        self.provider.kind == Kind::Winkas && (dark || doubted)
    }

    /// Whether the store could have lost the sender's lock.
    fn lock_was_lost(&self, p: usize, sent: Sent) -> bool {
        let lately = sent.at - millis(self.setup.policy.lock_ttl);
        self.oracle.lock_lost.is_some_and(|at| at >= lately)
            || self.is_interrupted(p, lately, sent.at)
            || self.faults.iter().any(|(from, until, fault)| {
                *fault == Fault::Flush && *from <= sent.at && *until >= lately
            })
    }

    /// Whether the store lost what it had been told since then.
    fn store_forgot(&self, since: i64) -> bool {
        self.faults.iter().any(|(from, until, fault)| {
            *fault == Fault::Flush && *from <= self.now && *until >= since - M
        })
    }

    /// Whether those who hold the token had reason not to have told: it came from elsewhere, the
    /// store forgot it, it failed them until a moment ago, or they stand still.
    fn is_unsaved(
        &self,
        number: usize,
        print: tokenlease_core::TokenFingerprint,
        of: &Password,
    ) -> bool {
        let t = self.now;
        let from = self.provider.token(number).map_or(t, |token| token.from);
        let cut_off = |q: usize| {
            let entry = self.processes[q].entries.get(of);
            entry.is_some_and(|entry| entry.lost_calls > 0) || self.is_interrupted(q, t - 40 * S, t)
        };
        self.store_forgot(from)
            || self.oracle.adopted.contains(&number)
            || !self.is_calm(t - 10 * S)
            || self.lose_store_answers > 0
            || (0..self.processes.len()).any(|q| self.holds(q, of, print) && cut_off(q))
    }

    /// Whether the password was given a newer token, which is over.
    fn has_newer(&self, number: usize, password: &Password) -> bool {
        (number + 1..=self.provider.tokens.len())
            .any(|newer| self.provider.tokens[newer - 1].granted.contains(password))
    }

    /// The last token, from that one on, that came to who holds the password.
    fn newest_delivered(&self, number: usize, password: &Password) -> usize {
        let newer = (number + 1..=self.provider.tokens.len()).rev().find(|newer| {
            let carriers = self.oracle.carriers.get(newer).into_iter().flatten();
            carriers
                .filter(|carrier| carrier.entry.2 == *password)
                .any(|carrier| carrier.delivered.is_some())
        });
        newer.unwrap_or(number)
    }

    /// Logins that rejections without a validation cause are spaced.
    fn is_spaced(&mut self, password: &Password) -> bool {
        let t = self.now;
        let (last, count) = self.oracle.spaced.get(password).copied().unwrap_or((i64::MIN / 2, 0));
        let yes = self.oracle.validations.values().flatten().any(|yes| *yes >= last);
        let anew = yes
            || t - last > 110 * M
            || self.oracle.unblocks.values().any(|at| *at >= last)
            || self.store_forgot(last)
            || self.oracle.outages.iter().any(|(at, _)| *at >= last - M);
        let space = if anew {
            0
        } else {
            {
                // The machine may have counted the first ones for another cause.
                millis(tokenlease_core::backoff::login(count.saturating_sub(2)))
            }
        };
        self.oracle.spaced.insert(*password, (t, if anew { 1 } else { count + 1 }));
        t - last >= space - S - SLACK
    }

    /// What is left of the token's life, as who got it counts it.
    fn left(&self, number: usize) -> i64 {
        let token = self.provider.token(number);
        token.map_or(0, |token| token.until.min(token.sent + token.life) - self.now)
    }

    /// How long before its end a token of that life may be replaced.
    pub fn early(&self, life: i64) -> i64 {
        let life = duration(life);
        match self.setup.kind {
            Kind::Winkas => 0,
            Kind::Wyn => millis(
                tokenlease_core::expiry::window(life) + tokenlease_core::expiry::margin(life),
            ),
        }
    }
}
