//! Who knows the truth: judges each answer and each send of credentials.

use std::collections::{BTreeMap, BTreeSet};

use tokenlease_core::{
    Fingerprint,
    lease::{Expiry, WINKAS_LONGEST_LIFE},
    lifecycle::Served,
    time::Moment as _,
    vendor::Call,
};

use crate::{
    Fault, Kind, M, Owner, Password, S, Vendor, World, millis,
    world::{KNOWN_AFTER, SLACK},
};

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

/// What the truth is.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Promises that were broken.
    pub violations: Vec<Violation>,
    /// Something happened that may cost a login.
    pub touched: bool,
    /// From then on all is well again, and callers with the right password have a lease.
    pub quiet_since: Option<i64>,
    /// When questions were sent that the vendor answered with yes, by token.
    pub verdicts: BTreeMap<usize, Vec<i64>>,
    /// Tokens that their holder forgot.
    pub forgotten: BTreeSet<Fingerprint>,
    dead_since: BTreeMap<Fingerprint, i64>,
    /// Since when the record shuts a password out until then.
    shut: BTreeMap<Password, (i64, i64)>,
    generation: u64,
}

impl Oracle {
    pub(crate) fn violate(&mut self, at: i64, what: &'static str, detail: String) {
        self.violations.push(Violation { at, what, detail });
    }
}

impl World {
    pub(crate) fn fingerprint(&self, number: usize) -> Fingerprint {
        Fingerprint::of(&self.key, &self.vendor.text(number))
    }

