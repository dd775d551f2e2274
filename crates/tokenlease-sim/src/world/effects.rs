//! Effects on their way: to the store or the provider, and back.

use tokenlease_core::{
    Error, ErrorKind, Timestamp,
    lifecycle::{Effect, Outcome, Receipt},
    provider::{Answer, Call},
};

use super::choices::{Loss, Reach};
use crate::{
    Fault, Owner, Password, Provider, S, World, duration, oracle::Sent, planted::Bug, provider,
};

/// How long an effect takes on its way, and whether it arrives.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) there: i64,
    pub(super) back: i64,
    pub(super) lost_there: bool,
    pub(super) lost_back: bool,
    /// It arrives once more, that much later.
    twice: Option<i64>,
}

impl World {
    pub(super) fn way(&mut self, provider: bool) -> Way {
        if let Some(lost) = self.chosen_loss() {
            let (lost_there, lost_back) = (lost == Loss::Request, lost == Loss::Answer);
            return Way { there: 1, back: 0, lost_there, lost_back, twice: None };
        }
        let (mut there, back) = if provider {
            (self.rng.range(10, 40), self.rng.range(10, 40))
        } else {
            (self.rng.range(1, 5), self.rng.range(1, 5))
        };
        if provider && self.is_broken(Fault::Slow) && self.rng.chance(50) {
            there += self.rng.range(1, 20) * S;
        }
        if !provider && self.is_broken(Fault::SlowStore) && self.rng.chance(50) {
            there += self.rng.range(100, 4 * S);
        }
        let lossy = self.is_broken(Fault::Lossy);
        let store_lossy = !provider && self.rng.range(0, 99) < self.lose_store_answers;
        let lot = match (lossy, store_lossy) {
            (true, _) => self.rng.range(0, 99),
            (false, true) => self.rng.range(0, 29),
            (false, false) => 99,
        };
        let twice = self.is_broken(Fault::Duplicate) && self.rng.chance(20);
        let twice = twice.then(|| self.rng.pick(&[0, 0, 5, 100, 3 * S, 12 * S]));
        Way { there, back, lost_there: lot < 15, lost_back: (15..30).contains(&lot), twice }
    }

    pub(super) fn perform(
        &mut self,
        p: usize,
        password: &Password,
        effect: Effect,
        receipt: Receipt,
    ) {
        self.oracle.touched |= !self.faults.is_empty();
        let lock_epoch =
            if self.setup.bug == Some(Bug::OneLockEpoch) { 0 } else { receipt.lock_epoch() };
        let sent = self.sent(p, password, lock_epoch);
        let credentials = matches!(&effect, Effect::Send(call) if call.takes_credentials());
        if let Some((until, long)) =
            self.chosen_stall().or_else(|| self.processes[p].stall.take_if(|_| credentials))
            && self.now < until
        {
            // The decision is made; the request goes out when the process runs again.
            self.freeze(p, long);
            let (epoch, password) = (self.processes[p].epoch, *password);
            self.at(self.now + long, move |world| {
                if world.processes[p].epoch == epoch && world.processes[p].alive {
                    world.dispatch(p, &password, effect, receipt, Sent { stalled: true, ..sent });
                }
            });
            return;
        }
        self.dispatch(p, password, effect, receipt, sent);
    }

    fn dispatch(
        &mut self,
        p: usize,
        password: &Password,
        effect: Effect,
        receipt: Receipt,
        sent: Sent,
    ) {
        let (epoch, password) = (self.processes[p].epoch, *password);
        if let Some(outcome) = self.instead(p, &password, &effect) {
            self.at(self.now + 1, move |world| world.come(p, epoch, password, receipt, outcome));
            return;
        }
        let way = self.way(matches!(effect, Effect::Send(_)));
        let limit = receipt.deadline().0 - self.clock(p).elapsed.0;
        let silent = way.lost_there || way.lost_back || way.there + way.back >= limit;
        self.note_call(p, &password, &effect, silent);
        if silent {
            self.judge_damping(&(p, epoch, password), &effect, None, sent);
        }
        if way.lost_there {
            self.say(|| format!("p{p} {password} {effect}: lost on the way there"));
            if let Some(outcome) = self.instead_of_silence(p, &password, &effect) {
                self.at(self.now + 9, move |world| {
                    world.come(p, epoch, password, receipt, outcome);
                });
            }
            return;
        }
        let login = matches!(effect, Effect::Send(Call::Login));
        let sent_at = Timestamp(self.clock(p).elapsed.0 + sent.at - self.now);
        let reach = Reach::of(&effect);
        self.on_its_way(p, reach, self.now + way.there, move |world| {
            let owner = (p, epoch, password);
            let outcome = world.execute(&owner, &effect, sent, sent_at);
            let outcome = world.twisted(&owner, &effect, outcome);
            world.say(|| format!("p{p} {password} {effect}: {}", told(&outcome)));
            world.note_outcome(&owner, &effect, &outcome);
            let lost = login && world.lose_next_login_answers > 0;
            if !silent {
                let outcome = Some(&outcome).filter(|_| !lost);
                world.judge_damping(&owner, &effect, outcome, sent);
            }
            if world.repeats(p, &effect, &outcome, &receipt) {
                let sent = Sent { at: world.now, ..sent };
                return world.dispatch(p, &password, effect, receipt, sent);
            }
            if let Some(later) = way.twice {
                // What carried it sent it again: the far end acts twice, one answer is heard.
                let of = password;
                world.at(world.now + later, move |world| {
                    let copy = Sent { copy: true, ..sent };
                    let again = world.execute(&owner, &effect, copy, sent_at);
                    world.say(|| format!("p{p} {of} {effect} once more: {}", told(&again)));
                });
            }
            if lost {
                world.lose_next_login_answers -= 1;
                world.oracle.answers_lost = Some(world.now);
                return;
            }
            if !way.lost_back {
                world.at(world.now + way.back, move |world| {
                    world.come(p, epoch, password, receipt, outcome);
                });
            }
        });
    }

