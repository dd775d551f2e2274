//! Hand-written clients in the same world. Each process has two features that many programs lack:
//! only one login at a time, and a repetition of the API call that was rejected.

use std::mem;

use tokenlease_core::{
    ErrorKind, Timestamp,
    provider::{Answer, Call},
};

use super::World;
use crate::{Fault, H, Kind, Provider, S, millis};

/// How a program without tokenlease gets its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naive {
    /// It logs in when it starts, and again when it is rejected.
    AtStart,
    /// It caches a token for the assumed or stated lifetime.
    Cached,
    /// It caches a token for nine tenths of that.
    CachedEarly,
    /// All processes share a cache without a lock.
    Shared,
}

/// The content of a cache: a token, and its expiry by the wall clock.
type Kept = (usize, i64);

/// A fleet of naive processes.
pub(crate) struct Fleet {
    client: Naive,
    processes: Vec<Program>,
    cache: Option<Kept>,
}

#[derive(Default)]
struct Program {
    epoch: u32,
    kept: Option<Kept>,
    rejected: usize,
    busy: bool,
    tries: u32,
    /// The waiting callers: whether each repeats its API call when the token is rejected.
    waiting: Vec<bool>,
}

impl Fleet {
    pub(crate) fn new(client: Naive, processes: usize) -> Self {
        let processes = (0..processes).map(|_| Program::default()).collect();
        Self { client, processes, cache: None }
    }
}

impl World {
    fn program(&mut self, p: usize) -> &mut Program {
        let epoch = self.processes[p].epoch;
        let fleet = self.naive.as_mut().expect("the world has a naive fleet");
        let program = &mut fleet.processes[p];
        if program.epoch != epoch {
            // A restarted process has an empty cache.
            *program = Program { epoch, ..Program::default() };
        }
        program
    }

    fn client(&self) -> Naive {
        self.naive.as_ref().expect("the world has a naive fleet").client
    }

    pub(super) fn ask_naive(&mut self, p: usize, replay: bool) {
        let (wall, client) = (self.clock(p).wall.0, self.client());
        let program = self.program(p);
        let usable = program.kept.filter(|(_, end)| client == Naive::AtStart || wall < *end);
        if let Some((number, _)) = usable {
            return self.use_naive(p, number, replay);
        }
        program.waiting.push(replay);
        if !mem::replace(&mut program.busy, true) {
            program.tries = 0;
            self.read_cache_naive(p);
        }
    }

    /// Schedules an action for this start of the process. A paused process does it when it resumes.
    fn then(&mut self, p: usize, t: i64, action: impl FnOnce(&mut Self) + 'static) {
        let epoch = self.processes[p].epoch;
        self.at(t, move |world| {
            if world.processes[p].epoch != epoch || !world.processes[p].alive {
                return;
            }
            if world.processes[p].runs(world.now) {
                action(world);
            } else {
                world.then(p, world.processes[p].paused_until, action);
            }
        });
    }

    fn read_cache_naive(&mut self, p: usize) {
        if self.client() != Naive::Shared {
            return self.login_naive(p);
        }
        let route = self.route(false);
        if route.request_lost || route.answer_lost {
            let t = self.now + millis(self.setup.policy.store_timeout);
            return self.then(p, t, move |world| world.login_naive(p));
        }
        self.then(p, self.now + route.request_delay + route.answer_delay, move |world| {
            let wall = world.clock(p).wall.0;
            let down = world.is_broken(Fault::Store);
            let cache = world.naive.as_ref().and_then(|fleet| fleet.cache).filter(|_| !down);
            let program = world.program(p);
            match cache.filter(|(number, end)| wall < *end && *number != program.rejected) {
                Some(kept) => world.keep_naive(p, kept),
                None => world.login_naive(p),
            }
        });
    }

    fn login_naive(&mut self, p: usize) {
        let (sent, route) = (self.now, self.route(true));
        let sent_at = self.clock(p).elapsed;
        let given_up = sent + millis(self.setup.policy.request_timeout);
        if route.request_lost {
            return self.then(p, given_up, move |world| world.failed_naive(p));
        }
        self.at(sent + route.request_delay, move |world| {
            let number = world.answer_naive(p, sent, sent_at);
            let back = world.now + route.answer_delay;
            if route.answer_lost || back > given_up {
                return world.then(p, given_up, move |world| world.failed_naive(p));
            }
            world.then(p, back, move |world| match number {
                Some(number) => world.logged_in_naive(p, number),
                None => world.failed_naive(p),
            });
        });
    }

    fn answer_naive(&mut self, p: usize, sent: i64, sent_at: Timestamp) -> Option<usize> {
        let broken = [
            Fault::Unreachable,
            Fault::Throttle,
            Fault::Busy,
            Fault::Provider,
            Fault::Forbid,
            Fault::Config,
        ];
        if broken.into_iter().any(|fault| self.is_broken(fault)) {
            return None;
        }
        let password = self.processes[p].password;
        match self.provider.answer(self.now, &Call::Login, &password, sent, sent_at) {
            Answer::Token(granted_to) => Some(Provider::number(&granted_to.token)),
            _ => None,
        }
    }

    fn logged_in_naive(&mut self, p: usize, number: usize) {
        let lifetime = if self.setup.kind == Kind::Wyn { self.provider.lifetime } else { 12 * H };
        let lifetime =
            if self.client() == Naive::CachedEarly { lifetime / 10 * 9 } else { lifetime };
        let kept = (number, self.clock(p).wall.0 + lifetime);
        if self.client() == Naive::Shared {
            let route = self.route(false);
            if !route.request_lost {
                self.at(self.now + route.request_delay, move |world| {
                    if !world.is_broken(Fault::Store)
                        && let Some(fleet) = &mut world.naive
                    {
                        fleet.cache = Some(kept);
                    }
                });
            }
        }
        self.keep_naive(p, kept);
    }

    fn keep_naive(&mut self, p: usize, kept: Kept) {
        let program = self.program(p);
        (program.kept, program.busy) = (Some(kept), false);
        for replay in mem::take(&mut program.waiting) {
            self.use_naive(p, kept.0, replay);
        }
    }

    fn failed_naive(&mut self, p: usize) {
        let now = self.now;
        let program = self.program(p);
        program.tries += 1;
        if program.tries < 4 {
            let again = now + S / 2 * (1 << program.tries);
            return self.then(p, again, move |world| world.read_cache_naive(p));
        }
        program.busy = false;
        let left = mem::take(&mut program.waiting).len() as u64;
        *self.stats.errors.entry(ErrorKind::Unavailable).or_default() += left;
    }

    /// A caller calls an API with its token, which may be rejected.
    fn use_naive(&mut self, p: usize, number: usize, replay: bool) {
        self.stats.served += 1;
        let inactive = !self.provider.is_active(number, self.now);
        self.stats.inactive_served += u64::from(inactive);
        if !inactive && self.now >= self.api_rejects_until {
            return;
        }
        let program = self.program(p);
        program.rejected = number;
        program.kept.take_if(|(kept, _)| *kept == number);
        if replay {
            self.then(p, self.now + 1, move |world| world.ask_naive(p, false));
        }
    }
}
