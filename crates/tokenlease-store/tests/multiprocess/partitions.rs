//! Two groups of processes in two network namespaces, whose wall clocks are twenty minutes apart.
//! Both use one server, over links that the tests cut and restore.

use std::{collections::BTreeSet, thread, time::Duration};

use tokenlease_emulator::{Endpoint, Fault};

use tokenlease_test_servers as servers;

use crate::{
    engine::{CHECK_INTERVAL, Engine, MINUTE},
    network_namespaces::Namespaces,
    process::{Answer, Process, Starter, ask_all, assert_one_token},
    world::{World, wait_until},
};

/// The error of each group's wall clock, in seconds.
const SKEWS: [&str; 2] = ["+600", "-600"];

/// Runs a rule with both groups, on each server in turn.
fn for_each_server(rule: impl Fn(&Groups<'_>)) {
    let (Some(namespaces), Some(fake)) = (Namespaces::new(), servers::fake_time()) else { return };
    for engine in Engine::servers_with_clock(namespaces.provider(), namespaces.store()) {
        engine.repeat(|world, _| {
            let name = engine.name;
            rule(&Groups { name, world, namespaces: &namespaces, fake: &fake });
        });
    }
}

struct Groups<'a> {
    name: &'static str,
    world: &'a World,
    namespaces: &'a Namespaces,
    fake: &'a [(&'static str, std::ffi::OsString)],
}

impl Groups<'_> {
    fn place(&self, starter: &Starter, group: usize) -> Starter {
        let placed = starter
            .clone()
            .in_namespace(&self.namespaces.names()[group])
            .with("PLAIN", "1")
            .with("DEADLINE", "300000")
            .with_env("NO_PROXY", "*")
            .with_env("FAKETIME", SKEWS[group]);
        self.fake.iter().fold(placed, |placed, (name, value)| placed.with_env(name, value))
    }

    /// Starts that many processes in each group.
    fn start(&self, starter: &Starter, count: usize) -> [Vec<Process>; 2] {
        [0, 1].map(|group| self.place(starter, group).start_many(count))
    }

    fn start_one(&self, starter: &Starter, group: usize) -> Process {
        self.place(starter, group).start_one()
    }
}

/// Sends the command to all processes of both groups at once, then waits for all answers.
fn ask_both(groups: &mut [Vec<Process>; 2], command: &str) -> [Vec<Answer>; 2] {
    groups.iter_mut().flatten().for_each(|process| process.order(command));
    groups.each_mut().map(|group| group.iter_mut().map(Process::take).collect())
}

/// Checks that all processes of both groups get one token, and returns it.
fn one_token(groups: &mut [Vec<Process>; 2]) -> String {
    let answers = ask_both(groups, "token").concat();
    assert_one_token(&answers);
    answers[0].token().to_owned()
}

/// Rule: Clocks: hosts whose wall clocks are twenty minutes apart need one login for each lifetime
/// and agree on its end.
#[test]
fn groups_with_wrong_wall_clocks_share_one_login_a_lifetime_and_agree_on_its_end() {
    for_each_server(|groups| {
        let world = groups.world;
        world.emulator.options(|options| options.wyn.lifetime_s = 3600);
        for starter in world.both() {
            let before = world.logins();
            let mut all = groups.start(&starter, 4);
            let first = one_token(&mut all);
            assert_eq!(world.logins() - before, 1, "{}", groups.name);
            // Wyn states a lifetime of an hour; at WinKAS the client assumes 12 hours.
            let (early, late) = if starter.is_winkas() { (11 * 60, 65) } else { (50, 11) };
            world.pass(early * MINUTE);
            assert_eq!(one_token(&mut all), first, "{}", groups.name);
            assert_eq!(world.logins() - before, 1, "{}: no login was early", groups.name);
            world.pass(late * MINUTE);
            let second = one_token(&mut all);
            assert!(world.emulator.token_is_active(&second), "{}: the login was late", groups.name);
            assert!(second != first && world.logins() - before == 2, "{}", groups.name);
        }
    });
}

