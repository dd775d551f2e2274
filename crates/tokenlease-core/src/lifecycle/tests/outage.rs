//! Logins within the budget of a store outage.

use super::*;

const END: i64 = 3_600_000;

/// A process whose store fails at each call.
struct Process {
    machine: Lifecycle,
    t: i64,
    logins: u32,
    /// When the last login was sent.
    sent: i64,
    /// The server's answer to validations.
    validation: Answer,
    /// Whether the answers to logins are lost.
    loses_answers: bool,
}

impl Process {
    fn new() -> Self {
        let mut machine = machine_of(wyn(), true);
        Arc::make_mut(&mut machine.policy).on_store_outage = Some(OnStoreOutage::LoginWithinBudget);
        Self { machine, t: 0, logins: 0, sent: 0, validation: Answer::Active, loses_answers: false }
    }

    fn token(&mut self) -> Result<Token, Error> {
        self.token_for(Ask::new(Timestamp(self.t), Duration::from_secs(20)))
    }

    /// Asks, and lets time pass until the caller is answered and nothing is left to do.
    fn token_for(&mut self, ask: Ask) -> Result<Token, Error> {
        let mut reply = None;
        loop {
            if reply.is_none() {
                reply = match self.machine.ask(&ask, at(self.t)) {
                    Reply::Lease(served) => Some(Ok(served.lease.token().clone())),
                    Reply::Error(error) => Some(Err(error)),
                    Reply::Later => None,
                };
            }
            match (self.machine.poll(at(self.t)), &reply) {
                (Step::Do(effect, receipt), _) => {
                    let outcome = self.outcome(&effect);
                    self.machine.handle(receipt, outcome, at(self.t));
                }
                (_, Some(_)) => return reply.unwrap(),
                (Step::Wait(until), None) => self.t = until.0.min(ask.deadline.0),
                (Step::Done, None) => {}
            }
        }
    }

    fn outcome(&mut self, effect: &Effect) -> Outcome {
        match effect {
            Effect::Send(Call::Login) => {
                self.logins += 1;
                self.sent = self.t;
                if self.loses_answers {
                    return Outcome::Lost(Error::new(ErrorKind::Transport, "reset"));
                }
                granted(self.logins, self.t)
            }
            Effect::Send(_) => Outcome::Answered(self.validation.clone()),
            _ => Outcome::Failed(Error::new(ErrorKind::Store, "connection refused")),
        }
    }
}

/// Returns when the margin of a token begins that was requested at `sent`.
fn margin_of_token_sent(sent: i64) -> i64 {
    let margin = crate::lease::margin(Duration::from_secs(3600));
    sent + END - i64::try_from(margin.as_millis()).unwrap()
}

/// Rule: Outage: the margin of a token frees the budget of its process, so that another login replaces
/// the token before it expires.
#[test]
fn a_token_in_its_margin_is_replaced_within_the_budget() {
    let mut process = Process::new();
    let first = process.token().unwrap();
    process.t = margin_of_token_sent(process.sent);
    assert_ne!(process.token().unwrap(), first);
    assert_eq!(process.logins, 2);
}

/// Rule: Outage: if the login in a token's margin fails, callers get the token up to its end.
#[test]
fn a_token_in_its_margin_is_served_if_the_login_fails() {
    let mut process = Process::new();
    let first = process.token().unwrap();
    let (margin, end) = (margin_of_token_sent(process.sent), process.sent + END);
    process.loses_answers = true;
    process.t = margin;
    // A caller waits for the next attempt for some seconds, which must not end after the token.
    while process.t + 10_000 < end {
        assert_eq!(process.token().unwrap(), first, "{}", process.t);
        process.t += 10_000;
    }
    assert_eq!(process.logins, 2, "a lost login is not repeated");
    process.t = end;
    process.token().unwrap_err();
    assert_eq!(process.logins, 2);
}

/// Rule: Outage: a token that the server ended early is replaced by another login at once.
#[test]
fn a_token_that_the_server_ended_early_is_replaced_within_the_budget() {
    let mut process = Process::new();
    let first = process.token().unwrap();
    process.t += 60_000;
    process.machine.report_rejected(&first, at(process.t));
    process.validation = Answer::Inactive;
    assert_ne!(process.token().unwrap(), first);
    assert_eq!(process.logins, 2);
}

/// Rule: Outage: while the token of the last login is active, the process sends no further login.
#[test]
fn an_active_token_keeps_the_budget_spent() {
    let mut process = Process::new();
    let first = process.token().unwrap();
    process.t += 60_000;
    process.machine.report_rejected(&first, at(process.t));
    assert_eq!(process.token().unwrap(), first);
    let ask = Ask::new(Timestamp(process.t), Duration::from_secs(20));
    let long = Ask { min_remaining: Some(Duration::from_secs(3_599)), ..ask };
    assert_eq!(process.token_for(long).unwrap(), first);
    assert_eq!(process.logins, 1);
}

/// Rule: Outage: a login whose answer was lost spends the budget for an hour.
#[test]
fn a_lost_login_keeps_the_budget_spent_for_an_hour() {
    let mut process = Process::new();
    process.loses_answers = true;
    while process.t < END {
        process.token().unwrap_err();
        process.t += 30_000;
    }
    assert_eq!(process.logins, 1);
}

/// Rule: Outage: a save that fails between two requests is no failed request: three refetches fail before a
/// login.
#[test]
fn failed_saves_are_not_counted_as_refetches() {
    let winkas = Identity::winkas("https://h", "u", "c").unwrap();
    let mut machine = machine_of(winkas, true);
    Arc::make_mut(&mut machine.policy).on_store_outage = Some(OnStoreOutage::LoginWithinBudget);
    let other = CredentialsFingerprint::of(&Key::new([0; 32]), &Credentials::password("other"));
    let rejected =
        RecordChange::RejectedUnaccepted { credentials: other, at: Timestamp(-3_600_000) };
    machine.record_change(rejected, Timestamp(0));
    let (mut t, mut refetches, mut saves) = (0, 0, 0);
    let ask = Ask::new(Timestamp(0), Duration::from_secs(60));
    assert!(matches!(machine.ask(&ask, at(0)), Reply::Later));
    loop {
        let (effect, receipt) = match machine.poll(at(t)) {
            Step::Do(effect, receipt) => (effect, receipt),
            Step::Wait(until) => {
                t = until.0;
                continue;
            }
            Step::Done => panic!("no login"),
        };
        let outcome = match effect {
            Effect::Send(Call::Login) => break,
            Effect::Send(_) => {
                refetches += 1;
                // The store is tried again every five seconds.
                t += 5_000;
                Outcome::Lost(Error::new(ErrorKind::Transport, "reset"))
            }
            Effect::Save { .. } => {
                saves += 1;
                Outcome::Failed(Error::new(ErrorKind::Store, "connection refused"))
            }
            Effect::Load if t == 0 => Outcome::Loaded { stored: None, now: StoreTime(0) },
            _ => Outcome::Failed(Error::new(ErrorKind::Store, "connection refused")),
        };
        machine.handle(receipt, outcome, at(t));
        t += 1;
    }
    assert_eq!(refetches, 3);
    assert!(saves > 0, "the change is saved between the requests");
}
