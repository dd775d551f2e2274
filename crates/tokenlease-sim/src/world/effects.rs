//! Effects: their transport to the store or the provider, their execution, and their outcome.

use tokenlease_core::{
    Error, ErrorKind, Timestamp,
    lifecycle::{Effect, Outcome, Receipt},
    provider::{Answer, Call},
};

use super::choices::{Access, Loss};
use crate::{
    Fault, Owner, Password, Provider, Quirk, S, World, bugs::Bug, duration, oracle::Sent, provider,
};

/// The delays of a request and its answer, and which of them is lost.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) request_delay: i64,
    pub(super) answer_delay: i64,
    pub(super) request_lost: bool,
    pub(super) answer_lost: bool,
    /// The request arrives a second time, this much later.
    duplicate_after: Option<i64>,
}

impl World {
    pub(super) fn route(&mut self, provider: bool) -> Route {
        if let Some(lost) = self.chosen_loss() {
            let (request_lost, answer_lost) = (lost == Loss::Request, lost == Loss::Answer);
            return Route {
                request_delay: 1,
                answer_delay: 0,
                request_lost,
                answer_lost,
                duplicate_after: None,
            };
        }
        let (mut request_delay, answer_delay) = if provider {
            (self.rng.range(10, 40), self.rng.range(10, 40))
        } else {
            (self.rng.range(1, 5), self.rng.range(1, 5))
        };
        if provider && self.is_broken(Fault::Slow) && self.rng.chance(50) {
            request_delay += self.rng.range(1, 20) * S;
        }
        if !provider && self.is_broken(Fault::SlowStore) && self.rng.chance(50) {
            request_delay += self.rng.range(100, 4 * S);
        }
        let lossy = self.is_broken(Fault::Lossy);
        let store_lossy = !provider && self.rng.range(0, 99) < self.store_loss_percent;
        let draw = match (lossy, store_lossy) {
            (true, _) => self.rng.range(0, 99),
            (false, true) => self.rng.range(0, 29),
            (false, false) => 99,
        };
        let duplicated = self.is_broken(Fault::Duplicate) && self.rng.chance(20);
        let duplicate_after = duplicated.then(|| self.rng.pick(&[0, 0, 5, 100, 3 * S, 12 * S]));
        Route {
            request_delay,
            answer_delay,
            request_lost: draw < 15,
            answer_lost: (15..30).contains(&draw),
            duplicate_after,
        }
    }

