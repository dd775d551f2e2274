use super::*;
use crate::record::{HistoryCause, HistoryKind, HistoryResult, Tombstone, TombstoneCause};

const HOUR: i64 = 3_600_000;

fn winkas() -> Identity {
    Identity::winkas("https://h", "u", "c").unwrap()
}

/// Returns kind, cause and result of each entry in the store's record, the oldest first.
fn words(store: &Stored) -> Vec<[&'static str; 3]> {
    let history = store.as_ref().map(|(_, record)| record.history()).unwrap_or_default();
    let words = |entry: &crate::record::HistoryEntry<_>| {
        [entry.kind.as_str(), entry.cause.as_str(), entry.result.as_str()]
    };
    history.iter().map(words).collect()
}

fn login(cause: HistoryCause) -> [&'static str; 3] {
    [HistoryKind::Login.as_str(), cause.as_str(), HistoryResult::Token.as_str()]
}

struct World {
    machine: Lifecycle,
    store: Stored,
    issued: u32,
}

impl World {
    fn new(identity: Identity) -> Self {
        let mut machine = machine_of(identity, true);
        machine.set_process("host-1", 4711);
        Self { machine, store: None, issued: 0 }
    }

    fn token(&mut self, t: i64) -> Token {
        if let Reply::Lease(served) = ask(&mut self.machine, t) {
            return served.lease.token().clone();
        }
        self.drive(t);
        let Reply::Lease(served) = ask(&mut self.machine, t) else { panic!("no token at {t}") };
        served.lease.token().clone()
    }

    fn drive(&mut self, t: i64) {
        drive(&mut self.machine, &mut self.store, &mut self.issued, t);
    }

    /// Another process of the same store and credentials.
    fn restart(&mut self) {
        let old = &self.machine;
        let (credentials, key, policy) = (old.credentials, old.key.clone(), old.policy.clone());
        let seed = old.random + 1_000;
        self.machine = Lifecycle::new(&Server::new(wyn()), credentials, key, policy, seed);
        self.machine.set_process("host-2", 4712);
    }
}

/// Rule: Logins: the history of a record says of each login when, why, on which host and in which process.
#[test]
fn the_record_says_when_why_and_where_each_login_was_sent() {
    let mut world = World::new(wyn());
    world.token(1_000);
    world.restart();
    world.token(2_000);
    world.token(HOUR - 200_000);
    world.drive(HOUR - 200_000);
    world.token(9 * HOUR);
    let (_, record) = world.store.clone().unwrap();
    let history = record.history();
    let times: Vec<_> = history.iter().map(|entry| entry.at.0).collect();
    assert_eq!(times, [1_000, HOUR - 200_000, 9 * HOUR]);
    let places: Vec<_> = history.iter().map(|entry| (&*entry.host, entry.process)).collect();
    assert_eq!(places, [("host-1", 4711), ("host-2", 4712), ("host-2", 4712)]);
    let causes = [HistoryCause::First, HistoryCause::Expiring, HistoryCause::Expired];
    assert_eq!(words(&world.store), causes.map(login));
    for (entry, number) in history.iter().zip(1..) {
        let token = Token::new(TokenKind::Bearer, format!("token-{number}").as_str());
        let fingerprint = TokenFingerprint::of(&Key::new([0; 32]), &token);
        assert_eq!(entry.token.unwrap().to_string(), fingerprint.to_string());
        assert_eq!(entry.lifetime, Some(Duration::from_secs(3600)));
    }
    assert!(!format!("{record:?} {history:?}").contains("token-"));
}

/// Rule: Logins: a token that was forgotten, revoked, called inactive, or too short for a caller is the cause
/// of its replacement, also for a process that starts later.
#[test]
fn the_reason_why_a_token_is_not_used_any_more_is_the_cause_of_the_next_login() {
    let mut world = World::new(wyn());
    world.token(1_000);
    world.machine.forget(at(2_000));
    world.drive(2_000);
    world.restart();
    let token = world.token(3_000);
    world.machine.revoke(&token).unwrap();
    world.drive(4_000);
    world.restart();
    let token = world.token(5_000);
    // The server's answer on a token that it issued a moment ago is not believed.
    let _ = world.machine.validate(&token).unwrap();
    world.drive(900_000);
    world.token(900_001);
    let longer = Ask {
        min_remaining: Some(Duration::from_secs(1700)),
        ..Ask::new(Timestamp(900_000 + HOUR * 55 / 100), Duration::from_secs(60))
    };
    let t = longer.asked.0;
    assert!(matches!(world.machine.ask(&longer, at(t)), Reply::Later));
    world.drive(t);
    let causes = [
        HistoryCause::First,
        HistoryCause::Forgotten,
        HistoryCause::Revoked,
        HistoryCause::Inactive,
        HistoryCause::MinRemaining,
    ];
    assert_eq!(words(&world.store), causes.map(login));
    let count = crate::record::LoginCount::of(&world.store.unwrap().1.history());
    assert_eq!((count.logins, count.minimum), (5, 3));
}