/// Rule: Lock: when a lock owner is killed on one host, processes of another host go on when the
/// lock's TTL ends.
#[test]
fn a_lock_owner_killed_in_one_namespace_is_replaced_from_the_other() {
    for_each_server(|groups| {
        let world = groups.world;
        for endpoint in [Endpoint::WinkasLogin, Endpoint::WynLogin] {
            world.emulator.fault(endpoint, Fault::delay(Duration::from_secs(1)), 1);
        }
        for starter in world.both() {
            let before = world.logins();
            let mut owner = groups.start_one(&starter, 0);
            owner.order("token");
            wait_until(|| (world.logins() > before).then_some(()));
            owner.kill();
            let mut all = groups.start(&starter, 2);
            all.iter_mut().flatten().for_each(|process| process.order("token"));
            world.pass(CHECK_INTERVAL);
            let answers: Vec<_> = all.iter_mut().flatten().map(Process::take).collect();
            assert_one_token(&answers);
            let logins = if starter.is_winkas() { 1 } else { 2 };
            assert_eq!(world.logins() - before, logins, "{}", groups.name);
        }
    });
}

/// Rule: Circuit: a wrong password on two hosts costs one login and at most one refetch an hour,
/// and processes with the right one keep their token.
///
/// Reported as camunda-community-hub/zeebe-client-node-js#244
#[test]
fn a_wrong_password_in_both_namespaces_costs_one_login_and_disturbs_no_other_process() {
    for_each_server(|groups| {
        let world = groups.world;
        for starter in world.both() {
            let mut right = groups.start(&starter, 2);
            let token = one_token(&mut right);
            let before = (world.logins(), world.emulator.counts().winkas.refetch);
            let mut wrong = groups.start(&starter.clone().with("PASSWORD", "wrong"), 4);
            for _ in 0..5 {
                for answer in ask_both(&mut wrong, "token").concat() {
                    assert_eq!(answer.kind(), "credentials_rejected", "{answer:?}");
                }
                assert_eq!(one_token(&mut right), token, "{}", groups.name);
                world.pass(11 * MINUTE);
            }
            let refetched = world.emulator.counts().winkas.refetch - before.1;
            let logins = world.logins() - before.0;
            assert!(logins <= 1 && refetched <= 1, "{}: {logins}, {refetched}", groups.name);
        }
    });
}

/// Rule: Rejection: a token that callers on two hosts report as rejected is replaced once.
///
/// Reported as apache/gravitino#12531
#[test]
fn a_token_rejected_in_both_namespaces_is_replaced_once() {
    for_each_server(|groups| {
        let world = groups.world;
        for starter in world.both() {
            let mut all = groups.start(&starter, 2);
            let (token, before) = (one_token(&mut all), world.logins());
            ask_both(&mut all, "get-tokens 50");
            world.emulator.end_token(&token);
            let answers: BTreeSet<_> = ask_both(&mut all, "reject-all")
                .concat()
                .into_iter()
                .map(|answer| format!("{answer:?}"))
                .collect();
            let new = one_token(&mut all);
            assert_eq!(answers, BTreeSet::from([format!("Other(\"active 0 replaced {new}\")")]));
            assert!(world.emulator.token_is_active(&new));
            assert_eq!(world.logins() - before, 1, "{}", groups.name);
        }
    });
}

/// Rule: Revocation: a process that was cut off from the store during a revocation stops using the
/// token when its link is restored.
///
/// Reported as vercel/vercel#16578
#[test]
fn a_process_cut_off_during_a_revocation_obeys_it_when_its_link_is_restored() {
    for_each_server(|groups| {
        let world = groups.world;
        let mut all = groups.start(&world.wyn(), 2);
        let old = one_token(&mut all);
        groups.namespaces.cut(0);
        assert_eq!(all[1][0].ask("revoke"), Answer::Other("revoked Proven".into()));
        let new = ask_all(&mut all[1][..1], "token").remove(0);
        assert_eq!(world.logins(), 2, "{}", groups.name);
        world.pass(CHECK_INTERVAL);
        // Processes that are cut off can't know of the revocation, and send no login.
        for answer in ask_all(&mut all[0], "token") {
            assert_eq!(answer.token(), old, "{}", groups.name);
        }
        groups.namespaces.restore(0);
        world.pass(MINUTE);
        assert_eq!(wait_for_agreement(groups, &mut all), new.token(), "{}", groups.name);
        assert_eq!(world.logins(), 2, "{}", groups.name);
    });
}

