//! A state machine with its store, its server and an observer, for arbitrary sequences of events.
#![allow(unreachable_pub, reason = "the fuzz targets use it, too")]

use std::{collections::BTreeSet, time::Duration};

use tokenlease_core::{
    Credentials, CredentialsFingerprint, Error, ErrorKind, Identity, Key, Now, StoreTime,
    Timestamp, Token, TokenFingerprint, TokenKind, WallTime,
    lease::Expiry,
    lifecycle::{Ask, Effect, Event, Lifecycle, Outcome, Policy, Receipt, Reply, Step},
    provider::{Answer, Call, Granted, Life, Server},
    record::Record,
    time::Moment as _,
};

const HOUR: u64 = 3_600_000;

/// The next event. Its numbers choose among the events that are possible at that moment.
#[derive(Clone, Debug)]
pub enum Act {
    Ask { wait: u64, min: Option<u64> },
    Poll,
    Answer { choice: u8, late: bool },
    LoseReceipt,
    Pass(u64),
    JumpWall(i64),
    Reject,
    Adopt(Option<u64>),
    Forget,
    Revoke,
    Validate,
    Unblock,
}

/// A state machine, its store, and the facts that an observer knows.
pub struct World {
    machine: Lifecycle,
    kind: TokenKind,
    now: Now,
    record: Option<(u64, Record)>,
    /// Receipts that were not returned in time, with their effects.
    kept: Vec<(Receipt, Effect)>,
    current: Option<(Receipt, Effect)>,
    logins: u32,
    token: Option<Token>,
    /// Tokens that the server called inactive, or that were revoked.
    inactive: BTreeSet<TokenFingerprint>,
    rejected_at: Option<Timestamp>,
    /// Until when the current lease is fresh, if it has a stated end and nothing happened to it since
    /// it arrived in time.
    good: Option<Timestamp>,
}

impl World {
    pub fn new(winkas: bool, store: bool, start: i64) -> Self {
        let identity = if winkas {
            Identity::winkas("https://h", "u", "c")
        } else {
            Identity::wyn("https://h", "u", "integration")
        };
        let server = Server::new(identity.unwrap());
        let key = Key::new([1; 32]);
        let credentials =
            CredentialsFingerprint::of(&key, &Credentials::password("p").with_client_secret("s"));
        let policy = Policy { store, ..Policy::default() };
        Self {
            kind: server.token_kind(),
            machine: Lifecycle::new(&server, credentials, key, policy, 7),
            now: Now { wall: WallTime(0), elapsed: Timestamp(start) },
            record: None,
            kept: Vec::new(),
            current: None,
            logins: 0,
            token: None,
            inactive: BTreeSet::new(),
            rejected_at: None,
            good: None,
        }
    }

    pub fn act(&mut self, act: &Act) {
        let t = self.now.elapsed;
        match act {
            Act::Ask { wait, min } => {
                let ask = Ask {
                    min_remaining: min.map(Duration::from_millis),
                    ..Ask::new(t, Duration::from_millis(*wait))
                };
                if min.is_some() {
                    self.good = None;
                }
                self.ask(&ask);
            }
            Act::Poll => self.poll(),
            Act::Answer { choice, late } => self.answer(*choice, *late),
            Act::LoseReceipt => drop(self.current.take()),
            Act::Pass(time) => self.now.elapsed = t.plus(Duration::from_millis(*time)),
            Act::JumpWall(by) => self.now.wall = WallTime(self.now.wall.0.saturating_add(*by)),
            Act::Reject => {
                if let Some(token) = &self.token {
                    let _ = self.machine.report_rejected(token, self.now);
                    self.good = None;
                }
            }
            Act::Adopt(life) => {
                let token = Token::new(self.kind, "adopted");
                let end = life.map(|life| t.plus(Duration::from_millis(life)));
                let _ = self.machine.adopt(token, end, self.now);
                self.good = None;
            }
            Act::Forget => {
                self.machine.forget(self.now);
                self.good = None;
            }
            Act::Revoke => {
                if let Some(token) = self.token.clone()
                    && self.machine.revoke(&token).is_ok()
                {
                    self.good = None;
                }
            }
            Act::Validate => {
                if let Some(token) = &self.token {
                    let _ = self.machine.validate(token);
                    self.good = None;
                }
            }
            Act::Unblock => {
                self.machine.unblock(self.now);
                self.rejected_at = None;
                self.good = None;
            }
        }
        self.note_events();
        let _ = self.machine.explain(self.now);
        if let Some(ready) = self.machine.ready(self.now) {
            assert!(ready.until > self.now.elapsed);
            let end = ready.lease.end();
            assert!(end.is_none_or(|end| ready.until <= end), "ready past its end");
            self.serves(ready.lease.token());
        }
    }