/// Rule: Logins: a lost answer is a login of the history and the cause of the next one, and its late answer
/// changes its entry.
#[test]
fn a_lost_answer_is_in_the_history_until_it_arrives() {
    let mut world = World::new(wyn());
    let _ = ask(&mut world.machine, 1_000);
    let mut t = 1_000;
    let receipt =
        until(&mut world.machine, &world.store, &mut t, |effect| matches!(effect, Effect::Send(_)));
    world.drive(12_000);
    let lost = ["login", "first", "lost"];
    assert_eq!(words(&world.store), [lost]);
    // Another process logs in again.
    let (store, issued) = (world.store.clone(), world.issued);
    let mut other = World { store, issued, ..World::new(wyn()) };
    other.restart();
    other.token(40_000);
    assert_eq!(words(&other.store), [lost, login(HistoryCause::AnswerLost)]);
    // The answer arrives here before the next login.
    world.machine.handle(receipt, granted(9, 1_000), at(13_000));
    world.drive(13_000);
    assert_eq!(words(&world.store), [login(HistoryCause::First)]);
}

/// Rule: Logins: the history has each rejection of a token by an API, and of credentials by the server, with
/// its result.
#[test]
fn rejections_are_in_the_history_with_their_results() {
    let mut world = World::new(winkas());
    let _ = ask(&mut world.machine, 1_000);
    // A refetch finds nothing, then the login brings a token.
    let answers = |machine: &mut Lifecycle, store: &mut Stored, t: i64, answers: &[Answer]| {
        let mut answers = answers.iter();
        while let Step::Do(effect, receipt) = machine.poll(at(t)) {
            let outcome = match effect {
                Effect::Send(_) => Outcome::Answered(answers.next().cloned().unwrap()),
                effect => stored(&effect, store, t),
            };
            machine.handle(receipt, outcome, at(t));
        }
    };
    let token = |number: u32| {
        Answer::Token(Granted {
            token: Token::new(TokenKind::Winkas, format!("token-{number}").as_str()),
            life: Life::Unstated,
            scope: None,
            refresh_token: None,
            sent_at: Timestamp(0),
        })
    };
    let no_token = Answer::NoToken(Error::new(ErrorKind::TokenRejected, "none"));
    answers(&mut world.machine, &mut world.store, 1_000, &[no_token.clone(), token(1)]);
    let Reply::Lease(served) = ask(&mut world.machine, 2_000) else { panic!() };
    let first = served.lease.token().clone();
    for (t, replies) in [
        (200_000, vec![Answer::Active]),
        (400_000, vec![Answer::Inactive, no_token.clone(), token(2)]),
    ] {
        let _ = world.machine.report_rejected(&first, at(t));
        let _ = ask(&mut world.machine, t);
        answers(&mut world.machine, &mut world.store, t, &replies);
    }
    let rejected = Error::new(ErrorKind::CredentialsRejected, "wrong");
    world.machine.forget(at(500_000));
    let _ = ask(&mut world.machine, 500_000);
    answers(&mut world.machine, &mut world.store, 500_000, &[Answer::Failed(rejected)]);
    world.machine.unblock(at(600_000));
    let _ = ask(&mut world.machine, 600_000);
    answers(&mut world.machine, &mut world.store, 600_000, &[token(2)]);
    assert_eq!(
        words(&world.store),
        [
            login(HistoryCause::First),
            ["rejection", "token_rejected", "still_active"],
            ["rejection", "token_rejected", "inactive"],
            login(HistoryCause::Inactive),
            ["rejection", "credentials_rejected", "circuit_opened"],
            ["refetch", "credentials_rejected", "token"],
        ]
    );
}

