//! Processes live, die, stand still, and drive their machines.

use tokenlease_core::{
    Timestamp,
    lifecycle::{Lifecycle, Step},
};

use crate::{H, Password, Process, World, process::Entry};

impl World {
    /// Starts a process, with the provider's current password or another.
    pub fn launch(&mut self, p: usize, password: Option<&str>) {
        let password = password.map_or_else(|| self.provider.password(), Into::into);
        let process = &mut self.processes[p];
        let host = process.host;
        *process =
            Process { epoch: process.epoch + 1, alive: true, ..Process::new(host, password) };
        self.say(|| format!("p{p} starts"));
    }

    /// Kills a process; it may start again after a while.
    pub fn crash(&mut self, p: usize, restart: Option<i64>, password: Option<&'static str>) {
        self.say(|| format!("p{p} crashes"));
        self.touch();
        self.oracle.crashes.push((self.now, p));
        self.oracle.failures.untold();
        for caller in self.processes[p].stop() {
            self.callers.remove(&caller);
        }
        if let Some(after) = restart {
            self.at(self.now + after, move |world| world.launch(p, password));
        }
    }

    /// Stops a process for a while, as SIGSTOP and a suspended host do.
    pub fn freeze(&mut self, p: usize, for_millis: i64) {
        self.touch();
        let until = self.now + for_millis;
        self.oracle.freezes.push((self.now, until, p));
        self.oracle.failures.untold();
        self.processes[p].frozen = self.processes[p].frozen.max(until);
        self.say(|| format!("p{p} stands still for {for_millis} ms"));
        self.at(until, move |world| world.thaw(p));
    }

    pub(super) fn thaw(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        for (password, receipt, outcome) in std::mem::take(&mut self.processes[p].inbox) {
            self.hand_in(p, &password, receipt, outcome);
        }
        let passwords: Vec<_> = self.processes[p].entries.keys().copied().collect();
        for password in passwords {
            self.drive(p, &password);
            self.past_deadline(p, &password);
        }
    }

    /// The wall clock of a host jumps.
    pub fn jump(&mut self, host: usize, by: i64) {
        self.touch();
        self.hosts[host].wall += by;
    }

    /// The machine of that password in a process; it is made when first asked for.
    pub fn machine(&mut self, p: usize, password: &Password) -> &mut Lifecycle {
        if !self.processes[p].entries.contains_key(password) {
            let (server, credentials_fingerprint) =
                (self.provider.server(), self.credentials_fingerprint_of(password));
            let seed = self.rng.draw();
            let machine = Lifecycle::new(
                &server,
                credentials_fingerprint,
                self.key.clone(),
                self.setup.policy,
                seed,
            );
            let entry = Entry {
                machine,
                waiters: Vec::new(),
                completions: 0,
                wake: None,
                away: false,
                lost_calls: 0,
            };
            self.processes[p].entries.insert(*password, entry);
        }
        &mut self.processes[p].entries.get_mut(password).expect("made just now").machine
    }

    /// Lets a machine work as far as it can without an answer.
    pub fn drive(&mut self, p: usize, password: &Password) {
        for round in 0.. {
            if !self.processes[p].runs(self.now) {
                return;
            }
            let now = self.clock(p);
            let Some(entry) = self.processes[p].entries.get_mut(password) else { return };
            let step = entry.machine.poll(now);
            let events = entry.machine.events();
            let completions = entry.machine.completions();
            let landed = std::mem::replace(&mut entry.completions, completions) != completions;
            if !events.is_empty() {
                self.note_events(p, password, &events);
                self.processes[p].note(events);
            }
            if let Step::Do(effect, receipt) = step {
                self.perform(p, password, effect, receipt);
            } else {
                let wake = if let Step::Wait(until) = step { Some(until) } else { None };
                self.wake_at(p, password, wake);
                if !landed {
                    return;
                }
            }
            if landed {
                self.answer_waiters(p, password);
            }
            if round > 500 {
                return self.violate("a machine works without end", format!("p{p} {password}"));
            }
        }
    }

    pub(super) fn wake_at(&mut self, p: usize, password: &Password, until: Option<Timestamp>) {
        let Some(until) = until else { return };
        let wait = until.0.saturating_sub(self.clock(p).elapsed.0).clamp(0, 10_000 * H);
        let (t, now) = (self.now + wait, self.now);
        let Some(entry) = self.processes[p].entries.get_mut(password) else { return };
        if entry.wake.is_some_and(|wake| wake > now && wake <= t) {
            return;
        }
        entry.wake = Some(t);
        let (epoch, password) = (self.processes[p].epoch, *password);
        self.at(t, move |world| {
            if world.processes[p].epoch != epoch {
                return;
            }
            // One that an earlier wake took the place of wakes nobody.
            let entry = world.processes[p].entries.get_mut(&password);
            if entry.is_some_and(|entry| entry.wake.take_if(|wake| *wake == t).is_some()) {
                world.drive(p, &password);
            }
        });
    }
}
