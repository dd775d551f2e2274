//! Callers: they ask for a token, call an API with it, and report rejections.

use tokenlease_core::{
    Token,
    lifecycle::{Ask, Rejection, Reply, Served},
};

use super::Waiting;
use crate::{Caller, M, Password, Provider, Quirk, S, World, bugs::Bug, duration, millis};

impl World {
    /// A caller in a process asks for a token, and calls an API with it.
    pub fn ask(&mut self, p: usize, caller: Caller) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.stats.asks += 1;
        let password = caller.password.unwrap_or_else(|| self.processes[p].password);
        if password == self.provider.password() && self.now >= self.minimum_valid_until {
            self.stats.minimum += 1;
            self.minimum_valid_until = self.now + self.provider.lifetime;
        }
        if self.naive.is_some() {
            return self.ask_naive(p, caller.replay);
        }
        let of = password;
        let password = self.entry_for(p, &of);
        if let Some(min_remaining) = caller.min_remaining {
            let longest = self.longest_min_remaining(p, &password, 0).max(millis(min_remaining));
            self.oracle.min_remaining_requests.insert((p, password), (self.now, longest));
        }
        let ask = Ask {
            min_remaining: caller.min_remaining,
            ..Ask::new(self.clock(p).elapsed, duration(caller.timeout))
        };
        let (asked, deadline) = (self.now, self.now + caller.timeout);
        let waiting = Waiting { process: p, of, password, ask, asked, deadline, caller };
        let id = self.stats.asks;
        self.at(deadline, move |world| world.answer(id));
        self.callers.insert(id, waiting);
        self.answer(id);
    }

    /// Asks the state machine again for a waiting caller.
    pub(super) fn answer(&mut self, id: u64) {
        let Some(waiting) = self.callers.get(&id) else { return };
        let (p, password, ask) = (waiting.process, waiting.password, waiting.ask);
        if !self.processes[p].runs(self.now) {
            return;
        }
        let now = self.clock(p);
        match self.lifecycle(p, &password).ask(&ask, now) {
            Reply::Later => {
                if now.elapsed >= ask.deadline {
                    self.violate(
                        "a caller has no answer at its deadline",
                        format!("p{p} {password}"),
                    );
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
            match self.lifecycle(p, password).ask(&ask, now) {
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

    /// Returns the longest remaining lifetime that a caller of this entry requested in the last two
    /// minutes: a flight continues after its caller was answered.
    pub(crate) fn longest_min_remaining(
        &self,
        p: usize,
        password: &Password,
        number: usize,
    ) -> i64 {
        let half = self.provider.token(number).map_or(i64::MAX, |token| token.lifetime / 2);
        let min_remaining = self.oracle.min_remaining_requests.get(&(p, *password));
        min_remaining
            .filter(|(at, _)| self.now - at < 2 * M)
            .map_or(0, |(_, min_remaining)| half.min(*min_remaining))
    }

    pub(super) fn answer_overdue(&mut self, p: usize, password: &Password) {
        let Some(entry) = self.processes[p].entries.get(password) else { return };
        for id in entry.waiters.clone() {
            if self.callers.get(&id).is_some_and(|waiting| waiting.deadline <= self.now) {
                self.answer(id);
            }
        }
    }

    pub(super) fn answered(&mut self, waiting: Waiting, reply: Reply) {
        let p = waiting.process;
        self.stats.answer_times.push(self.now);
        let paused_until = self.processes[p].paused_until > waiting.asked;
        if self.now > waiting.deadline + 50 && !paused_until {
            self.violate(
                "a caller was answered after its deadline",
                format!("p{p} {}", waiting.password),
            );
        }
        match reply {
            Reply::Lease(served) => self.served(waiting, &served),
            Reply::Error(error) => {
                self.log_line(|| format!("p{p} {} is answered: {error}", waiting.password));
                *self.stats.errors.entry(error.kind()).or_default() += 1;
                self.judge_error(p, &waiting.of, &error, waiting.asked);
            }
            Reply::Later => {}
        }
    }

    /// A caller gets its token, and uses it.
    pub(super) fn served(&mut self, waiting: Waiting, served: &Served) {
        let Waiting { process: p, of: ref password, asked, .. } = waiting;
        self.stats.served += 1;
        let token = served.lease.token();
        let number = Provider::number(token);
        self.judge_answer(p, password, number, served, asked);
        self.judge_order(p, password, number);
        self.oracle.last_lease.insert((p, *password), (number, self.processes[p].epoch));
        let inactive = !self.provider.is_active(number, self.now);
        self.stats.inactive_served += u64::from(inactive);
        if inactive {
            self.log_line(|| format!("p{p} {password} is served the inactive token {number}"));
        }
        let later = waiting.caller.use_delay;
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

    /// A caller calls an API, which may reject the token.
    fn used(&mut self, waiting: Waiting, token: &Token) {
        let Waiting { process: p, password, caller, .. } = waiting;
        let number = Provider::number(token);
        if self.provider.is_active(number, self.now)
            && self.now >= self.api_rejects_until
            && self.setup.quirk != Some(Quirk::AcceptsNoToken)
        {
            return;
        }
        let now = self.clock(p);
        self.oracle.rejected_by_api.insert(self.fingerprint(number), self.now);
        let mut rejected = token.clone();
        if self.setup.bug == Some(Bug::WrongTokenRejected)
            && let Some((lease, _)) = self.lifecycle(p, &password).current()
        {
            rejected = lease.token().clone();
        }
        let rejection = self.lifecycle(p, &password).report_rejected(&rejected, now);
        self.log_line(|| format!("p{p} {password} has token {number} rejected: {rejection:?}"));
        if rejection == Rejection::StillActive {
            self.stats.still_active += 1;
        } else {
            if rejection == Rejection::Suspected {
                self.processes[p].reported.insert((password, number), self.now);
            }
            if caller.replay {
                let again =
                    Caller { password: Some(password), timeout: 20 * S, replay: false, ..caller };
                self.at(self.now + 1, move |world| world.ask(p, again));
            }
        }
    }

    /// Schedules calls in a process from one time up to another, one in each `step`.
    pub fn ask_every(&mut self, p: usize, from: i64, to: i64, step: i64, caller: &Caller) {
        for t in (0..).map(|n| from + n * step).take_while(|t| *t < to) {
            let caller = caller.clone();
            self.at(t, move |world| world.ask(p, caller));
        }
    }
}