    pub(super) fn perform(
        &mut self,
        p: usize,
        password: &Password,
        effect: Effect,
        mut receipt: Receipt,
    ) {
        self.send_new_ticket(p, password, &effect, &mut receipt);
        self.oracle.had_fault |= !self.faults.is_empty();
        let lock_epoch =
            if self.setup.bug == Some(Bug::OneLockEpoch) { 0 } else { receipt.lock_epoch() };
        let sent = self.sent(p, password, lock_epoch);
        let credentials = matches!(&effect, Effect::Send(call) if call.takes_credentials());
        if matches!(effect, Effect::Send(Call::Login)) {
            self.judge_stated_cause(p, password, sent);
        }
        if let Some((until, long)) =
            self.chosen_pause().or_else(|| self.processes[p].pending_pause.take_if(|_| credentials))
            && self.now < until
        {
            // The decision is made; the request is sent when the process runs again.
            self.pause(p, long);
            let (epoch, password) = (self.processes[p].epoch, *password);
            self.at(self.now + long, move |world| {
                if world.processes[p].epoch == epoch && world.processes[p].alive {
                    world.dispatch(p, &password, effect, receipt, Sent { paused: true, ..sent });
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
        if let Some(outcome) = self.replace_effect(p, &password, &effect) {
            self.at(self.now + 1, move |world| world.arrive(p, epoch, password, receipt, outcome));
            return;
        }
        let route = self.route(matches!(effect, Effect::Send(_)));
        let limit = receipt.deadline().0 - self.clock(p).elapsed.0;
        let unanswered = route.request_lost
            || route.answer_lost
            || route.request_delay + route.answer_delay >= limit;
        self.note_call(p, &password, &effect, unanswered);
        if unanswered && matches!(effect, Effect::Send(Call::Login)) {
            self.note_lost_login(&password);
        }
        if unanswered {
            self.judge_backoff(&(p, epoch, password), &effect, None, sent);
        }
        if route.request_lost {
            self.log_line(|| format!("p{p} {password} {effect}: the request is lost"));
            if let Some(outcome) = self.replace_lost_call(p, &password, &effect) {
                self.at(self.now + 9, move |world| {
                    world.arrive(p, epoch, password, receipt, outcome);
                });
            }
            return;
        }
        let login = matches!(effect, Effect::Send(Call::Login));
        let sent_at = Timestamp(self.clock(p).elapsed.0 + sent.at - self.now);
        let reach = Access::of(&effect);
        self.transmit(p, reach, self.now + route.request_delay, move |world| {
            let owner = (p, epoch, password);
            let outcome = world.execute(&owner, &effect, sent, sent_at);
            let outcome = world.replace_outcome(&owner, &effect, outcome);
            world.log_line(|| format!("p{p} {password} {effect}: {}", describe(&outcome)));
            world.note_outcome(&owner, &effect, &outcome);
            world.note_stated_cause(&effect, &outcome, sent);
            let cut_off = login
                && world.setup.quirk == Some(Quirk::CutOff)
                && matches!(outcome, Outcome::Answered(Answer::Token(_)))
                && world.rng.chance(60);
            let lost = login && world.lost_login_answers > 0;
            if !unanswered {
                let outcome = Some(&outcome).filter(|_| !lost && !cut_off);
                world.judge_backoff(&owner, &effect, outcome, sent);
            }
            if world.resends(p, &effect, &outcome, &receipt) {
                let sent = Sent { at: world.now, ..sent };
                return world.dispatch(p, &password, effect, receipt, sent);
            }
            if let Some(later) = route.duplicate_after {
                // The network duplicated the request: the server acts twice, one answer arrives.
                let of = password;
                world.at(world.now + later, move |world| {
                    let copy = Sent { copy: true, ..sent };
                    let again = world.execute(&owner, &effect, copy, sent_at);
                    world.log_line(|| {
                        format!("p{p} {of} {effect}, duplicated: {}", describe(&again))
                    });
                });
            }
            if cut_off {
                let error = Error::new(ErrorKind::Transport, "the answer was cut off");
                world.note_lost_login(&password);
                world.oracle.answers_lost = Some(world.now);
                world.at(world.now + route.answer_delay, move |world| {
                    let not_sent = world.setup.bug == Some(Bug::CutOffMeansNotSent);
                    let outcome =
                        if not_sent { Outcome::NotSent(error) } else { Outcome::Lost(error) };
                    world.arrive(p, epoch, password, receipt, outcome);
                });
                return;
            }
            if lost {
                world.lost_login_answers -= 1;
                world.note_lost_login(&password);
                world.oracle.answers_lost = Some(world.now);
                return;
            }
            if !route.answer_lost {
                world.at(world.now + route.answer_delay, move |world| {
                    world.arrive(p, epoch, password, receipt, outcome);
                });
            }
        });
    }

    /// An outcome arrives at its process, which may be paused.
    fn arrive(&mut self, p: usize, epoch: u32, of: Password, receipt: Receipt, outcome: Outcome) {
        if self.processes[p].epoch != epoch || !self.processes[p].alive {
            return;
        }
        if self.processes[p].runs(self.now) {
            self.deliver(p, &of, receipt, outcome);
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
        let is_read = matches!(effect, Effect::Load | Effect::Unlock);
        if self.is_broken(Fault::StoreRejects) || (!is_read && self.is_broken(Fault::StoreFull)) {
            return Outcome::Rejected(Error::new(ErrorKind::Store, "the store rejects the call"));
        }
        if self.setup.bug == Some(Bug::WallTimeInRecord) {
            self.store.offset = self.hosts[self.processes[owner.0].host].wall;
        }
        match effect {
            Effect::Load => self.store.load(t),
            Effect::Lock { ttl } => self.store.lock(t, &(*owner, sent.lock_epoch), *ttl),
            Effect::Renew { ttl } => self.store.renew(t, &(*owner, sent.lock_epoch), *ttl),
            Effect::Unlock => self.store.unlock(&(*owner, sent.lock_epoch)),
            Effect::Save { expected, record, .. } => {
                let outcome = self.store.save(t, *expected, record);
                if matches!(outcome, Outcome::Saved { .. }) {
                    self.note_saved();
                }
                outcome
            }
            _ => Outcome::Failed(Error::new(
                ErrorKind::Internal,
                "the simulation does not know this effect",
            )),
        }
    }

    fn call(&mut self, owner: &Owner, call: &Call, sent: Sent, sent_at: Timestamp) -> Outcome {
        let t = self.now;
        let credentials = call.takes_credentials();
        if credentials {
            self.judge_store_rejects(owner, call, sent);
        }
        if self.is_broken(Fault::Unreachable) {
            return Outcome::NotSent(Error::new(ErrorKind::Transport, "connection refused"));
        }
        if credentials && !sent.copy {
            self.judge_server_backoff(owner, sent);
        }
        if credentials && self.is_broken(Fault::Throttle) {
            if sent.at < self.backoffs - 500 {
                self.stats.sent_in_backoff += 1;
            }
            self.backoffs = self.backoffs.max(t + 60 * S);
            return Outcome::Answered(Answer::Failed(provider::throttled(duration(60 * S))));
        }
        if self.is_broken(Fault::Busy) {
            return Outcome::Answered(Answer::Failed(provider::busy(duration(30 * S))));
        }
        if self.is_broken(Fault::Provider)
            || matches!(call, Call::Refetch) && self.is_broken(Fault::Refetch)
            || matches!(call, Call::Validate(_)) && self.is_broken(Fault::Validate)
        {
            self.stats.sent_while_down += u64::from(credentials);
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
        if matches!(call, Call::Login) && !sent.copy {
            self.judge_rate(owner, sent);
        }
        let answer = self.provider.answer(t, call, &owner.2, sent.at, sent_at);
        let said_yes = match (&answer, call) {
            (Answer::Active, Call::Validate(token)) => Some(Provider::number(token)),
            (Answer::Token(granted_to), Call::Refetch) => Some(Provider::number(&granted_to.token)),
            _ => None,
        };
        if let Some(number) = said_yes {
            self.oracle.validations.entry(number).or_default().push(sent.at);
        }
        Outcome::Answered(answer)
    }

    pub(super) fn deliver(&mut self, p: usize, of: &Password, receipt: Receipt, outcome: Outcome) {
        let now = self.clock(p);
        let late = receipt.deadline() <= now.elapsed;
        self.note_delivered(p, of, &outcome, late);
        let outcome = match outcome {
            Outcome::Rejected(error) if self.setup.bug == Some(Bug::StoreRejectionMeansOutage) => {
                Outcome::Failed(error)
            }
            outcome => outcome,
        };
        if late && self.setup.bug == Some(Bug::LateAnswerDropped) {
            return;
        }
        if let Some(entry) = self.processes[p].entries.get_mut(of) {
            match &outcome {
                Outcome::Loaded { stored, .. } | Outcome::Conflict { stored, .. } => {
                    entry.known_revision = stored.as_ref().map(|(revision, _)| *revision);
                }
                Outcome::Saved { revision, .. } => entry.known_revision = Some(*revision),
                _ => {}
            }
            entry.lifecycle.handle(receipt, outcome, now);
        }
    }
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(Answer::Token(granted_to)) => {
            format!("token {}", granted_to.token.expose())
        }
        Outcome::Answered(answer) => format!("{answer:?}"),
        Outcome::Loaded { stored, .. } => format!("loaded {:?}", stored.as_ref().map(|s| s.0)),
        Outcome::Saved { revision, .. } => format!("saved {revision}"),
        Outcome::Conflict { .. } => "conflict".into(),
        other => format!("{other:?}"),
    }
}