    fn passwords(&self) -> BTreeSet<Password> {
        self.processes.iter().flat_map(|process| process.entries.keys().cloned()).collect()
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
            let proof = self.proof_of(&password);
            if let Some((_, until)) = record.circuits.iter().find(|(other, _)| *other == proof) {
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
    }

    /// The store lost its data.
    pub fn flush(&mut self) {
        self.touch();
        self.faults.push((self.now, self.now, Fault::Flush));
        self.store.flush();
        self.oracle.dead_since.clear();
        self.oracle.shut.clear();
        self.oracle.generation = 0;
    }

    /// Whether the store could be read, and lost nothing, since then.
    fn is_calm(&self, since: i64) -> bool {
        !self.faults.iter().any(|(from, until, fault)| {
            matches!(fault, Fault::Store | Fault::SlowStore | Fault::Lossy | Fault::Flush)
                && *from < self.now
                && until.saturating_add(30 * S) > since
        })
    }

    pub(crate) fn judge_answer(
        &mut self,
        p: usize,
        password: &Password,
        number: usize,
        served: &Served,
        asked: i64,
    ) {
        let t = self.now;
        let Some(token) = self.vendor.token(number).cloned() else {
            return self.violate("a token that the vendor never made", format!("p{p} {number}"));
        };
        if !token.granted.contains(password) {
            self.violate("a password has a token that it never got", format!("p{p} {password}"));
        }
        if let Some((shut, _)) = self.oracle.shut.get(password).copied()
            && t > shut + KNOWN_AFTER
            && self.is_calm(shut)
        {
            self.violate("refused credentials are let in", format!("p{p} {password}"));
        }
        if self.vendor.is_active(number, t) {
            return;
        }
        let verdicts = self.oracle.verdicts.get(&number).map_or(&[][..], Vec::as_slice);
        let yes = verdicts.iter().copied().max().unwrap_or(i64::MIN / 2);
        let elapsed = self.clock(p).elapsed;
        let mut why = None;
        match (self.vendor.kind, served.lease.expiry()) {
            (Kind::Wyn, _) => {
                if t >= token.sent + token.life {
                    why = Some("knowably dead (a): its stated end is over");
                }
            }
            (Kind::Winkas, Expiry::Assumed { probe_age, .. }) => {
                let end = token.sent + millis(probe_age);
                let age = (t - end) / 10;
                if t >= token.from + millis(WINKAS_LONGEST_LIFE) {
                    why = Some("knowably dead (b): 24 hours have passed");
                } else if t >= end + M + SLACK && t - yes > age.clamp(30 * S, 10 * M) + SLACK {
                    why = Some("knowably dead (b): its last verdict is too old");
                } else if t >= end + SLACK && t < end + M - SLACK && yes < asked {
                    why = Some("knowably dead (b): no verdict sent since the caller asked");
                }
            }
            (Kind::Winkas, Expiry::Unknown) => {
                if t - yes > 10 * M + SLACK {
                    why = Some("knowably dead (b): its last verdict is too old");
                }
                if elapsed.since(served.lease.sent_at()) > WINKAS_LONGEST_LIFE {
                    why = Some("knowably dead (b): 24 hours have passed since the refetch");
                }
            }
            (Kind::Winkas, _) => {}
        }
        if let Some(told) = self.processes[p].told.get(&(password.clone(), number)).copied()
            && told < asked
            && !verdicts.iter().any(|yes| *yes > told)
        {
            why = Some("knowably dead (c): this process had refused it");
        }
        let print = served.lease.fingerprint();
        if let Some(dead) = self.oracle.dead_since.get(&print).copied()
            && t > dead + KNOWN_AFTER
            && self.is_calm(dead)
        {
            why = Some("knowably dead (d): its tombstone stands in the store");
        }
        if let Some(why) = why {
            let dead_for = t - token.until;
            self.violate(why, format!("p{p} {password} token {number}, dead for {dead_for} ms"));
        }
    }

    pub(crate) fn judge_send(&mut self, owner: &Owner, call: &Call, sent: i64) {
        let (t, (p, _, password)) = (self.now, owner);
        if !call.takes_credentials() {
            return;
        }
        if !self.vendor.takes(password) {
            if let Some((shut, until)) = self.oracle.shut.get(password).copied()
                && sent > shut + 2 * S
                && until > t + self.store.offset + 10 * S
                && self.is_calm(shut)
                && self.processes[*p].frozen < t - 60 * S
            {
                self.violate("wrong credentials are sent again", format!("p{p} {password}"));
            }
            return;
        }
        if matches!(call, Call::Issue) {
            self.judge_login(owner, sent);
        }
    }

    /// Each login beside a good token must have its cause.
    fn judge_login(&mut self, owner: &Owner, sent: i64) {
        let (t, (p, _, password)) = (self.now, owner);
        let early = self.early();
        let good = (1..=self.vendor.tokens.len()).rev().find(|number| {
            self.vendor
                .token(*number)
                .is_some_and(|token| token.until - t > early && token.granted.contains(password))
        });
        let Some(number) = good else { return };
        if !self.oracle.touched {
            let detail = format!("p{p} {password}, token {number} lives");
            return self.violate("a login while a good token lives, without any fault", detail);
        }
        let (print, record) = (self.fingerprint(number), self.store.inspect());
        let proof = self.proof_of(password);
        let held = self.processes.iter().any(|process| {
            process.entries.values().any(|entry| {
                entry.machine.held().is_some_and(|(lease, _)| lease.fingerprint() == print)
            })
        });
        let listed = record.leases.contains(&(proof, print));
        let buried = self.processes[*p].buried.contains(&print);
        let late = |fault: Fault| {
            self.faults
                .iter()
                .any(|(from, until, f)| *f == fault && (from - 30 * S..until + M).contains(&t))
        };
        let dark = [Fault::Refetch, Fault::Vendor, Fault::Slow, Fault::Lossy, Fault::Unreachable];
        let cause = if buried || record.dead.iter().any(|(token, _)| *token == print) {
            "refused without a verdict, or revoked"
        } else if self.oracle.forgotten.contains(&print) {
            "forgotten"
        } else if self.longest_wish(*p, password) > self.left(number) {
            "a longer remaining life was wished for"
        } else if self.vendor.token(number).is_some_and(|token| token.from > sent) {
            "sent again before an answer that came late"
        } else if !held && !listed {
            "known to nobody: a lost answer, a crash"
        } else if !self.store.is_owner(t, owner) || self.processes[*p].has_lost_the_store() {
            "no lock: the store away, a freeze"
        } else if !listed {
            "held elsewhere, not in the record: the store was away"
        } else if self.vendor.kind == Kind::Winkas && dark.into_iter().any(late) {
            "past its assumed end, and no word from verdict and refetch"
        } else {
            let detail = format!("p{p} {password}, token {number} lives");
            self.violate("a login while a good token lives, without a cause", detail);
            "none"
        };
        *self.stats.extra.entry(cause).or_default() += 1;
    }

    fn left(&self, number: usize) -> i64 {
        self.vendor.token(number).map_or(0, |token| token.until - self.now)
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
        Vendor::number(served.lease.token())
    }
}
