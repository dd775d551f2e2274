//! Machines driven by a host that moves bytes: a server that answers by path, and a store of bytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use ::http::Response;

use super::*;
use crate::{
    Identity, StoreTime, TokenKind, WallTime, http::Request, lease::Source, lifecycle::Revocation,
};

/// A store, a server and a clock, for the machines of several processes.
struct Host {
    t: i64,
    records: BTreeMap<String, (u64, Vec<u8>)>,
    locks: BTreeMap<String, u64>,
    /// The tokens that are active at the server.
    active: BTreeSet<String>,
    issued: u32,
    /// The paths of the requests.
    sent: Vec<String>,
}

impl Host {
    fn new() -> Self {
        Self {
            t: 1000,
            records: BTreeMap::new(),
            locks: BTreeMap::new(),
            active: BTreeSet::new(),
            issued: 0,
            sent: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now { elapsed: Timestamp(self.t), wall: WallTime(1_700_000_000_000 + self.t) }
    }

    fn logins(&self) -> usize {
        self.sent.iter().filter(|path| path.ends_with("token")).count()
    }

    /// Drives a machine until it is done.
    fn drive(&mut self, machine: &mut Machine) {
        loop {
            match machine.poll(self.now()) {
                Step::Done => return,
                Step::Wait(until) => self.t = until.0,
                Step::Do(effect) => self.perform(machine, *effect),
            }
        }
    }

    /// Makes a call, and returns its result.
    fn call(&mut self, machine: &mut Machine, call: ClientCall) -> Result<CallResult> {
        let id = machine.begin(call, None, self.now());
        self.drive(machine);
        machine.take(id).expect("a machine that is done has completed its calls")
    }

    fn token(&mut self, machine: &mut Machine) -> (Token, Source) {
        match self.call(machine, ClientCall::Token { min_remaining: None }) {
            Ok(CallResult::Token(served)) => (served.lease.token().clone(), served.source),
            other => panic!("{other:?}"),
        }
    }

    fn perform(&mut self, machine: &mut Machine, effect: Effect) {
        self.t += 1;
        let (t, now) = (StoreTime(self.t), self.now());
        match effect.action() {
            Action::Send(request) => {
                let (status, body) = self.answer(request);
                let mut response = Response::new(body.as_bytes());
                *response.status_mut() = status.try_into().unwrap();
                if status == 401 {
                    let challenge = r#"Bearer error="invalid_token""#.parse().unwrap();
                    response.headers_mut().insert("www-authenticate", challenge);
                }
                machine.handle(effect, Outcome::Answered(response), now);
            }
            Action::Load { record } => {
                let stored = self.records.get(&record.key());
                let stored = stored.map(|(revision, bytes)| (*revision, bytes.as_slice()));
                machine.handle(effect, Outcome::Loaded { stored, now: t }, now);
            }
            Action::Lock { record, owner, .. } => {
                let holder = *self.locks.entry(record.key()).or_insert(*owner);
                let outcome = if holder == *owner { Outcome::Locked } else { Outcome::Busy };
                machine.handle(effect, outcome, now);
            }
            Action::Save { record, expected, bytes, .. } => {
                let stored = self.records.get(&record.key());
                if stored.map(|(revision, _)| *revision) == *expected {
                    let revision = expected.unwrap_or_default() + 1;
                    self.records.insert(record.key(), (revision, bytes.to_vec()));
                    machine.handle(effect, Outcome::Saved { revision, now: t }, now);
                } else {
                    let stored = stored.map(|(revision, bytes)| (*revision, bytes.as_slice()));
                    machine.handle(effect, Outcome::Conflict { stored, now: t }, now);
                }
            }
            Action::Unlock { record, owner } => {
                if self.locks.get(&record.key()) == Some(owner) {
                    self.locks.remove(&record.key());
                }
                machine.handle(effect, Outcome::Unlocked, now);
            }
            Action::Renew { .. } => machine.handle(effect, Outcome::Locked, now),
        }
    }

    fn answer(&mut self, request: &Request) -> (u16, String) {
        let path = request.uri().path().to_owned();
        self.sent.push(path.clone());
        let body = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
        let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let shown = bearer.and_then(|value| value.strip_prefix("Bearer "));
        match path.as_str() {
            "/.well-known/openid-configuration" => (
                200,
                r#"{"issuer":"https://h","token_endpoint":"https://h/found/token",
                    "revocation_endpoint":"https://h/found/revoke"}"#
                    .to_owned(),
            ),
            "/connect/token" | "/found/token" => {
                self.issued += 1;
                let token = format!("token{}", self.issued);
                self.active.insert(token.clone());
                (200, format!(r#"{{"access_token":"{token}","expires_in":3600}}"#))
            }
            "/connect/userinfo" if self.active.contains(shown.unwrap_or_default()) => {
                (200, r#"{"sub":"u"}"#.to_owned())
            }
            "/connect/userinfo" => (401, String::new()),
            "/connect/revocation" | "/found/revoke" => {
                self.active.retain(|token| !body.contains(token.as_str()));
                (200, String::new())
            }
            other => panic!("{other}"),
        }
    }
}

fn machine(identity: Identity, seed: u64) -> Machine {
    let settings = Settings {
        key: Key::new([7; 32]),
        policy: Policy::default(),
        seed,
        boot: None,
        host: "host",
        process: 1,
        wait: Duration::from_secs(30),
    };
    let credentials = Credentials::password("canary-password").with_client_secret("canary-secret");
    Machine::new(Server::new(identity), credentials, settings).unwrap()
}

fn wyn() -> Identity {
    Identity::wyn("https://h", "u", "c").unwrap()
}

/// Rule: Logins: machines of several processes that share a store cause one login, and the token is
/// released to the others with its lock.
#[test]
fn machines_that_share_a_store_cause_one_login() {
    let mut host = Host::new();
    let (mut one, mut other) = (machine(wyn(), 1), machine(wyn(), 1000));
    let (token, source) = host.token(&mut one);
    assert_eq!(source, Source::Login);
    assert!(host.locks.is_empty());
    assert_eq!(host.token(&mut other), (token.clone(), Source::Store));
    assert_eq!(host.token(&mut one), (token, Source::Memory));
    assert_eq!(host.sent, ["/connect/token"]);
}

/// Rule: Logins: a machine waits for the lock of another one, and then uses its token.
#[test]
fn a_machine_waits_for_the_lock_of_another_one() {
    let mut host = Host::new();
    let (mut one, mut other) = (machine(wyn(), 1), machine(wyn(), 1000));
    let call = ClientCall::Token { min_remaining: None };
    let id = one.begin(call.clone(), None, host.now());
    // The first machine has the lock, and its login is under way.
    let login = loop {
        match one.poll(host.now()) {
            Step::Do(effect) if matches!(effect.action(), Action::Send(_)) => break effect,
            Step::Do(effect) => host.perform(&mut one, *effect),
            step => panic!("{step:?}"),
        }
    };
    let waiting = other.begin(call, None, host.now());
    loop {
        match other.poll(host.now()) {
            Step::Do(effect) => host.perform(&mut other, *effect),
            Step::Wait(_) => break,
            Step::Done => panic!("the call is open"),
        }
    }
    host.perform(&mut one, *login);
    host.drive(&mut one);
    host.drive(&mut other);
    let token = |result: Option<Result<CallResult>>| match result {
        Some(Ok(CallResult::Token(served))) => served.lease.token().clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(token(one.take(id)), token(other.take(waiting)));
    assert_eq!(host.logins(), 1);
}

/// Rule: Rejection: a machine asks the provider about a rejected token before it replaces it.
#[test]
fn a_rejected_token_is_validated_before_it_is_replaced() {
    let mut host = Host::new();
    let mut machine = machine(wyn(), 1);
    let (token, _) = host.token(&mut machine);
    let report = || ClientCall::ReportRejected(token.clone());
    let result = host.call(&mut machine, report());
    assert!(matches!(result, Ok(CallResult::StillActive)), "{result:?}");
    host.active.clear();
    host.t += 120_000;
    let result = host.call(&mut machine, report());
    let Ok(CallResult::Token(served)) = result else { panic!("{result:?}") };
    assert_ne!(*served.lease.token(), token);
    assert_eq!(host.logins(), 2);
}

/// Rule: Rejection: a machine that learns of a rejected token only from the store has it checked, too.
#[test]
fn a_rejected_token_of_another_process_is_validated() {
    let mut host = Host::new();
    let (mut one, mut other) = (machine(wyn(), 1), machine(wyn(), 1000));
    let (token, _) = host.token(&mut one);
    host.active.clear();
    let result = host.call(&mut other, ClientCall::ReportRejected(token.clone()));
    let Ok(CallResult::Token(served)) = result else { panic!("{result:?}") };
    assert_ne!(*served.lease.token(), token);
    assert_eq!(host.logins(), 2);
}

#[test]
fn a_machine_validates_revokes_forgets_and_unblocks() {
    let mut host = Host::new();
    let mut machine = machine(wyn(), 1);
    let (token, _) = host.token(&mut machine);
    let result = host.call(&mut machine, ClientCall::Validate(token.clone()));
    assert!(matches!(result, Ok(CallResult::Validation(true))), "{result:?}");
    let result = host.call(&mut machine, ClientCall::Revoke(token.clone()));
    assert!(matches!(result, Ok(CallResult::Revoked(Revocation::Proven))), "{result:?}");
    let result = host.call(&mut machine, ClientCall::Validate(token.clone()));
    assert!(matches!(result, Ok(CallResult::Validation(false))), "{result:?}");
    let (next, _) = host.token(&mut machine);
    assert_ne!(next, token);
    for call in [ClientCall::Forget, ClientCall::Unblock] {
        let result = host.call(&mut machine, call);
        assert!(matches!(result, Ok(CallResult::Done)), "{result:?}");
    }
    assert_ne!(host.token(&mut machine).0, next);
    let result = host.call(&mut machine, ClientCall::Refetch);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Unsupported);
    let adopted = Token::new(TokenKind::Bearer, "elsewhere");
    machine.adopt(adopted.clone(), Some(Duration::from_secs(7200)), host.now()).unwrap();
    assert_eq!(host.token(&mut machine).0, adopted);
}

/// Rule: Discovery: machines that share a store read the discovery document once, before the first
/// request that needs it.
#[test]
fn machines_that_share_a_store_read_the_discovery_document_once() {
    let mut host = Host::new();
    let identity = || Identity::oauth2("https://h", "u", "c").unwrap();
    let mut one = machine(identity(), 1);
    let (token, _) = host.token(&mut one);
    assert_eq!(host.sent, ["/.well-known/openid-configuration", "/found/token"]);
    // The second process needs the document for the revocation, and finds it in the store.
    let mut other = machine(identity(), 1000);
    let result = host.call(&mut other, ClientCall::Revoke(token));
    assert!(matches!(result, Ok(CallResult::Revoked(_))), "{result:?}");
    assert_eq!(host.sent[2..], ["/found/revoke"]);
}

/// Rule: Deadlines: a call whose effects are never returned has an error at its deadline, and no
/// later effect makes the machine wait for ever.
#[test]
fn a_call_whose_effects_are_lost_ends_at_its_deadline() {
    for identity in [wyn(), Identity::oauth2("https://h", "u", "c").unwrap()] {
        let calls = [
            ClientCall::Token { min_remaining: None },
            ClientCall::Validate(Token::new(TokenKind::Bearer, "t")),
            ClientCall::ReportRejected(Token::new(TokenKind::Bearer, "t")),
            ClientCall::Revoke(Token::new(TokenKind::Bearer, "t")),
        ];
        for call in calls {
            let mut host = Host::new();
            let mut machine = machine(identity.clone(), 1);
            let id = machine.begin(call.clone(), Some(Duration::from_secs(5)), host.now());
            let until = host.t + 5000;
            while host.t <= until && !machine.is_complete(id) {
                match machine.poll(host.now()) {
                    Step::Do(effect) => drop(effect),
                    // Other work may take longer than the call.
                    Step::Wait(_) if machine.is_complete(id) => {}
                    Step::Wait(until) => host.t = until.0,
                    Step::Done => break,
                }
            }
            assert!(host.t <= until, "{call:?}");
            let error = machine.take(id).expect("a result at the deadline").unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::DeadlineExceeded | ErrorKind::Store),
                "{call:?}: {error}"
            );
        }
    }
}

/// Rule: Logins: a machine takes a login's answer that arrives after its deadline.
#[test]
fn a_login_that_is_answered_late_still_brings_its_token() {
    let mut host = Host::new();
    let mut machine = machine(wyn(), 1);
    let call = ClientCall::Token { min_remaining: None };
    machine.begin(call, Some(Duration::from_secs(12)), host.now());
    let login = loop {
        match machine.poll(host.now()) {
            Step::Do(effect) if matches!(effect.action(), Action::Send(_)) => break effect,
            Step::Do(effect) => host.perform(&mut machine, *effect),
            step => panic!("{step:?}"),
        }
    };
    host.t += 11_000;
    while let Step::Do(effect) = machine.poll(host.now()) {
        assert!(!matches!(effect.action(), Action::Send(_)), "no second login");
        host.perform(&mut machine, *effect);
    }
    host.perform(&mut machine, *login);
    assert_eq!(host.token(&mut machine).0.expose(), "token1");
    assert_eq!(host.logins(), 1);
}

/// Rule: Languages: an outcome that belongs to another effect counts as a failure of the effect.
#[test]
fn an_outcome_of_another_effect_is_a_failure() {
    let mut host = Host::new();
    let mut machine = machine(wyn(), 1);
    let id = machine.begin(
        ClientCall::Token { min_remaining: None },
        Some(Duration::from_secs(2)),
        host.now(),
    );
    while !machine.is_complete(id) {
        match machine.poll(host.now()) {
            Step::Do(effect) => machine.handle(*effect, Outcome::Unlocked, host.now()),
            Step::Wait(until) => host.t = until.0,
            Step::Done => break,
        }
    }
    machine.take(id).unwrap().unwrap_err();
    assert_eq!(host.logins(), 0);
}

/// Rule: Secrets: the texts of a machine and of its effects contain no secret, also not those of a
/// host's HTTP library that quote an address with a token.
#[test]
fn machines_and_effects_show_no_secret() {
    let host = Host::new();
    let identity = Identity::winkas("https://h", "u", "c").unwrap();
    let mut machine = machine(identity, 1);
    let token = Token::new(TokenKind::Winkas, "canary token");
    machine.begin(ClientCall::Validate(token), None, host.now());
    let mut seen = format!("{machine:?}");
    let mut quoted = 0;
    for _ in 0..3 {
        let Step::Do(effect) = machine.poll(host.now()) else { break };
        seen.push_str(&effect.action().to_string());
        let _ = write!(seen, "{effect:?}");
        if let Action::Send(request) = effect.action() {
            quoted += 1;
            let text = format!("cannot connect to {}", request.uri());
            assert!(text.contains("canary"));
            let error = effect.redact(Error::new(ErrorKind::Transport, text));
            seen += &error.to_string();
        }
        let stored = Outcome::Loaded { stored: None, now: StoreTime(0) };
        let outcome =
            if effect.takes(&stored) { stored } else { Outcome::NotSent(discovering::too_late()) };
        machine.handle(*effect, outcome, host.now());
    }
    assert_eq!(quoted, 1);
    assert!(!seen.contains("canary"), "{seen}");
}