/// Rule: Lock: another process takes the lock of an owner that is cut off from the store, and the
/// owner overwrites nothing when its link is restored.
#[test]
fn an_owner_cut_off_from_its_lock_loses_it_and_overwrites_nothing() {
    for_each_server(|groups| {
        let world = groups.world;
        world.emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_secs(3)), 1);
        let mut owner = groups.start_one(&world.wyn(), 0);
        owner.order("token");
        wait_until(|| (world.logins() == 1).then_some(()));
        groups.namespaces.cut(0);
        let mut others = groups.place(&world.wyn(), 1).start_many(3);
        for process in &mut others {
            process.order("token");
        }
        world.pass(CHECK_INTERVAL);
        let answers: Vec<_> = others.iter_mut().map(Process::take).collect();
        assert_one_token(&answers);
        assert_eq!(world.logins(), 2, "{}", groups.name);
        let own = owner.take();
        groups.namespaces.restore(0);
        world.pass(MINUTE);
        // The owner may keep its own active token; the store keeps the others' token.
        for process in &mut others {
            assert_eq!(process.ask("token").token(), answers[0].token(), "{}", groups.name);
        }
        let kept = owner.ask("token").token().to_owned();
        assert!([own.token(), answers[0].token()].contains(&&*kept), "{}", groups.name);
        assert!(world.emulator.token_is_active(&kept), "{}", groups.name);
        let later = wait_until(|| match groups.start_one(&world.wyn(), 0).ask("token") {
            answer if answer.source() == "Store" => Some(answer),
            _ => None,
        });
        assert_eq!(later.token(), answers[0].token(), "{}", groups.name);
        assert_eq!(world.logins(), 2, "{}", groups.name);
    });
}

/// Rule: Outage: while both links to the store are cut, cached leases are served, WinKAS refetches,
/// and each process without a lease logs in once at Wyn with that policy; afterwards all share one token
/// again.
#[test]
fn with_both_links_cut_leases_are_served_and_each_process_without_one_logs_in_once() {
    for_each_server(|groups| {
        let world = groups.world;
        for starter in [world.winkas(), world.wyn().with("OUTAGE", "budget")] {
            let mut holders = groups.start(&starter, 2);
            let (token, before) = (one_token(&mut holders), world.logins());
            let mut without_lease = groups.start(&starter, 1);
            groups.namespaces.cut(0);
            groups.namespaces.cut(1);
            for _ in 0..3 {
                world.pass(MINUTE);
                assert_eq!(one_token(&mut holders), token, "{}", groups.name);
            }
            assert_eq!(world.logins(), before, "{}", groups.name);
            for _ in 0..2 {
                for answer in ask_both(&mut without_lease, "token").concat() {
                    assert!(world.emulator.token_is_active(answer.token()), "{answer:?}");
                }
            }
            // WinKAS answers a refetch with the current token; Wyn gets one login a process.
            let most = if starter.is_winkas() { 0 } else { 2 };
            assert_eq!(world.logins() - before, most, "{}", groups.name);
            groups.namespaces.restore(0);
            groups.namespaces.restore(1);
            world.pass(MINUTE);
            wait_for_agreement(groups, &mut holders);
            ask_both(&mut without_lease, "token");
            let later = groups.start_one(&starter, 0).ask("token");
            assert_eq!(later.source(), "Store", "{}", groups.name);
            assert_eq!(world.logins() - before, most, "{}", groups.name);
        }
    });
}

/// Waits until all processes serve one token, which needs new connections after a cut.
fn wait_for_agreement(groups: &Groups<'_>, all: &mut [Vec<Process>; 2]) -> String {
    wait_until(|| {
        let answers = ask_both(all, "token").concat();
        if answers.windows(2).all(|pair| pair[0].token() == pair[1].token()) {
            return Some(answers[0].token().to_owned());
        }
        groups.world.pass(CHECK_INTERVAL);
        thread::sleep(Duration::from_millis(200));
        None
    })
}
