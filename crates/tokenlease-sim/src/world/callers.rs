//! Callers: they ask, are answered, use their token, and reject it.

use tokenlease_core::{
    Token,
    lifecycle::{Ask, Rejection, Reply, Served},
};

use super::Waiting;
use crate::{Caller, M, Password, Provider, S, World, duration, millis, planted::Bug};

impl World {
    /// Someone in that process asks for a lease, and calls an API with it.
    pub fn ask(&mut self, p: usize, caller: Caller) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.stats.asks += 1;
        let password = caller.password.unwrap_or_else(|| self.processes[p].password);
        if password == self.provider.password() && self.now >= self.minimum_until {
            self.stats.minimum += 1;
            self.minimum_until = self.now + self.provider.life;
        }
        if self.naive.is_some() {
            return self.ask_naive(p, caller.replay);
        }
        let of = password;
        let password = self.entry_of(p, &of);
        if let Some(wish) = caller.min_remaining {
            let lately = self.longest_wish(p, &password, 0).max(millis(wish));
            self.oracle.wishes.insert((p, password), (self.now, lately));
        }
        let ask = Ask {
            min_remaining: caller.min_remaining,
            ..Ask::new(self.clock(p).elapsed, duration(caller.wait))
        };
        let (asked, deadline) = (self.now, self.now + caller.wait);
        let waiting = Waiting { process: p, of, password, ask, asked, deadline, caller };
        let id = self.stats.asks;
        self.at(deadline, move |world| world.answer(id));
        self.callers.insert(id, waiting);
        self.answer(id);
    }

    /// Asks the machine for a caller, once more.
    pub(super) fn answer(&mut self, id: u64) {
        let Some(waiting) = self.callers.get(&id) else { return };
        let (p, password, ask) = (waiting.process, waiting.password, waiting.ask);
        if !self.processes[p].runs(self.now) {
            return;
        }
        let now = self.clock(p);
        match self.machine(p, &password).ask(&ask, now) {
            Reply::Later => {
                if now.elapsed >= ask.deadline {
                    self.violate("not answered at the deadline", format!("p{p} {password}"));
                    self.callers.remove(&id);
                } else if let Some(entry) = self.processes[p].entries.get_mut(&password)
                    && !entry.waiters.contains(&id)
                {
                    entry.waiters.push(id);
                }
            }
            reply => {
                if let Some(waiting) = self.callers.remove(&id) {
                    self.answered(waiting, reply);
                }
            }
        }
        if let Some(entry) = self.processes[p].entries.get_mut(&password) {
            entry.waiters.retain(|waiter| self.callers.contains_key(waiter));
        }
        self.drive(p, &password);
    }

    pub(super) fn answer_waiters(&mut self, p: usize, password: &Password) {
        let Some(entry) = self.processes[p].entries.get_mut(password) else { return };
        for id in std::mem::take(&mut entry.waiters) {
            let Some(waiting) = self.callers.get(&id) else { continue };
            let (ask, now) = (waiting.ask, self.clock(p));
            match self.machine(p, password).ask(&ask, now) {
                Reply::Later => {
                    if let Some(entry) = self.processes[p].entries.get_mut(password) {
                        entry.waiters.push(id);
                    }
                }
                reply => {
                    if let Some(waiting) = self.callers.remove(&id) {
                        self.answered(waiting, reply);
                    }
                }
            }
        }
    }

    /// The longest remaining life that a caller there insisted on lately: a flight goes on when
    /// its caller was answered.
    pub(crate) fn longest_wish(&self, p: usize, password: &Password, number: usize) -> i64 {
        let half = self.provider.token(number).map_or(i64::MAX, |token| token.life / 2);
        let wish = self.oracle.wishes.get(&(p, *password));
        wish.filter(|(at, _)| self.now - at < 2 * M).map_or(0, |(_, wish)| half.min(*wish))
    }

    pub(super) fn past_deadline(&mut self, p: usize, password: &Password) {
        let Some(entry) = self.processes[p].entries.get(password) else { return };
        for id in entry.waiters.clone() {
            if self.callers.get(&id).is_some_and(|waiting| waiting.deadline <= self.now) {
                self.answer(id);
            }
        }
    }

    pub(super) fn answered(&mut self, waiting: Waiting, reply: Reply) {
        let p = waiting.process;
        self.stats.answered.push(self.now);
        let frozen = self.processes[p].frozen > waiting.asked;
        if self.now > waiting.deadline + 50 && !frozen {
            self.violate("answered after the deadline", format!("p{p} {}", waiting.password));
        }
        match reply {
            Reply::Lease(served) => self.served(waiting, &served),
            Reply::Error(error) => {
                self.say(|| format!("p{p} {} is answered: {error}", waiting.password));
                *self.stats.errors.entry(error.kind()).or_default() += 1;
                self.judge_error(p, &waiting.of, &error, waiting.asked);
            }
            Reply::Later => {}
        }
    }

    /// A caller has its lease, and uses it.
    pub(super) fn served(&mut self, waiting: Waiting, served: &Served) {
        let Waiting { process: p, of: ref password, asked, .. } = waiting;
        self.stats.served += 1;
        let token = served.lease.token();
        let number = Provider::number(token);
        self.judge_answer(p, password, number, served, asked);
        self.judge_order(p, password, number);
        self.oracle.in_hand.insert((p, *password), (number, self.processes[p].epoch));
        let dead = !self.provider.is_active(number, self.now);
        self.stats.dead += u64::from(dead);
        if dead {
            self.say(|| format!("p{p} {password} is served the dead token {number}"));
        }
        let later = waiting.caller.uses_after;
        let (token, epoch) = (token.clone(), self.processes[p].epoch);
        if later > 0 {
            self.at(self.now + later, move |world| {
                if world.processes[p].epoch == epoch && world.processes[p].runs(world.now) {
                    world.used(waiting, &token);
                }
            });
        } else {
            self.used(waiting, &token);
        }
    }

    /// An API is called, and may say no.
    fn used(&mut self, waiting: Waiting, token: &Token) {
        let Waiting { process: p, password, caller, .. } = waiting;
        let number = Provider::number(token);
        if self.provider.is_active(number, self.now) && self.now >= self.api_rejects_until {
            return;
        }
        let now = self.clock(p);
        self.oracle.rejected_by_api.insert(self.fingerprint(number), self.now);
        let mut rejected = token.clone();
        if self.setup.bug == Some(Bug::AnyTokenRejected)
            && let Some((lease, _)) = self.machine(p, &password).held()
        {
            rejected = lease.token().clone();
        }
        let rejection = self.machine(p, &password).report_rejected(&rejected, now);
        self.say(|| format!("p{p} {password} has token {number} rejected: {rejection:?}"));
        if rejection == Rejection::StillActive {
            self.stats.still_active += 1;
        } else {
            if rejection == Rejection::Suspected {
                self.processes[p].told.insert((password, number), self.now);
            }
            if caller.replay {
                let again =
                    Caller { password: Some(password), wait: 20 * S, replay: false, ..caller };
                self.at(self.now + 1, move |world| world.ask(p, again));
            }
        }
    }

    /// Asks in a process from one moment to another, each that often.
    pub fn ask_every(&mut self, p: usize, from: i64, to: i64, step: i64, caller: &Caller) {
        for t in (0..).map(|n| from + n * step).take_while(|t| *t < to) {
            let caller = caller.clone();
            self.at(t, move |world| world.ask(p, caller));
        }
    }
}
