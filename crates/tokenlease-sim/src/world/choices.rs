//! Choices in the place of chance and time: which request arrives next, what becomes of it, and
//! whom a fault strikes. A list of choices tells a run, so all runs can be enumerated.
//!
//! Two orders of what can't see each other are one: a run that differs from another by such an
//! order alone is given up (sleep sets, as model checkers have them).

use std::mem;

use tokenlease_core::{lifecycle::Effect, provider::Call};

use super::{Action, World};
use crate::{Caller, Fault, S};

/// A timer may overtake the requests that are under way if it is due by then.
const SLOWEST: i64 = 300;
/// How long a look at the store takes where its order is of no interest.
const SLOWEST_LOOK: i64 = 1_900;
/// How long a process stands still: longer than its requests are waited for; longer than its lock
/// lives, by as much as a sibling needs to see that.
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

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    Nothing,
    Request,
    Answer,
}

/// What a request looks at and what it changes, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    looks: u8,
    changes: u8,
}

impl Reach {
    pub(super) fn of(effect: &Effect) -> Self {
        const RECORD: u8 = 1;
        const LOCK: u8 = 2;
        const PROVIDER: u8 = 4;
        let (looks, changes) = match effect {
            Effect::Load => (RECORD, 0),
            Effect::Save { .. } => (0, RECORD),
            Effect::Send(Call::Refetch | Call::Validate(_)) => (PROVIDER, 0),
            Effect::Send(_) => (0, PROVIDER),
            _ => (0, LOCK),
        };
        Self { looks, changes }
    }

    fn meets(self, other: Self) -> bool {
        self.changes & (other.looks | other.changes) != 0
            || other.changes & (self.looks | self.changes) != 0
    }
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// The request with that number arrives, sent by that process.
    Arrival { number: u64, p: usize, reach: Reach },
    /// The next timer is due.
    Timer,
    /// The fault strikes that process, in that way.
    Strike { p: usize, way: usize },
}

impl Move {
    /// Whether the order of the two makes no difference to anyone.
    fn is_apart_from(self, other: Self) -> bool {
        match (self, other) {
            (Self::Arrival { p, reach, .. }, Self::Arrival { p: q, reach: there, .. }) => {
                p != q && !reach.meets(there)
            }
            (Self::Arrival { p, .. }, Self::Strike { p: q, .. })
            | (Self::Strike { p, .. }, Self::Arrival { p: q, .. }) => p != q,
            _ => false,
        }
    }
}

struct UnderWay {
    number: u64,
    sent: i64,
    arrives: i64,
    /// The sender and its start.
    of: (usize, u32),
    reach: Reach,
    action: Action,
}

/// The choices of a run: those that it was given, then the first of each.
pub(crate) struct Choices {
    /// What was chosen, and of how many.
    pub(crate) taken: Vec<(u8, u8)>,
    /// There were more choices than the depth allows.
    pub(crate) cut: bool,
    /// Another run shows the same.
    pub(crate) shown: bool,
    given: Vec<u8>,
    depth: usize,
    strike: Strike,
    /// So often a timer may overtake what is under way.
    overtakes: u8,
    under_way: Vec<UnderWay>,
    sent: u64,
    /// Moves that other runs make first from here.
    asleep: Vec<Move>,
}

