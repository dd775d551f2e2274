//! Clocks that have parted: the host was frozen, and did not notice.

mod frozen;

use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Processes of one host and their server.
#[derive(Clone)]
struct Host {
    store: Stored,
    /// How far the wall clock is ahead.
    ahead: i64,
    logins: u32,
    validations: u32,
    validation: fn() -> Answer,
    locks: u32,
    /// How far the store's clock is ahead of the monotonic clock.
    store_ahead: i64,
    store_is_away: bool,
    store_rejects: bool,
    record_is_unreadable: bool,
    /// The answer to a login instead of a token.
    failure: Option<fn() -> Answer>,
}

impl Host {
    fn new() -> Self {
        let validation = || Answer::Active;
        Self {
            store: None,
            ahead: 0,
            logins: 0,
            validations: 0,
            validation,
            locks: 0,
            store_ahead: 0,
            store_is_away: false,
            store_rejects: false,
            record_is_unreadable: false,
            failure: None,
        }
    }

    fn now(&self, t: i64) -> Now {
        Now { elapsed: Timestamp(t), wall: WallTime(t + self.ahead) }
    }

    /// Gets a token, and returns its number and the names of the events.
    fn token(&mut self, machine: &mut Lifecycle, t: i64) -> (String, Vec<String>) {
        let ask = Ask::new(Timestamp(t), Duration::from_secs(20));
        for _ in 0..20 {
            match machine.ask(&ask, self.now(t)) {
                Reply::Lease(served) => {
                    let events = machine.events().iter().map(ToString::to_string).collect();
                    return (served.lease.token().expose().to_owned(), events);
                }
                Reply::Error(error) => panic!("{error}"),
                Reply::Later => self.drive(machine, t),
            }
        }
        panic!("no answer at {t}");
    }

    /// A process gets a token while the store is away.
    fn log_in_in_outage(&mut self) -> Lifecycle {
        let mut machine = process();
        Arc::make_mut(&mut machine.policy).on_store_outage = Some(OnStoreOutage::LoginWithinBudget);
        self.store_is_away = true;
        let mut times = (0..MINUTE).step_by(100);
        let served = times.find(|t| {
            let ask = Ask::new(Timestamp(*t), Duration::from_secs(20));
            let reply = machine.ask(&ask, self.now(*t));
            self.drive(&mut machine, *t);
            matches!(reply, Reply::Lease(_))
        });
        assert!(served.is_some());
        self.store_is_away = false;
        machine
    }

    /// The host is frozen for that time: its monotonic clock stops.
    fn freeze(&mut self, frozen: i64) {
        self.ahead += frozen;
        self.store_ahead += frozen;
    }

    /// A process gets a token while the store is away; then the host is frozen for that time, and the
    /// process saves the token.
    fn freeze_in_outage(&mut self, frozen: i64) {
        let mut machine = self.log_in_in_outage();
        self.freeze(frozen);
        self.drive(&mut machine, MINUTE);
        assert!(self.store.is_some(), "the token is saved");
    }

    fn drive(&mut self, machine: &mut Lifecycle, t: i64) {
        while let Step::Do(effect, receipt) = machine.poll(self.now(t)) {
            let outcome = self.outcome(machine, &effect, t);
            machine.handle(receipt, outcome, self.now(t));
        }
    }

    fn outcome(&mut self, machine: &Lifecycle, effect: &Effect, t: i64) -> Outcome {
        match effect {
            Effect::Send(Call::Login) => {
                if let Some(failure) = self.failure {
                    return Outcome::Answered(failure());
                }
                self.logins += 1;
                let issued = if machine.can.refetch { unstated } else { granted };
                issued(self.logins, t)
            }
            Effect::Send(Call::Refetch) => match (self.logins, (self.validation)()) {
                (0, _) | (_, Answer::Inactive) => Outcome::Answered(Answer::NoToken(no_token())),
                (number, _) => unstated(number, t),
            },
            Effect::Send(Call::Validate(_)) => {
                self.validations += 1;
                Outcome::Answered((self.validation)())
            }
            Effect::Load if self.record_is_unreadable => {
                Outcome::Unreadable(Error::new(ErrorKind::Store, "it can't be decrypted"))
            }
            _ if self.store_is_away => {
                Outcome::Failed(Error::new(ErrorKind::Store, "the store is away"))
            }
            _ if self.store_rejects => {
                Outcome::Rejected(Error::new(ErrorKind::Store, "wrong password"))
            }
            effect => {
                self.locks += u32::from(matches!(effect, Effect::Lock { .. }));
                stored(effect, &mut self.store, t + self.store_ahead)
            }
        }
    }
}

fn process() -> Lifecycle {
    machine_of(wyn(), true).with_boot(BootId(7))
}

/// A token of that number, without a stated end.
fn unstated(number: u32, t: i64) -> Outcome {
    Outcome::Answered(Answer::Token(Granted {
        token: Token::new(TokenKind::Winkas, format!("token-{number}").as_str()),
        life: Life::Unstated,
        scope: None,
        refresh_token: None,
        sent_at: Timestamp(t),
    }))
}

