//! Choices that replace random numbers and times: which request arrives next, whether it is lost, and
//! which process a fault hits. A list of choices determines a run, so all runs can be enumerated.
//!
//! Two orders of independent requests count as one: a run that differs from another only by such an
//! order is dropped (sleep sets, as in model checkers).

use std::mem;

use tokenlease_core::{lifecycle::Effect, provider::Call};

use super::{Action, World};
use crate::{Caller, Fault, S};

/// A timer may fire before requests in flight if it is due within this time.
const SLOWEST: i64 = 300;
/// How long a read of the store takes where its order makes no difference.
const SLOWEST_READ: i64 = 1_900;
/// How long a process is paused: longer than its request timeout; or longer than its lock's TTL, by
/// as much as another process needs to notice that.
const PAUSES: [i64; 2] = [12 * S, 30 * S + 260];

/// The kind of the one fault of a run, which the choices place anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchFault {
    /// No fault.
    Nothing,
    /// A process crashes, restarts at once, and asks again.
    Crash,
    /// A request or an answer is lost.
    Loss,
    /// A process is paused, also between a decision and the send.
    Pause,
}

/// Which message of a call is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    Nothing,
    Request,
    Answer,
}

/// The data that a request reads and writes, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    reads: u8,
    writes: u8,
}

impl Access {
    pub(super) fn of(effect: &Effect) -> Self {
        const RECORD: u8 = 1;
        const LOCK: u8 = 2;
        const PROVIDER: u8 = 4;
        let (reads, writes) = match effect {
            Effect::Load => (RECORD, 0),
            Effect::Save { .. } => (0, RECORD),
            Effect::Send(Call::Refetch | Call::Validate(_)) => (PROVIDER, 0),
            Effect::Send(_) => (0, PROVIDER),
            _ => (0, LOCK),
        };
        Self { reads, writes }
    }

    fn conflicts_with(self, other: Self) -> bool {
        self.writes & (other.reads | other.writes) != 0
            || other.writes & (self.reads | self.writes) != 0
    }
}

/// A possible next step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// The request with this number arrives, sent by this process.
    Arrival { number: u64, p: usize, reach: Access },
    /// The next timer fires.
    Timer,
    /// The fault hits this process, in this variant.
    Fault { p: usize, variant: usize },
}

impl Move {
    /// Returns whether the order of the two steps makes no difference.
    fn is_independent_of(self, other: Self) -> bool {
        match (self, other) {
            (Self::Arrival { p, reach, .. }, Self::Arrival { p: q, reach: there, .. }) => {
                p != q && !reach.conflicts_with(there)
            }
            (Self::Arrival { p, .. }, Self::Fault { p: q, .. })
            | (Self::Fault { p, .. }, Self::Arrival { p: q, .. }) => p != q,
            _ => false,
        }
    }
}

struct InFlight {
    number: u64,
    sent: i64,
    arrives: i64,
    /// The sender and the number of its start.
    of: (usize, u32),
    reach: Access,
    action: Action,
}

/// The choices of a run: the given ones, then the first alternative of each.
pub(crate) struct Choices {
    /// Each choice, and the number of alternatives.
    pub(crate) taken: Vec<(u8, u8)>,
    /// Whether there were more choices than the depth allows.
    pub(crate) truncated: bool,
    /// Whether another run is equivalent.
    pub(crate) redundant: bool,
    given: Vec<u8>,
    depth: usize,
    fault: SearchFault,
    /// How often a timer may fire before requests in flight.
    overtakes: u8,
    in_flight: Vec<InFlight>,
    sent: u64,
    /// Steps that other runs take first from here.
    asleep: Vec<Move>,
}

impl Choices {
    pub(crate) fn new(given: Vec<u8>, depth: usize, fault: SearchFault, overtakes: u8) -> Self {
        Self {
            taken: Vec::new(),
            truncated: false,
            redundant: false,
            given,
            depth,
            fault,
            overtakes,
            in_flight: Vec::new(),
            sent: 0,
            asleep: Vec::new(),
        }
    }

    /// Chooses one of `of` alternatives, counted from 0.
    fn choose(&mut self, of: usize) -> usize {
        let at = self.taken.len();
        if of < 2 {
            return 0;
        }
        if at >= self.depth {
            self.truncated = true;
            return 0;
        }
        let choice = self.given.get(at).copied().unwrap_or_default();
        self.taken.push((choice, u8::try_from(of).expect("fewer than 256 alternatives")));
        usize::from(choice)
    }

    /// Chooses whether the fault is injected here, and in which variant.
    fn injects(&mut self, fault: SearchFault, variants: usize) -> Option<usize> {
        if self.fault != fault {
            return None;
        }
        let variant = self.choose(1 + variants).checked_sub(1)?;
        self.fault = SearchFault::Nothing;
        Some(variant)
    }