    /// Notes the tokens that the state machine says have ended. It does not believe each answer.
    fn note_events(&mut self) {
        for event in self.machine.events() {
            if let Event::Inactive(fingerprint) | Event::Revoked(fingerprint) = event {
                self.inactive.insert(fingerprint);
            }
        }
    }

    fn ask(&mut self, ask: &Ask) {
        let t = self.now.elapsed;
        match self.machine.ask(ask, self.now) {
            Reply::Lease(served) => {
                let token = served.lease.token().clone();
                let expired_on_arrival =
                    matches!(served.lease.expiry(), Expiry::ExpiredOnArrival { .. });
                let expired = served.lease.end().is_some_and(|end| end <= t);
                assert!(expired_on_arrival || !expired, "an expired lease was served");
                assert!(self.rejected_at.is_none(), "rejected credentials were served");
                self.serves(&token);
                self.token = Some(token);
            }
            Reply::Error(error) => assert!(!error.to_string().is_empty()),
            Reply::Later => {
                assert!(t < ask.deadline, "a caller past its deadline was not answered");
            }
        }
    }

    fn serves(&self, token: &Token) {
        let fingerprint = TokenFingerprint::of(&Key::new([1; 32]), token);
        assert!(!self.inactive.contains(&fingerprint), "an inactive token was served");
    }

    fn poll(&mut self) {
        for round in 0.. {
            assert!(round < 20, "poll returns neither an effect nor a time");
            match self.machine.poll(self.now) {
                Step::Done => {
                    return;
                }
                Step::Wait(until) if until > self.now.elapsed => return,
                Step::Wait(_) => {}
                Step::Do(effect, receipt) => {
                    self.check(&effect);
                    if let Some(old) = self.current.replace((receipt, effect)) {
                        self.kept.push(old);
                    }
                    return;
                }
            }
        }
    }

    /// Checks that the effect may be performed now.
    fn check(&self, effect: &Effect) {
        let Effect::Send(call) = effect else { return };
        if !call.takes_credentials() {
            return;
        }
        if let Some(at) = self.rejected_at {
            let closed = self.now.elapsed >= at.plus(Duration::from_millis(HOUR));
            assert!(closed, "rejected credentials were sent again within an hour");
        }
        if let Some(fresh_until) = self.good {
            assert!(
                self.now.elapsed >= fresh_until || *call != Call::Login,
                "a login while a good lease is known"
            );
        }
    }

    fn answer(&mut self, choice: u8, late: bool) {
        let current = !late || self.kept.is_empty();
        let taken = if current { self.current.take() } else { Some(self.kept.remove(0)) };
        let Some((receipt, effect)) = taken else { return };
        let in_time = current && self.now.elapsed < receipt.deadline();
        let sent = receipt.deadline().minus(Duration::from_secs(10));
        let outcome = self.outcome(&effect, choice, in_time, sent);
        let accepted = matches!(outcome, Outcome::Answered(Answer::Token(_)));
        self.machine.handle(receipt, outcome, self.now);
        if accepted && current {
            // The receipt was not given up, so its answer counts, even past its deadline.
            self.rejected_at = None;
        }
        if !in_time {
            self.good = None;
        }
    }