fn no_token() -> Error {
    Error::new(ErrorKind::TokenRejected, "no active token")
}

fn unavailable() -> Answer {
    Answer::Failed(Error::new(ErrorKind::Unavailable, "down").with_status(503))
}

fn rejected() -> Answer {
    Answer::Failed(Error::new(ErrorKind::CredentialsRejected, "wrong password"))
}

fn parted(events: &[String]) -> usize {
    events.iter().filter(|event| event.starts_with("clocks parted")).count()
}

/// Rule: Clocks: if wall clock and monotonic clock of a host have parted by more than two minutes since a
/// token was last confirmed, the token is validated once, under the lock, before it is served. No login
/// is sent for that.
///
/// Reported as microsoft/WSL#5324 and docker/for-mac#17.
#[test]
fn clocks_that_have_parted_cost_one_validation_for_all_processes_and_no_login() {
    let mut host = Host::new();
    let (mut first, mut second) = (process(), process());
    host.token(&mut first, 0);
    host.token(&mut second, 0);
    let locks = host.locks;
    host.ahead = 3 * MINUTE;
    let (token, events) = host.token(&mut first, MINUTE);
    assert_eq!((token.as_str(), host.validations, host.logins), ("token-1", 1, 1));
    assert_eq!((parted(&events), host.locks), (1, locks + 1), "{events:?}");
    // The others read in the record that it is settled, also those that start now.
    for machine in [&mut second, &mut first, &mut process()] {
        assert_eq!(host.token(machine, MINUTE + 1).0, "token-1");
    }
    assert_eq!((host.validations, host.logins), (1, 1));
}

#[test]
fn clocks_that_part_by_up_to_two_minutes_raise_no_doubt() {
    let (mut host, mut machine) = (Host::new(), process());
    host.token(&mut machine, 0);
    for ahead in [2 * MINUTE, -2 * MINUTE] {
        host.ahead = ahead;
        host.token(&mut machine, MINUTE);
    }
    assert_eq!(host.validations, 0);
}

/// Rule: Clocks: a process that starts recognizes from the record that its host was frozen; a process of
/// another host, or after another boot, compares nothing.
#[test]
fn a_new_process_of_the_host_recognizes_that_the_host_was_frozen() {
    let mut host = Host::new();
    host.token(&mut process(), 0);
    host.ahead = HOUR;
    let mut other_host = machine_of(wyn(), true).with_boot(BootId(8));
    host.token(&mut other_host, MINUTE);
    assert_eq!(host.validations, 0);
    host.token(&mut process(), MINUTE);
    assert_eq!((host.validations, host.logins), (1, 1));
}

/// Rule: Clocks: a token that the server calls inactive after the clocks have parted is replaced.
#[test]
fn a_token_that_ended_while_the_host_was_frozen_is_replaced() {
    let (mut host, mut machine) = (Host::new(), process());
    host.token(&mut machine, 0);
    host.ahead = 8 * HOUR;
    host.validation = || Answer::Inactive;
    assert_eq!(host.token(&mut machine, MINUTE).0, "token-2");
    assert_eq!((host.validations, host.logins), (1, 2));
}

/// Rule: Clocks: if the server can't say whether the token is active, clocks that have parted are no
/// reason to replace it: it is served, and the server is asked again after 30 seconds, or when it
/// permits it.
#[test]
fn a_token_is_served_if_the_server_cannot_be_asked_about_it() {
    let (mut host, mut machine) = (Host::new(), process());
    host.token(&mut machine, 0);
    host.ahead = 30 * MINUTE;
    host.validation = unavailable;
    for t in [MINUTE, MINUTE + 29_000] {
        assert_eq!(host.token(&mut machine, t).0, "token-1");
        assert_eq!(host.validations, 2, "each try is sent twice");
    }
    host.validation = || {
        let wait = Duration::from_secs(300);
        Answer::Failed(Error::new(ErrorKind::Throttled, "slow down").with_retry_after(wait))
    };
    for t in [MINUTE + 31_000, 2 * MINUTE, 5 * MINUTE] {
        assert_eq!(host.token(&mut machine, t).0, "token-1");
        assert_eq!(host.validations, 3);
    }
    host.validation = || Answer::Active;
    for t in [8 * MINUTE, 9 * MINUTE] {
        assert_eq!(host.token(&mut machine, t).0, "token-1");
        assert_eq!((host.validations, host.logins), (4, 1));
    }
}

/// Rule: Clocks: from the end on that the wall clock shows, a token is validated as after an assumed end,
/// up to the end that the monotonic clock shows.
#[test]
fn a_token_is_validated_after_the_end_that_the_wall_clock_shows() {
    let (mut host, mut machine) = (Host::new(), process());
    host.token(&mut machine, 0);
    host.ahead = 30 * MINUTE;
    for (t, validations) in [(MINUTE, 1), (29 * MINUTE, 1), (30 * MINUTE, 2), (30 * MINUTE + 1, 3)]
    {
        assert_eq!(host.token(&mut machine, t).0, "token-1");
        assert_eq!(host.validations, validations, "{t}");
    }
    // A new process has it from the record.
    host.validation = || Answer::Inactive;
    assert_eq!(host.token(&mut process(), 40 * MINUTE).0, "token-2");
}