    /// Returns all possible next steps of a fleet.
    fn moves(&self, processes: usize, timer: bool, overtakes: bool) -> Vec<Move> {
        let arrival = |request: &InFlight| Move::Arrival {
            number: request.number,
            p: request.of.0,
            reach: request.reach,
        };
        let mut moves: Vec<_> = self.in_flight.iter().map(arrival).collect();
        if (overtakes && self.overtakes > 0) || (timer && moves.is_empty()) {
            moves.push(Move::Timer);
        }
        let variants = match self.fault {
            SearchFault::Crash => 1,
            SearchFault::Pause => PAUSES.len(),
            SearchFault::Nothing | SearchFault::Loss => 0,
        };
        if !moves.is_empty() {
            let each = (0..processes).flat_map(|p| (0..variants).map(move |variant| (p, variant)));
            moves.extend(each.map(|(p, variant)| Move::Fault { p, variant }));
        }
        moves
    }

    /// Chooses one of these steps, unless other runs take all of them first.
    fn pick(&mut self, moves: &[Move]) -> Option<Move> {
        let awake: Vec<_> =
            moves.iter().copied().filter(|next| !self.asleep.contains(next)).collect();
        self.redundant = awake.is_empty() && !moves.is_empty();
        if awake.is_empty() {
            return None;
        }
        let choice = self.choose(awake.len());
        let next = awake[choice];
        self.asleep.extend(&awake[..choice]);
        self.asleep.retain(|other| other.is_independent_of(next));
        Some(next)
    }
}

impl World {
    /// Returns the chosen loss for the next request, if choices are in use.
    pub(super) fn chosen_loss(&mut self) -> Option<Loss> {
        let lost = self.choices.as_mut()?.injects(SearchFault::Loss, 2);
        if lost.is_some() {
            self.mark_faulty();
            self.faults.push((self.now, self.now + 1, Fault::Lossy));
        }
        Some(lost.map_or(Loss::Nothing, |variant| [Loss::Request, Loss::Answer][variant]))
    }

    /// Returns the chosen pause before the next send: until when it must begin, and its length.
    pub(super) fn chosen_pause(&mut self) -> Option<(i64, i64)> {
        let variant = self.choices.as_mut()?.injects(SearchFault::Pause, PAUSES.len())?;
        Some((i64::MAX, PAUSES[variant]))
    }

    /// Sends a request, which arrives at a time, or when that is chosen.
    pub(super) fn transmit(
        &mut self,
        p: usize,
        reach: Access,
        arrives: i64,
        action: impl FnOnce(&mut Self) + 'static,
    ) {
        let (of, sent) = ((p, self.processes[p].epoch), self.now);
        let Some(choices) = &mut self.choices else { return self.at(arrives, action) };
        choices.sent += 1;
        let number = choices.sent;
        choices.in_flight.push(InFlight {
            number,
            sent,
            arrives,
            of,
            reach,
            action: Box::new(action),
        });
    }

    /// Returns whether a process without requests in flight wakes at this time, and that is soon.
    fn may_overtake(&self, timer: i64) -> bool {
        let in_flight = self.choices.as_ref().map_or(&[][..], |choices| &choices.in_flight[..]);
        timer <= self.now + SLOWEST
            && self.processes.iter().enumerate().any(|(p, process)| {
                process.paused_until == timer
                    || process.runs(self.now)
                        && in_flight.iter().all(|request| request.of != (p, process.epoch))
                        && process.entries.values().any(|entry| entry.wake == Some(timer))
            })
    }

    /// Returns whether all processes wait for the expiry of a crashed owner's lock. The order of their
    /// reads makes no difference then, and each read takes almost as long as it may.
    fn waits_for_abandoned_lock(&mut self) -> bool {
        let Some((p, epoch, _)) = self.store.owner(self.now + 2 * S) else { return false };
        let Some(choices) = &mut self.choices else { return false };
        let owner = (*p, *epoch);
        let waits = self.processes[*p].epoch != *epoch
            && choices.in_flight.iter().all(|request| request.of != owner);
        if waits && let Some(request) = choices.in_flight.first_mut() {
            request.arrives = request.arrives.max(request.sent + SLOWEST_READ);
        }
        waits
    }

    /// Runs the chosen steps until no step is left before a time.
    pub(crate) fn run_chosen(&mut self, until: i64) {
        loop {
            self.run(self.now);
            let timer = self.queue.next().filter(|t| *t <= until);
            let overtakes = timer.is_some_and(|t| self.may_overtake(t));
            let (processes, waits) = (self.processes.len(), self.waits_for_abandoned_lock());
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
                    let at = choices.in_flight.iter().position(|request| request.number == number);
                    let InFlight { arrives, action, .. } =
                        choices.in_flight.remove(at.expect("it is in flight"));
                    // No two requests arrive at the same time.
                    self.now = arrives.max(self.now + 1);
                    self.queue.count();
                    action(self);
                }
                Some(Move::Timer) => {
                    choices.overtakes -= u8::from(!choices.in_flight.is_empty());
                    self.now = timer.unwrap_or(self.now);
                }
                Some(Move::Fault { p, variant }) => {
                    if mem::replace(&mut choices.fault, SearchFault::Nothing) == SearchFault::Pause
                    {
                        self.pause(p, PAUSES[variant]);
                    } else {
                        self.crash(p, None, None);
                        self.launch(p, None);
                        self.ask(p, Caller { timeout: 60 * S, ..Caller::default() });
                    }
                }
            }
        }
    }
}