    /// An outcome arrives at its process.
    fn come(&mut self, p: usize, epoch: u32, of: Password, receipt: Receipt, outcome: Outcome) {
        if self.processes[p].epoch != epoch || !self.processes[p].alive {
            return;
        }
        if self.processes[p].runs(self.now) {
            self.hand_in(p, &of, receipt, outcome);
            self.drive(p, &of);
        } else {
            self.processes[p].inbox.push((of, receipt, outcome));
        }
    }

    fn execute(
        &mut self,
        owner: &Owner,
        effect: &Effect,
        sent: Sent,
        sent_at: Timestamp,
    ) -> Outcome {
        let t = self.now;
        if let Effect::Send(call) = effect {
            return self.call(owner, call, sent, sent_at);
        }
        if self.is_broken(Fault::Store) {
            return Outcome::Failed(Error::new(ErrorKind::Store, "the store is down"));
        }
        if self.setup.bug == Some(Bug::WallTimeInRecord) {
            self.store.offset = self.hosts[self.processes[owner.0].host].wall;
        }
        match effect {
            Effect::Load => self.store.load(t),
            Effect::Lock { life } => self.store.lock(t, &(*owner, sent.lock_epoch), *life),
            Effect::Renew { life } => self.store.renew(t, &(*owner, sent.lock_epoch), *life),
            Effect::Unlock => self.store.unlock(&(*owner, sent.lock_epoch)),
            Effect::Save { expected, record, .. } => {
                let outcome = self.store.save(t, *expected, record);
                if matches!(outcome, Outcome::Saved { .. }) {
                    self.note_saved();
                }
                outcome
            }
            _ => Outcome::Failed(Error::new(ErrorKind::Internal, "an effect the world lacks")),
        }
    }

    fn call(&mut self, owner: &Owner, call: &Call, sent: Sent, sent_at: Timestamp) -> Outcome {
        let t = self.now;
        let credentials = call.takes_credentials();
        if self.is_broken(Fault::Unreachable) {
            return Outcome::NotSent(Error::new(ErrorKind::Transport, "connection refused"));
        }
        if credentials && !sent.copy {
            self.judge_hold(owner, sent);
        }
        if credentials && self.is_broken(Fault::Throttle) {
            if sent.at < self.told_to_wait - 500 {
                self.stats.hammered += 1;
            }
            self.told_to_wait = self.told_to_wait.max(t + 60 * S);
            return Outcome::Answered(Answer::Failed(provider::throttled(duration(60 * S))));
        }
        if self.is_broken(Fault::Busy) {
            return Outcome::Answered(Answer::Failed(provider::busy(duration(30 * S))));
        }
        if self.is_broken(Fault::Provider)
            || matches!(call, Call::Refetch) && self.is_broken(Fault::Refetch)
            || matches!(call, Call::Validate(_)) && self.is_broken(Fault::Validate)
        {
            self.stats.into_the_dark += u64::from(credentials);
            return Outcome::Answered(Answer::Failed(provider::down()));
        }
        let forbidden = self.forbidden.as_ref();
        let forbidden = forbidden.is_some_and(|(who, until)| *who == owner.2 && t < *until);
        if credentials && (forbidden || self.is_broken(Fault::Forbid)) {
            self.stats.forbidden += 1;
            return Outcome::Answered(Answer::Failed(provider::forbidden()));
        }
        if credentials && self.is_broken(Fault::Config) {
            self.stats.forbidden += 1;
            return Outcome::Answered(Answer::Failed(provider::misconfigured()));
        }
        self.judge_send(owner, call, sent);
        let answer = self.provider.answer(t, call, &owner.2, sent.at, sent_at);
        let said_yes = match (&answer, call) {
            (Answer::Active, Call::Validate(token)) => Some(Provider::number(token)),
            (Answer::Token(granted), Call::Refetch) => Some(Provider::number(&granted.token)),
            _ => None,
        };
        if let Some(number) = said_yes {
            self.oracle.validations.entry(number).or_default().push(sent.at);
        }
        Outcome::Answered(answer)
    }

    pub(super) fn hand_in(&mut self, p: usize, of: &Password, receipt: Receipt, outcome: Outcome) {
        let now = self.clock(p);
        let late = receipt.deadline() <= now.elapsed;
        self.note_delivered(p, of, &outcome, late);
        if late && self.setup.bug == Some(Bug::LateAnswerDropped) {
            return;
        }
        if let Some(entry) = self.processes[p].entries.get_mut(of) {
            entry.machine.handle(receipt, outcome, now);
        }
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(Answer::Token(granted)) => format!("token {}", granted.token.expose()),
        Outcome::Answered(answer) => format!("{answer:?}"),
        Outcome::Loaded { stored, .. } => format!("loaded {:?}", stored.as_ref().map(|s| s.0)),
        Outcome::Saved { revision, .. } => format!("saved {revision}"),
        Outcome::Conflict { .. } => "conflict".into(),
        other => format!("{other:?}"),
    }
}
