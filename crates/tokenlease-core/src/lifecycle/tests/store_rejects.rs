//! A store that answers and rejects calls: a wrong password, a missing permission, a full disk.

use super::*;

const CAUSE: &str = "Redis at h: connecting failed: WRONGPASS";

/// A process and its store, which rejects the effects that the test says.
struct Process {
    machine: Lifecycle,
    t: i64,
    store: Stored,
    rejects: fn(&Effect) -> bool,
    logins: u32,
    /// Requests of all kinds.
    sent: u32,
    events: Vec<Event>,
    /// How long the answer to a refetch takes, in milliseconds.
    refetch_takes: i64,
    /// Whether the store rejects all calls after a refetch.
    rejects_after_refetch: bool,
}

fn all(_: &Effect) -> bool {
    true
}

fn none(_: &Effect) -> bool {
    false
}

fn winkas() -> Identity {
    Identity::winkas("https://h", "u", "c").unwrap()
}

impl Process {
    fn new(
        identity: Identity,
        policy: Option<OnStoreOutage>,
        rejects: fn(&Effect) -> bool,
    ) -> Self {
        let mut machine = machine_of(identity, true);
        Arc::make_mut(&mut machine.policy).on_store_outage = policy;
        Self {
            machine,
            t: 0,
            store: None,
            rejects,
            logins: 0,
            sent: 0,
            events: Vec::new(),
            refetch_takes: 0,
            rejects_after_refetch: false,
        }
    }

    /// Asks, and lets time pass until the caller is answered and nothing is left to do.
    fn token(&mut self) -> Result<Token, Error> {
        let ask = Ask::new(Timestamp(self.t), Duration::from_secs(20));
        let mut reply = None;
        loop {
            if reply.is_none() {
                reply = match self.machine.ask(&ask, at(self.t)) {
                    Reply::Lease(served) => Some(Ok(served.lease.token().clone())),
                    Reply::Error(error) => Some(Err(error)),
                    Reply::Later => None,
                };
            }
            let step = self.machine.poll(at(self.t));
            self.events.extend(self.machine.events());
            match (step, &reply) {
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
        if let Effect::Send(call) = effect {
            self.sent += 1;
            return match call {
                Call::Login => {
                    self.logins += 1;
                    granted(self.logins, self.t)
                }
                Call::Refetch => {
                    self.t += self.refetch_takes;
                    if self.rejects_after_refetch {
                        self.rejects = all;
                    }
                    Outcome::Answered(Answer::NoToken(Error::new(
                        ErrorKind::TokenRejected,
                        "no token",
                    )))
                }
                _ => Outcome::Answered(Answer::Active),
            };
        }
        if (self.rejects)(effect) {
            return Outcome::Rejected(Error::new(ErrorKind::Store, CAUSE));
        }
        stored(effect, &mut self.store, self.t)
    }
}

/// The policies that a server allows.
fn policies(identity: &Identity) -> Vec<Option<OnStoreOutage>> {
    let all = [
        None,
        Some(OnStoreOutage::Fail),
        Some(OnStoreOutage::LoginWithinBudget),
        Some(OnStoreOutage::RefetchOnly),
    ];
    let many = if *identity == winkas() { 4 } else { 3 };
    all[..many].to_vec()
}

/// Asserts that callers get the cause at once, and that no request is sent.
fn assert_nothing_is_sent(rejects: fn(&Effect) -> bool) {
    for identity in [wyn(), winkas()] {
        for policy in policies(&identity) {
            let mut process = Process::new(identity.clone(), policy, rejects);
            for _ in 0..20 {
                let asked = process.t;
                let error = process.token().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Store, "{policy:?}");
                assert!(error.to_string().contains(CAUSE), "{error}");
                assert_eq!(process.t, asked, "the error comes at once: {policy:?}");
                process.t += 60_000;
            }
            assert_eq!(process.sent, 0, "{policy:?}");
            let is_outage = |event: &Event| *event == Event::StoreUnavailable;
            assert!(!process.events.iter().any(is_outage), "{:?}", process.events);
            assert!(process.events.contains(&Event::StoreRejected));
        }
    }
}

/// Rule: Outage: while the store answers and rejects calls, callers get its error at once, and no login
/// and no refetch is sent, whatever the policy for outages is.
#[test]
fn nothing_is_sent_while_the_store_rejects_calls() {
    assert_nothing_is_sent(all);
}

/// Rule: Outage: a store that can be read and rejects locks, as on a full disk, counts as one that
/// rejects all calls.
#[test]
fn nothing_is_sent_while_the_store_rejects_locks() {
    assert_nothing_is_sent(|effect| matches!(effect, Effect::Lock { .. } | Effect::Save { .. }));
}

/// Rule: Outage: no login is sent under a lock if the store rejects the read before the login.
///
/// A refetch takes nine seconds, so that the record is read again before the login.
#[test]
fn a_rejected_read_before_the_login_stops_it() {
    for policy in policies(&winkas()) {
        let mut process = Process::new(winkas(), policy, none);
        process.refetch_takes = 9_000;
        process.rejects_after_refetch = true;
        let error = process.token().unwrap_err();
        assert!(error.to_string().contains(CAUSE), "{error}");
        assert_eq!((process.sent, process.logins), (1, 0), "{policy:?}");
    }
}

/// Rule: Outage: a rejection of the store does not end the current token, and the client works again
/// without a restart when the store is corrected.
#[test]
fn a_rejecting_store_leaves_the_token_in_use_and_recovers() {
    for identity in [wyn(), winkas()] {
        let mut process = Process::new(identity, None, none);
        let first = process.token().unwrap();
        process.rejects = all;
        for _ in 0..10 {
            process.t += 60_000;
            assert_eq!(process.token().unwrap(), first);
        }
        assert_eq!(process.logins, 1);
        process.rejects = none;
        process.t += 60_000;
        assert_eq!(process.token().unwrap(), first);
        let of_store = |event: &&Event| {
            matches!(event, Event::StoreUnavailable | Event::StoreRejected | Event::StoreAvailable)
        };
        let events: Vec<_> = process.events.iter().filter(of_store).collect();
        assert_eq!(events, [&Event::StoreRejected, &Event::StoreAvailable]);
    }
}