/// Rule: Store: the history alone causes no write of the record.
#[test]
fn the_history_alone_causes_no_write() {
    let mut world = World::new(wyn());
    let token = world.token(1_000);
    let revision = world.store.as_ref().map(|(revision, _)| *revision);
    let fingerprint = TokenFingerprint::of(&Key::new([0; 32]), &token);
    let unconfirmed = HistoryResult::Unconfirmed;
    world.machine.note_rejected_token(fingerprint, unconfirmed, Timestamp(2_000));
    world.drive(2_000);
    assert!(!world.machine.has_work());
    assert_eq!(world.store.as_ref().map(|(revision, _)| *revision), revision);
    world.machine.forget(at(3_000));
    world.drive(3_000);
    assert_eq!(words(&world.store).last().unwrap()[2], "unconfirmed");
}

/// Rule: Logins: a token that was rejected again after the server had returned it is stated as rejected, also
/// after the history has dropped the rejection.
#[test]
fn a_second_rejection_is_the_cause_of_a_login_without_its_entry_in_the_history() {
    let mut world = World::new(wyn());
    let token = world.token(1_000);
    let fingerprint = TokenFingerprint::of(&Key::new([0; 32]), &token);
    let credentials = world.machine.credentials_fingerprint();
    let rejected = |at| {
        let (cause, at) = (TombstoneCause::Rejected, Timestamp(at));
        RecordChange::Ended { credentials, fingerprint, tombstone: Tombstone { cause, at } }
    };
    let (sent, then) = (Timestamp(3_000), world.machine.clocks.wall(Timestamp(3_000)));
    let lifted = RecordChange::Lifted { fingerprint, sent, then };
    for change in [rejected(2_000), lifted, rejected(4_000)] {
        world.machine.record_change(change, Timestamp(4_000));
    }
    world.token(900_000);
    let causes = [HistoryCause::First, HistoryCause::TokenRejected];
    assert_eq!(words(&world.store), causes.map(login));
}

/// Rule: Logins: a rejection of an older token is not the cause of a login after its successor was forgotten.
#[test]
fn the_last_token_gives_the_cause_of_a_login_and_no_older_one() {
    let mut first = World::new(wyn());
    let token = first.token(1_000);
    let mut world = World { machine: machine_of(wyn(), true), store: first.store, issued: 1 };
    world.token(2_000);
    let t = HOUR - 30_000;
    world.token(t);
    world.drive(t);
    assert_eq!(world.issued, 2, "another process replaced the token");
    let _ = first.machine.report_rejected(&token, at(t + 10_000));
    first = World { machine: first.machine, store: world.store, issued: world.issued };
    first.token(t + 20_000);
    first.machine.forget(at(t + 30_000));
    first.drive(t + 30_000);
    first.token(t + 40_000);
    assert_eq!(first.machine.cause_of_last_login(), Some((HistoryCause::Forgotten, false)));
}

/// Rule: Logins: a rejection of a token that a caller brought is the cause of its replacement in a store outage,
/// also if the record had an older token.
#[test]
fn the_rejection_of_an_adopted_token_is_the_cause_of_its_replacement() {
    let mut world = World::new(wyn());
    world.token(1_000);
    world.restart();
    let machine = &mut world.machine;
    Arc::make_mut(&mut machine.policy).on_store_outage = Some(OnStoreOutage::LoginWithinBudget);
    let token = Token::new(TokenKind::Bearer, "of a caller");
    machine.adopt(token.clone(), None, at(2_000)).unwrap();
    assert_eq!(world.token(2_000), token);
    let machine = &mut world.machine;
    let _ = machine.report_rejected(&token, at(3_000));
    let request = Ask::new(Timestamp(3_000), Duration::from_secs(60));
    for t in (3_000..63_000).step_by(100) {
        let _ = machine.ask(&request, at(t));
        while let Step::Do(effect, receipt) = machine.poll(at(t)) {
            let outcome = match effect {
                Effect::Send(Call::Login) => granted(2, t),
                Effect::Send(_) => {
                    let error = Error::new(ErrorKind::Unavailable, "down").with_status(503);
                    Outcome::Answered(Answer::Failed(error))
                }
                _ => Outcome::Failed(Error::new(ErrorKind::Store, "the store is away")),
            };
            machine.handle(receipt, outcome, at(t));
        }
    }
    assert_eq!(machine.cause_of_last_login(), Some((HistoryCause::TokenRejected, true)));
}
