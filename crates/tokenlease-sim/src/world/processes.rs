//! Processes start, crash, pause, and drive their state machines.

use tokenlease_core::{
    BootId, Timestamp,
    lifecycle::{Lifecycle, Step},
};

use crate::{H, Password, Process, World, process::Entry};

impl World {
    /// Starts a process, with the provider's current password or another.
    pub fn launch(&mut self, p: usize, password: Option<&'static str>) {
        let freezes = self.oracle.freezes.iter();
        let frozen = freezes.filter(|(_, host, _)| *host == self.processes[p].host);
        if let Some((end, ..)) = frozen.copied().find(|(end, ..)| *end > self.now) {
            self.at(end, move |world| world.launch(p, password));
            return;
        }
        let password = password.map_or_else(|| self.provider.password(), Into::into);
        let process = &mut self.processes[p];
        let host = process.host;
        *process =
            Process { epoch: process.epoch + 1, alive: true, ..Process::new(host, password) };
        self.log_line(|| format!("p{p} starts"));
    }

    /// Crashes a process, which may restart after some time.
    pub fn crash(&mut self, p: usize, restart: Option<i64>, password: Option<&'static str>) {
        self.log_line(|| format!("p{p} crashes"));
        self.mark_faulty();
        self.oracle.crashes.push((self.now, p));
        self.oracle.failures.restart_fleet();
        for caller in self.processes[p].stop() {
            self.callers.remove(&caller);
        }
        if let Some(after) = restart {
            self.at(self.now + after, move |world| world.launch(p, password));
        }
    }

    /// Pauses a process for some time, as SIGSTOP and a suspended host do.
    pub fn pause(&mut self, p: usize, for_millis: i64) {
        self.mark_faulty();
        let until = self.now + for_millis;
        self.oracle.pauses.push((self.now, until, p));
        self.oracle.failures.restart_fleet();
        self.processes[p].paused_until = self.processes[p].paused_until.max(until);
        self.log_line(|| format!("p{p} is paused for {for_millis} ms"));
        self.at(until, move |world| world.resume(p));
    }

    pub(super) fn resume(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        for (password, receipt, outcome) in std::mem::take(&mut self.processes[p].inbox) {
            self.deliver(p, &password, receipt, outcome);
        }
        let passwords: Vec<_> = self.processes[p].entries.keys().copied().collect();
        for password in passwords {
            self.drive(p, &password);
            self.answer_overdue(p, &password);
        }
    }

    /// A host is suspended, and its suspend-aware clock runs on.
    pub fn suspend_host(&mut self, host: usize, length: i64) {
        for p in 0..self.processes.len() {
            if self.processes[p].host == host {
                self.pause(p, length);
            }
        }
    }

    /// A host is suspended and does not notice, as a virtual machine: its suspend-aware clock stops
    /// A host that is alone has the store on its disk, so that the store's clock stops too.
    pub fn freeze_host(&mut self, host: usize, length: i64) {
        if self.oracle.freezes.iter().any(|(end, other, _)| *other == host && *end >= self.now) {
            return;
        }
        self.suspend_host(host, length);
        self.hosts[host].elapsed -= length;
        self.oracle.freezes.push((self.now + length, host, length));
        if self.hosts.len() == 1 {
            self.store.offset -= length;
        }
        self.log_line(|| format!("the clock of host {host} stops for {length} ms"));
    }

    /// The wall clock of a host jumps.
    pub fn jump_wall_clock(&mut self, host: usize, by: i64) {
        self.mark_faulty();
        self.hosts[host].wall += by;
        self.oracle.wall_jumps.push((self.now, host));
    }

    /// Returns the state machine of a password in a process; creates it on first use.
    pub fn lifecycle(&mut self, p: usize, password: &Password) -> &mut Lifecycle {
        if !self.processes[p].entries.contains_key(password) {
            let server = self.provider.server();
            let credentials_fingerprint = if self.setup.subject {
                let ticket = self.draw_ticket();
                self.ticket_fingerprint(ticket)
            } else {
                self.credentials_fingerprint_of(password)
            };
            let seed = self.rng.draw();
            let lifecycle = Lifecycle::new(
                &server,
                credentials_fingerprint,
                self.key.clone(),
                self.setup.policy,
                seed,
            )
            .with_boot(BootId(self.processes[p].host as u64));
            let entry = Entry {
                lifecycle,
                waiters: Vec::new(),
                completions: 0,
                wake: None,
                store_unavailable: false,
                store_rejects: false,
                lost_calls: 0,
                known_revision: None,
            };
            self.processes[p].entries.insert(*password, entry);
        }
        &mut self.processes[p].entries.get_mut(password).expect("it was created above").lifecycle
    }

    /// Drives a state machine until it waits.
    pub fn drive(&mut self, p: usize, password: &Password) {
        for round in 0.. {
            if !self.processes[p].runs(self.now) {
                return;
            }
            let now = self.clock(p);
            let Some(entry) = self.processes[p].entries.get_mut(password) else { return };
            let step = entry.lifecycle.poll(now);
            let events = entry.lifecycle.events();
            let completions = entry.lifecycle.completions();
            let completed = std::mem::replace(&mut entry.completions, completions) != completions;
            if !events.is_empty() {
                self.note_events(p, password, &events);
                self.processes[p].note(events);
            }
            if let Step::Do(effect, receipt) = step {
                self.perform(p, password, effect, receipt);
            } else {
                let wake = if let Step::Wait(until) = step { Some(until) } else { None };
                self.wake_at(p, password, wake);
                if !completed {
                    return self.pack(p, password);
                }
            }
            if completed {
                self.answer_waiters(p, password);
            }
            if round > 500 {
                return self.violate(
                    "a state machine did not stop within 500 steps",
                    format!("p{p} {password}"),
                );
            }
        }
    }

    /// Each second process packs its idle state machines, as a registry with many clients does. They go on as if
    /// they had not been packed.
    fn pack(&mut self, p: usize, password: &Password) {
        let (now, server) = (self.clock(p), self.provider.server());
        let Some(entry) = self.processes[p].entries.get_mut(password).filter(|_| p % 2 == 1) else {
            return;
        };
        if let Some(packed) = entry.lifecycle.pack(now.elapsed) {
            entry.lifecycle = packed.unpack(&server, self.key.clone(), self.setup.policy);
            entry.completions = 0;
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
            // A timer that an earlier one replaced does nothing.
            let entry = world.processes[p].entries.get_mut(&password);
            if entry.is_some_and(|entry| entry.wake.take_if(|wake| *wake == t).is_some()) {
                world.drive(p, &password);
            }
        });
    }
}
