//! Choices in the place of chance and time: which request arrives next, what becomes of it, and
//! whom a fault strikes. A list of choices tells a run, so all runs can be enumerated.

use super::{Action, World};
use crate::{Caller, Fault, S};

/// A timer may overtake a request that is under way if it is due by then.
const SLOWEST: i64 = 300;
/// How long a process stands still: longer than its requests are waited for, longer than its lock
/// lives and as long as a sibling may need to see that.
const PAUSES: [i64; 2] = [12 * S, 30 * S + 260];

/// The one fault that strikes in a run, at a place of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// None.
    Nothing,
    /// A process dies, and starts and asks again at once.
    Crash,
    /// A request or an answer is lost.
    Loss,
    /// A process stands still, also between a decision and the send.
    Pause,
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    Nothing,
    Request,
    Answer,
}

/// The choices of a run: those that it was given, then the first of each.
pub(crate) struct Choices {
    /// What was chosen, and of how many.
    pub(crate) taken: Vec<(u8, u8)>,
    /// There were more choices than the depth allows.
    pub(crate) cut: bool,
    given: Vec<u8>,
    depth: usize,
    strike: Strike,
    /// So often a timer may overtake what is under way.
    overtakes: u8,
    under_way: Vec<(i64, Action)>,
}

impl Choices {
    pub(crate) fn new(given: Vec<u8>, depth: usize, strike: Strike, overtakes: u8) -> Self {
        let (taken, under_way) = (Vec::new(), Vec::new());
        Self { taken, cut: false, given, depth, strike, overtakes, under_way }
    }

    /// One of so many, counted from 0.
    fn choose(&mut self, of: usize) -> usize {
        let at = self.taken.len();
        if of < 2 {
            return 0;
        }
        if at >= self.depth {
            self.cut = true;
            return 0;
        }
        let choice = self.given.get(at).copied().unwrap_or_default();
        self.taken.push((choice, u8::try_from(of).expect("few choices")));
        usize::from(choice)
    }

    /// Whether the fault strikes here, and in which of so many ways.
    fn strikes(&mut self, strike: Strike, ways: usize) -> Option<usize> {
        if self.strike != strike {
            return None;
        }
        let way = self.choose(1 + ways).checked_sub(1)?;
        self.strike = Strike::Nothing;
        Some(way)
    }
}

impl World {
    /// What becomes of the request that is about to leave, if that is chosen.
    pub(super) fn chosen_loss(&mut self) -> Option<Loss> {
        let lost = self.choices.as_mut()?.strikes(Strike::Loss, 2);
        if lost.is_some() {
            self.touch();
            self.faults.push((self.now, self.now + 1, Fault::Lossy));
        }
        Some(lost.map_or(Loss::Nothing, |way| [Loss::Request, Loss::Answer][way]))
    }

    /// Whether the process stands still before what it is about to send: until when it has to begin
    /// with that, and how long.
    pub(super) fn chosen_stall(&mut self) -> Option<(i64, i64)> {
        let way = self.choices.as_mut()?.strikes(Strike::Pause, PAUSES.len())?;
        Some((i64::MAX, PAUSES[way]))
    }

    /// A request leaves, and arrives then, or when that is chosen.
    pub(super) fn on_its_way(&mut self, t: i64, arrives: impl FnOnce(&mut Self) + 'static) {
        if let Some(choices) = &mut self.choices {
            choices.under_way.push((t, Box::new(arrives)));
        } else {
            self.at(t, arrives);
        }
    }

    /// Lets happen what is chosen, until nothing more will happen by then.
    pub(crate) fn run_chosen(&mut self, until: i64) {
        loop {
            self.run(self.now);
            let timer = self.queue.peek().map(|next| next.0.0.0).filter(|t| *t <= until);
            let Some(choices) = &mut self.choices else { return };
            let requests = choices.under_way.len();
            let may_overtake = timer.is_some_and(|t| t <= self.now + SLOWEST);
            let timers = if requests == 0 {
                usize::from(timer.is_some())
            } else {
                usize::from(choices.overtakes > 0 && may_overtake)
            };
            let processes = self.processes.len();
            let strikes = match choices.strike {
                Strike::Crash => processes,
                Strike::Pause => processes * PAUSES.len(),
                Strike::Nothing | Strike::Loss => 0,
            };
            if requests + timers == 0 || !self.oracle.violations.is_empty() {
                return;
            }
            let choice = choices.choose(requests + timers + strikes);
            if choice < requests {
                let (t, arrives) = choices.under_way.remove(choice);
                self.now = self.now.max(t);
                self.sequence += 1;
                arrives(self);
            } else if choice < requests + timers {
                choices.overtakes -= u8::from(requests > 0);
                self.now = timer.unwrap_or(self.now);
            } else {
                let strike = std::mem::replace(&mut choices.strike, Strike::Nothing);
                let way = choice - requests - timers;
                let p = way % processes;
                if strike == Strike::Crash {
                    self.crash(p, None, None);
                    self.launch(p, None);
                    self.ask(p, Caller { wait: 60 * S, ..Caller::default() });
                } else {
                    self.freeze(p, PAUSES[way / processes]);
                }
            }
        }
    }
}
