//! What operators, providers and other systems do.

use tokenlease_core::{Timestamp, lifecycle::Ask};

use crate::{Caller, H, Kind, Provider, S, World, duration};

impl World {
    /// The process revokes the token it holds.
    pub fn revoke(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.touch();
        let (now, password) = (self.clock(p), self.processes[p].password);
        let machine = self.machine(p, &password);
        let Some(token) = machine.held().map(|(lease, _)| lease.token().clone()) else { return };
        if machine.revoke(&token, now).is_ok() {
            let number = Provider::number(&token);
            self.say(|| format!("p{p} revokes {number}"));
            self.minimum_restarts();
            self.processes[p].told.insert((password, number), self.now);
        }
        self.drive(p, &password);
    }

    /// The process forgets the token it holds.
    pub fn forget(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.touch();
        let (now, password) = (self.clock(p), self.processes[p].password);
        let machine = self.machine(p, &password);
        if let Some(token) = machine.held().map(|(lease, _)| lease.fingerprint()) {
            machine.forget(now);
            self.oracle.forgotten.insert(token);
        }
        self.drive(p, &password);
    }

    /// The provider ends its newest token early.
    pub fn end_newest(&mut self) {
        self.touch();
        let newest = self.provider.tokens.len();
        if self.provider.is_active(newest, self.now) {
            self.minimum_restarts();
        }
        self.provider.end(newest, self.now);
    }

    /// The process asks for a validation on the token it holds.
    pub fn validate(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        let password = self.processes[p].password;
        let machine = self.machine(p, &password);
        if let Some(token) = machine.held().map(|(lease, _)| lease.token().clone()) {
            // Another job may be running, or the provider may have no validations: that is said.
            let asked = machine.validate(&token);
            let owner = (p, self.processes[p].epoch, password);
            self.oracle.failures.begin_anew_for(owner);
            self.say(|| format!("p{p} asks for a validation: {asked:?}"));
        }
        self.drive(p, &password);
    }

    /// The process asks for the provider's running token.
    pub fn refetch(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        let password = self.processes[p].password;
        let ask = Ask::new(self.clock(p).elapsed, duration(20 * S));
        let asked = self.machine(p, &password).refetch_running(&ask);
        self.say(|| format!("p{p} asks for the running token: {asked:?}"));
        self.ask(p, Caller::default());
    }

    /// Someone says that the process's credentials are right.
    pub fn unblock(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.touch();
        let (now, password) = (self.clock(p), self.processes[p].password);
        self.say(|| format!("p{p} is unblock"));
        self.machine(p, &password).unblock(now);
        self.oracle.unblocks.insert(password, self.now);
        self.oracle.failures.begin_anew();
        self.drive(p, &password);
    }

    /// The process looks at the store.
    pub fn look(&mut self, p: usize) {
        if self.processes[p].runs(self.now) {
            let password = self.processes[p].password;
            self.machine(p, &password).look();
            self.drive(p, &password);
        }
    }

    /// Another system logs in with the same user.
    pub fn other_login(&mut self) {
        self.touch();
        self.say(|| "another system logs in".into());
        if self.provider.kill {
            self.minimum_restarts();
        }
        self.provider.other_login(self.now);
    }

    /// The process is given the provider's newest token, with the end that its finder knows.
    pub fn adopt(&mut self, p: usize) {
        let number = self.provider.tokens.len();
        if !self.processes[p].runs(self.now) || !self.provider.is_active(number, self.now) {
            return;
        }
        self.touch();
        let (now, password) = (self.clock(p), self.processes[p].password);
        let left = self.provider.tokens[number - 1].until - self.now;
        let end = (self.setup.kind == Kind::Wyn).then_some(Timestamp(now.elapsed.0 + left));
        let token = self.provider.text(number);
        let adopted = self.machine(p, &password).adopt(token, end, now);
        self.say(|| format!("p{p} is given token {number}: {adopted:?}"));
        if adopted.is_ok() {
            self.provider.tokens[number - 1].granted.insert(password);
            self.oracle.adopted.insert(number);
            self.oracle.failures.begin_anew();
        }
        self.drive(p, &password);
    }

    /// The provider locks the user out for a while.
    pub fn lock_out(&mut self, long: i64) {
        self.touch();
        self.provider.locked = true;
        self.say(|| "the user is locked out".into());
        self.at(self.now + long, |world| {
            world.provider.locked = false;
            world.say(|| "the user is unlocked".into());
        });
    }

    /// The store falls back to what it held that long ago.
    pub fn roll_back(&mut self, by: i64) {
        self.flush();
        self.store.roll_back(self.now - by);
        self.say(|| "the store is rolled back".into());
    }

    /// The store loses its lock.
    pub fn lose_lock(&mut self) {
        self.touch();
        self.store.lose_lock();
        self.oracle.lock_lost = Some(self.now);
    }

    /// The process stands still between its next decision to send credentials and the send.
    pub fn stall_send(&mut self, p: usize, long: i64) {
        self.processes[p].stall = Some((self.now + H, long));
    }
}
