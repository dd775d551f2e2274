//! Actions of operators, providers and other systems.

use tokenlease_core::{Timestamp, lifecycle::Ask};

use crate::{Caller, H, Kind, Provider, S, World, duration};

impl World {
    /// The process revokes its current token.
    pub fn revoke(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.mark_faulty();
        let password = self.processes[p].password;
        let lifecycle = self.lifecycle(p, &password);
        let Some(token) = lifecycle.current().map(|(lease, _)| lease.token().clone()) else {
            return;
        };
        if lifecycle.revoke(&token).is_ok() {
            let number = Provider::number(&token);
            self.log_line(|| format!("p{p} revokes {number}"));
            self.restart_minimum();
            self.oracle.revoking.insert(self.fingerprint(number));
        }
        self.drive(p, &password);
    }

    /// The process forgets its current token.
    pub fn forget(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.mark_faulty();
        let (now, password) = (self.clock(p), self.processes[p].password);
        let lifecycle = self.lifecycle(p, &password);
        if let Some(token) = lifecycle.current().map(|(lease, _)| lease.fingerprint()) {
            lifecycle.forget(now);
            self.oracle.forgotten.insert(token);
        }
        self.drive(p, &password);
    }

    /// The provider ends its newest token early.
    pub fn end_newest_token(&mut self) {
        self.mark_faulty();
        let newest = self.provider.tokens.len();
        if self.provider.is_active(newest, self.now) {
            self.restart_minimum();
        }
        self.provider.end(newest, self.now);
    }

    /// The process validates its current token.
    pub fn validate(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        let password = self.processes[p].password;
        let lifecycle = self.lifecycle(p, &password);
        if let Some(token) = lifecycle.current().map(|(lease, _)| lease.token().clone()) {
            // This is an error if another job is running, or the provider has no validation.
            let asked = lifecycle.validate(&token);
            let owner = (p, self.processes[p].epoch, password);
            self.oracle.failures.restart_entry(owner);
            self.log_line(|| format!("p{p} asks for a validation: {asked:?}"));
        }
        self.drive(p, &password);
    }

    /// The process refetches the provider's running token.
    pub fn refetch(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        let password = self.processes[p].password;
        let ask = Ask::new(self.clock(p).elapsed, duration(20 * S));
        let asked = self.lifecycle(p, &password).refetch_running(&ask);
        self.log_line(|| format!("p{p} asks for the running token: {asked:?}"));
        self.ask(p, Caller::default());
    }

    /// An operator unblocks the process's credentials.
    pub fn unblock(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.mark_faulty();
        let (now, password) = (self.clock(p), self.processes[p].password);
        self.log_line(|| format!("p{p} is unblocked"));
        self.lifecycle(p, &password).unblock(now);
        self.oracle.unblocks.insert(password, self.now);
        self.oracle.failures.restart();
        self.drive(p, &password);
    }

    /// The process reads the store.
    pub fn check_store(&mut self, p: usize) {
        if self.processes[p].runs(self.now) {
            let password = self.processes[p].password;
            self.lifecycle(p, &password).check_store();
            self.drive(p, &password);
        }
    }

    /// Another system logs in with the same user.
    pub fn other_login(&mut self) {
        self.mark_faulty();
        self.log_line(|| "another system logs in".into());
        if self.provider.new_token_ends_old {
            self.restart_minimum();
        }
        self.provider.other_login(self.now);
    }

    /// The process adopts the provider's newest token, with its expiry if the provider states one.
    pub fn adopt(&mut self, p: usize) {
        let number = self.provider.tokens.len();
        if !self.processes[p].runs(self.now) || !self.provider.is_active(number, self.now) {
            return;
        }
        self.mark_faulty();
        let (now, password) = (self.clock(p), self.processes[p].password);
        let left = self.provider.tokens[number - 1].until - self.now;
        let end = (self.setup.kind == Kind::Wyn).then_some(Timestamp(now.elapsed.0 + left));
        let token = self.provider.text(number);
        let adopted = self.lifecycle(p, &password).adopt(token, end, now);
        self.log_line(|| format!("p{p} adopts token {number}: {adopted:?}"));
        if adopted.is_ok() {
            self.provider.tokens[number - 1].granted_to.insert(password);
            self.oracle.adopted.insert(number, self.now);
            // The adopted token replaces the cached one, at the caller's request.
            self.oracle.last_lease.remove(&(p, password));
            self.oracle.failures.restart();
        }
        self.drive(p, &password);
    }

    /// The provider locks the account for some time.
    pub fn lock_account(&mut self, long: i64) {
        self.mark_faulty();
        self.provider.locked = true;
        self.log_line(|| "the account is locked".into());
        self.at(self.now + long, |world| {
            world.provider.locked = false;
            world.log_line(|| "the account is unlocked".into());
        });
    }

    /// The store returns to its state of `by` ago.
    pub fn roll_back(&mut self, by: i64) {
        self.flush();
        self.store.roll_back(self.now - by);
        self.log_line(|| "the store is rolled back".into());
    }

    /// The store loses its lock.
    pub fn lose_lock(&mut self) {
        self.mark_faulty();
        self.store.lose_lock();
        self.oracle.lock_lost = Some(self.now);
    }

    /// The process is paused between its next decision to send credentials and the send.
    pub fn pause_before_send(&mut self, p: usize, long: i64) {
        self.processes[p].pending_pause = Some((self.now + H, long));
    }
}