    fn outcome(&mut self, effect: &Effect, choice: u8, in_time: bool, sent: Timestamp) -> Outcome {
        let now = StoreTime(self.now.elapsed.0.saturating_add(77));
        match (effect, choice % 8) {
            (Effect::Send(call), _) => self.provider(&call.clone(), choice, in_time, sent),
            (_, 0) => {
                self.good = None;
                Outcome::Failed(Error::new(ErrorKind::Store, "unavailable"))
            }
            (Effect::Load, 1) if choice > 240 => {
                self.good = None;
                Outcome::Unreadable(Error::new(ErrorKind::Store, "another key"))
            }
            (Effect::Load, _) => Outcome::Loaded { stored: self.record.clone(), now },
            (Effect::Lock { .. } | Effect::Renew { .. }, 1) => Outcome::Busy,
            (Effect::Lock { .. } | Effect::Renew { .. }, _) => Outcome::Locked,
            (Effect::Save { expected, record, .. }, _) => {
                let revision = self.record.as_ref().map(|(revision, _)| *revision);
                if *expected != revision {
                    return Outcome::Conflict { stored: self.record.clone(), now };
                }
                let revision = revision.unwrap_or_default() + 1;
                // Encoded and decoded, as by a real store.
                let record = Record::decode(&record.encode()).unwrap();
                self.record = Some((revision, record));
                Outcome::Saved { revision, now }
            }
            _ => Outcome::Unlocked,
        }
    }

    fn provider(&mut self, call: &Call, choice: u8, in_time: bool, sent: Timestamp) -> Outcome {
        let t = self.now.elapsed;
        let fail = |kind, status| Answer::Failed(Error::new(kind, "no").with_status(status));
        let answer = match (choice % 12, call) {
            (0, _) => return Outcome::NotSent(Error::new(ErrorKind::Transport, "rejected")),
            (1, _) => return Outcome::Lost(Error::new(ErrorKind::Transport, "reset")),
            (2, _) => fail(ErrorKind::Unavailable, 503),
            (3, _) => Answer::Failed(
                Error::new(ErrorKind::Throttled, "429")
                    .with_retry_after(Duration::from_secs(u64::from(choice) * 1_000_000)),
            ),
            (4, _) => fail(ErrorKind::InvalidResponse, 200),
            (5, call) if call.takes_credentials() => {
                self.rejected_at = Some(t);
                self.good = None;
                fail(ErrorKind::CredentialsRejected, 400)
            }
            // An answer that does not belong to the call.
            (6, _) if choice > 250 => Answer::Revoked,
            (_, Call::Refetch) if choice < 128 => {
                Answer::NoToken(Error::new(ErrorKind::TokenRejected, "none"))
            }
            (_, Call::Refetch | Call::Login) => {
                if *call == Call::Login {
                    self.logins += 1;
                }
                let hour = Life::Stated(Duration::from_millis(HOUR));
                let life = match (self.kind, choice % 5) {
                    (TokenKind::Winkas, _) | (_, 1) => Life::Unstated,
                    (_, 0) => Life::ExpiredOnArrival,
                    (_, 2) => Life::Stated(Duration::MAX),
                    _ => hour,
                };
                // The state machine may have given the receipt up, which the observer does not know.
                self.rejected_at = None;
                if in_time {
                    // Fresh until its refresh window, which begins 6 minutes before the end.
                    let fresh_until = sent.plus(Duration::from_secs(3_600 - 361));
                    self.good = (life == hour && *call == Call::Login).then_some(fresh_until);
                }
                let text = format!("token-{}", self.logins);
                let token = Token::new(self.kind, text.as_str());
                Answer::Token(Granted { token, life, scope: None, refresh_token: None, sent_at: t })
            }
            (7 | 8, Call::Validate(_)) => {
                self.good = None;
                Answer::Inactive
            }
            (_, Call::Validate(_)) => Answer::Active,
            (_, Call::Revoke(_)) => Answer::Revoked,
        };
        Outcome::Answered(answer)
    }
}