/// Rule: Clocks: a token that the clocks make doubtful is validated also in the margin before its end, where it
/// is served if a login fails.
#[test]
fn a_doubtful_token_is_validated_before_it_is_served_in_its_margin() {
    for (ahead, served) in [(3 * MINUTE, true), (2 * HOUR, false)] {
        let (mut host, mut machine) = (Host::new(), process());
        host.token(&mut machine, 0);
        host.ahead = ahead;
        host.failure = Some(unavailable);
        let t = HOUR - MINUTE / 2;
        host.validation = if served { || Answer::Active } else { || Answer::Inactive };
        let ask = Ask::new(Timestamp(t), Duration::from_secs(20));
        let reply = (t..=ask.deadline.0).step_by(500).find_map(|t| {
            host.drive(&mut machine, t);
            let reply = machine.ask(&ask, host.now(t));
            (!matches!(reply, Reply::Later)).then_some(reply)
        });
        let reply = reply.expect("an answer at the deadline");
        assert_eq!(matches!(reply, Reply::Lease(_)), served, "{reply:?}");
        assert_eq!(host.validations, 1);
    }
}

/// Rule: Clocks: a host that was frozen while a request was under way counts that for the answer.
#[test]
fn a_host_that_was_frozen_during_a_login_validates_its_token() {
    let (mut host, mut machine) = (Host::new(), process());
    let _ = machine.ask(&Ask::new(Timestamp(0), Duration::from_secs(20)), host.now(0));
    while let Step::Do(effect, receipt) = machine.poll(host.now(0)) {
        let is_login = matches!(effect, Effect::Send(Call::Login));
        let outcome = if is_login { granted(1, 0) } else { stored(&effect, &mut host.store, 0) };
        host.ahead += if is_login { HOUR } else { 0 };
        machine.handle(receipt, outcome, host.now(0));
    }
    host.token(&mut machine, 1);
    assert_eq!(host.validations, 1);
}

/// Rule: Clocks: where the server can't validate tokens, clocks that have parted are reported as an
/// event, once.
#[test]
fn clocks_that_have_parted_are_an_event_where_the_server_cannot_be_asked() {
    let (mut host, mut machine) = (Host::new(), process());
    machine.can.validate = false;
    host.token(&mut machine, 0);
    host.ahead = HOUR;
    for events in [1, 0] {
        let (token, all) = host.token(&mut machine, MINUTE);
        assert_eq!((token.as_str(), parted(&all)), ("token-1", events), "{all:?}");
    }
    assert_eq!((host.validations, host.logins), (0, 1));
}

/// Rule: Clocks: a doubt is settled by an answer also if the store's clock was set back, and the record's
/// last validation is of the future.
#[test]
fn a_validation_of_the_future_causes_no_further_validations() {
    let (mut host, mut machine) = (Host::new(), process());
    host.token(&mut machine, HOUR / 2);
    host.ahead = HOUR / 4;
    for _ in 0..3 {
        host.token(&mut machine, MINUTE);
    }
    assert_eq!((host.validations, host.logins), (1, 1));
}

/// Rule: Clocks: if the store's clock agrees with the wall clock that the host was frozen, the record's
/// times count for the current token.
#[test]
fn the_clock_of_a_store_elsewhere_shows_the_end_of_a_token() {
    let (mut host, mut machine) = (Host::new(), process());
    machine.can.validate = false;
    host.token(&mut machine, 0);
    host.ahead = HOUR;
    host.store_ahead = HOUR;
    assert_eq!(host.token(&mut machine, MINUTE).0, "token-2");
}

/// Rule: Deadlines: while neither the store nor the server answers, a caller gets at its deadline the token
/// that only the clocks make doubtful.
#[test]
fn a_token_that_the_clocks_make_doubtful_is_served_at_the_deadline() {
    let (mut host, mut machine) = (Host::new(), process());
    host.token(&mut machine, 0);
    host.ahead = 30 * MINUTE;
    let ask = Ask::new(Timestamp(MINUTE), Duration::from_secs(20));
    let mut sent = 0;
    for t in (MINUTE..MINUTE + 20_000).step_by(100) {
        let reply = machine.ask(&ask, host.now(t));
        assert!(matches!(reply, Reply::Later), "{t}: {reply:?}");
        while let Step::Do(effect, receipt) = machine.poll(host.now(t)) {
            if let Effect::Send(_) = effect {
                sent += 1;
            } else {
                let error = Error::new(ErrorKind::Store, "the store is away");
                machine.handle(receipt, Outcome::Failed(error), host.now(t));
            }
        }
    }
    let reply = machine.ask(&ask, host.now(MINUTE + 20_000));
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
    assert!(sent > 0, "the server was asked");
}