impl Choices {
    pub(crate) fn new(given: Vec<u8>, depth: usize, strike: Strike, overtakes: u8) -> Self {
        Self {
            taken: Vec::new(),
            cut: false,
            shown: false,
            given,
            depth,
            strike,
            overtakes,
            under_way: Vec::new(),
            sent: 0,
            asleep: Vec::new(),
        }
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

    /// All that may happen next in a fleet of so many, if there is a timer, and if it may overtake.
    fn moves(&self, processes: usize, timer: bool, overtakes: bool) -> Vec<Move> {
        let arrival = |request: &UnderWay| Move::Arrival {
            number: request.number,
            p: request.of.0,
            reach: request.reach,
        };
        let mut moves: Vec<_> = self.under_way.iter().map(arrival).collect();
        if (overtakes && self.overtakes > 0) || (timer && moves.is_empty()) {
            moves.push(Move::Timer);
        }
        let ways = match self.strike {
            Strike::Crash => 1,
            Strike::Pause => PAUSES.len(),
            Strike::Nothing | Strike::Loss => 0,
        };
        if !moves.is_empty() {
            let each = (0..processes).flat_map(|p| (0..ways).map(move |way| (p, way)));
            moves.extend(each.map(|(p, way)| Move::Strike { p, way }));
        }
        moves
    }

    /// Chooses one of them, if there is one that no other run makes first.
    fn pick(&mut self, moves: &[Move]) -> Option<Move> {
        let awake: Vec<_> =
            moves.iter().copied().filter(|next| !self.asleep.contains(next)).collect();
        self.shown = awake.is_empty() && !moves.is_empty();
        if awake.is_empty() {
            return None;
        }
        let choice = self.choose(awake.len());
        let next = awake[choice];
        self.asleep.extend(&awake[..choice]);
        self.asleep.retain(|other| other.is_apart_from(next));
        Some(next)
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
    pub(super) fn on_its_way(
        &mut self,
        p: usize,
        reach: Reach,
        arrives: i64,
        action: impl FnOnce(&mut Self) + 'static,
    ) {
        let (of, sent) = ((p, self.processes[p].epoch), self.now);
        let Some(choices) = &mut self.choices else { return self.at(arrives, action) };
        choices.sent += 1;
        let number = choices.sent;
        choices.under_way.push(UnderWay {
            number,
            sent,
            arrives,
            of,
            reach,
            action: Box::new(action),
        });
    }

    /// Whether a process wakes then that has nothing under way, and soon.
    fn may_overtake(&self, timer: i64) -> bool {
        let under_way = self.choices.as_ref().map_or(&[][..], |choices| &choices.under_way[..]);
        timer <= self.now + SLOWEST
            && self.processes.iter().enumerate().any(|(p, process)| {
                process.frozen == timer
                    || process.runs(self.now)
                        && under_way.iter().all(|request| request.of != (p, process.epoch))
                        && process.entries.values().any(|entry| entry.wake == Some(timer))
            })
    }

    /// All there is to do is to wait for the end of a dead owner's lock: so the order of looks shows
    /// nothing, and each takes almost as long as it may.
    fn wait_for_the_dead(&mut self) -> bool {
        let Some((p, epoch, _)) = self.store.owner(self.now + 2 * S) else { return false };
        let Some(choices) = &mut self.choices else { return false };
        let owner = (*p, *epoch);
        let waits = self.processes[*p].epoch != *epoch
            && choices.under_way.iter().all(|request| request.of != owner);
        if waits && let Some(request) = choices.under_way.first_mut() {
            request.arrives = request.arrives.max(request.sent + SLOWEST_LOOK);
        }
        waits
    }

    /// Lets happen what is chosen, until nothing more will happen by then.
    pub(crate) fn run_chosen(&mut self, until: i64) {
        loop {
            self.run(self.now);
            let timer = self.queue.next().filter(|t| *t <= until);
            let overtakes = timer.is_some_and(|t| self.may_overtake(t));
            let (processes, waits) = (self.processes.len(), self.wait_for_the_dead());
            let Some(choices) = &mut self.choices else { return };
            let mut moves = choices.moves(processes, timer.is_some(), overtakes);
            if waits {
                moves.truncate(1);
                choices.asleep.clear();
            }
            if !self.oracle.violations.is_empty() {
                return;
            }
            match choices.pick(&moves) {
                None => return,
                Some(Move::Arrival { number, .. }) => {
                    let at = choices.under_way.iter().position(|request| request.number == number);
                    let UnderWay { arrives, action, .. } =
                        choices.under_way.remove(at.expect("it is under way"));
                    // No two requests arrive at once.
                    self.now = arrives.max(self.now + 1);
                    self.queue.count();
                    action(self);
                }
                Some(Move::Timer) => {
                    choices.overtakes -= u8::from(!choices.under_way.is_empty());
                    self.now = timer.unwrap_or(self.now);
                }
                Some(Move::Strike { p, way }) => {
                    if mem::replace(&mut choices.strike, Strike::Nothing) == Strike::Pause {
                        self.freeze(p, PAUSES[way]);
                    } else {
                        self.crash(p, None, None);
                        self.launch(p, None);
                        self.ask(p, Caller { wait: 60 * S, ..Caller::default() });
                    }
                }
            }
        }
    }
}
