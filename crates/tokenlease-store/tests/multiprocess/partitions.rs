//! Two groups of processes in network namespaces of their own, twenty minutes apart by their wall
//! clocks, with one server between them and links that are cut and healed.

use std::{collections::BTreeSet, thread, time::Duration};

use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    death::until,
    engine::{Engine, MINUTE},
    namespaces::Namespaces,
    servers,
    world::{Answer, Process, Starter, World, ask_all, assert_one_token},
};

/// A look at the store is good for 30 s, as long as a lock lives.
const LOOK: Duration = Duration::from_secs(31);
/// What each group's wall clock is wrong by, in seconds.
const SKEWS: [&str; 2] = ["+600", "-600"];

/// Both groups, around each server in turn.
fn for_each_server(rule: impl Fn(&Groups<'_>)) {
    let (Some(spaces), Some(fake)) = (Namespaces::new(), servers::fake_time()) else { return };
    for engine in Engine::servers_between(spaces.provider(), spaces.store()) {
        engine.seldom(|world, _| {
            let name = engine.name;
            rule(&Groups { name, world, spaces: &spaces, fake: &fake });
        });
    }
}

struct Groups<'a> {
    name: &'static str,
    world: &'a World,
    spaces: &'a Namespaces,
    fake: &'a [(&'static str, std::ffi::OsString)],
}

impl Groups<'_> {
    fn place(&self, starter: &Starter, group: usize) -> Starter {
        let placed = starter
            .clone()
            .inside(&self.spaces.names()[group])
            .with("PLAIN", "1")
            .with("DEADLINE", "300000")
            .and("NO_PROXY", "*")
            .and("FAKETIME", SKEWS[group]);
        self.fake.iter().fold(placed, |placed, (name, value)| placed.and(name, value))
    }

    /// So many processes in each group.
    fn start(&self, starter: &Starter, count: usize) -> [Vec<Process>; 2] {
        [0, 1].map(|group| self.place(starter, group).start_many(count))
    }

    fn one(&self, starter: &Starter, group: usize) -> Process {
        self.place(starter, group).start_many(1).remove(0)
    }
}

/// Orders all of both groups at once, then hears all.
fn ask_both(groups: &mut [Vec<Process>; 2], order: &str) -> [Vec<Answer>; 2] {
    groups.iter_mut().flatten().for_each(|process| process.order(order));
    groups.each_mut().map(|group| group.iter_mut().map(Process::take).collect())
}

/// The one token that all of both groups are served.
fn one_token(groups: &mut [Vec<Process>; 2]) -> String {
    let answers = ask_both(groups, "token").concat();
    assert_one_token(&answers);
    answers[0].token().to_owned()
}

#[test]
fn lesson_27_groups_with_wrong_clocks_are_one_login_a_lifetime_and_agree_on_its_end() {
    for_each_server(|groups| {
        let world = groups.world;
        world.emulator.options(|options| options.wyn.lifetime_s = 3600);
        for starter in world.both() {
            let before = world.logins();
            let mut all = groups.start(&starter, 4);
            let first = one_token(&mut all);
            assert_eq!(world.logins() - before, 1, "{}", groups.name);
            // Stated ends come with the hour, assumed ones with the half of a day.
            let (early, late) = if starter.is_winkas() { (11 * 60, 65) } else { (50, 11) };
            world.pass(early * MINUTE);
            assert_eq!(one_token(&mut all), first, "{}", groups.name);
            assert_eq!(world.logins() - before, 1, "{}: nobody was early", groups.name);
            world.pass(late * MINUTE);
            let second = one_token(&mut all);
            assert!(world.emulator.token_is_active(&second), "{}: nobody was late", groups.name);
            assert!(second != first && world.logins() - before == 2, "{}", groups.name);
        }
    });
}

#[test]
fn lesson_31_a_leader_killed_in_one_namespace_is_followed_from_the_other() {
    for_each_server(|groups| {
        let world = groups.world;
        for endpoint in [Endpoint::WinkasLogin, Endpoint::WynLogin] {
            world.emulator.fault(endpoint, Fault::delay(Duration::from_secs(1)), 1);
        }
        for starter in world.both() {
            let before = world.logins();
            let mut leader = groups.one(&starter, 0);
            leader.order("token");
            until(|| (world.logins() > before).then_some(()));
            leader.kill();
            let mut all = groups.start(&starter, 2);
            all.iter_mut().flatten().for_each(|process| process.order("token"));
            world.pass(LOOK);
            let answers: Vec<_> = all.iter_mut().flatten().map(Process::take).collect();
            assert_one_token(&answers);
            let logins = if starter.is_winkas() { 1 } else { 2 };
            assert_eq!(world.logins() - before, logins, "{}", groups.name);
        }
    });
}

#[test]
fn lesson_14_a_wrong_password_in_both_namespaces_is_one_login_and_disturbs_nobody() {
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

#[test]
fn lesson_9_a_token_rejected_in_both_namespaces_is_replaced_once() {
    for_each_server(|groups| {
        let world = groups.world;
        for starter in world.both() {
            let mut all = groups.start(&starter, 2);
            let (token, before) = (one_token(&mut all), world.logins());
            ask_both(&mut all, "hold 50");
            world.emulator.end_token(&token);
            let said: BTreeSet<_> = ask_both(&mut all, "reject-all")
                .concat()
                .into_iter()
                .map(|answer| format!("{answer:?}"))
                .collect();
            let new = one_token(&mut all);
            assert_eq!(said, BTreeSet::from([format!("Other(\"stormed 0 {new}\")")]));
            assert!(world.emulator.token_is_active(&new));
            assert_eq!(world.logins() - before, 1, "{}", groups.name);
        }
    });
}

#[test]
fn lesson_23_who_was_cut_off_during_a_revocation_obeys_it_when_the_link_is_healed() {
    for_each_server(|groups| {
        let world = groups.world;
        let mut all = groups.start(&world.wyn(), 2);
        let old = one_token(&mut all);
        groups.spaces.cut(0);
        assert_eq!(all[1][0].ask("revoke"), Answer::Other("revoked Proven".into()));
        let new = ask_all(&mut all[1][..1], "token").remove(0);
        assert_eq!(world.logins(), 2, "{}", groups.name);
        world.pass(LOOK);
        // They can't know; nobody logs in for it.
        for answer in ask_all(&mut all[0], "token") {
            assert_eq!(answer.token(), old, "{}", groups.name);
        }
        groups.spaces.heal(0);
        world.pass(MINUTE);
        assert_eq!(healed(groups, &mut all), new.token(), "{}", groups.name);
        assert_eq!(world.logins(), 2, "{}", groups.name);
    });
}

#[test]
fn lesson_31_who_is_cut_off_from_its_lock_is_passed_by_and_overwrites_nothing() {
    for_each_server(|groups| {
        let world = groups.world;
        world.emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_secs(3)), 1);
        let mut leader = groups.one(&world.wyn(), 0);
        leader.order("token");
        until(|| (world.logins() == 1).then_some(()));
        groups.spaces.cut(0);
        let mut others = groups.place(&world.wyn(), 1).start_many(3);
        for process in &mut others {
            process.order("token");
        }
        world.pass(LOOK);
        let answers: Vec<_> = others.iter_mut().map(Process::take).collect();
        assert_one_token(&answers);
        assert_eq!(world.logins(), 2, "{}", groups.name);
        let own = leader.take();
        groups.spaces.heal(0);
        world.pass(MINUTE);
        // Its own token is as good, and it goes on with it; in the store the others' stands.
        for process in &mut others {
            assert_eq!(process.ask("token").token(), answers[0].token(), "{}", groups.name);
        }
        let kept = leader.ask("token").token().to_owned();
        assert!([own.token(), answers[0].token()].contains(&&*kept), "{}", groups.name);
        assert!(world.emulator.token_is_active(&kept), "{}", groups.name);
        let newcomer = until(|| match groups.one(&world.wyn(), 0).ask("token") {
            answer if answer.source() == "Store" => Some(answer),
            _ => None,
        });
        assert_eq!(newcomer.token(), answers[0].token(), "{}", groups.name);
        assert_eq!(world.logins(), 2, "{}", groups.name);
    });
}

#[test]
fn lesson_20_with_both_links_cut_leases_serve_and_each_process_without_one_logs_in_once() {
    for_each_server(|groups| {
        let world = groups.world;
        for starter in world.both() {
            let mut all = groups.start(&starter, 2);
            let (token, before) = (one_token(&mut all), world.logins());
            let strangers = groups.start(&starter, 1);
            groups.spaces.cut(0);
            groups.spaces.cut(1);
            let mut both = all;
            for _ in 0..3 {
                world.pass(MINUTE);
                assert_eq!(one_token(&mut both), token, "{}", groups.name);
            }
            assert_eq!(world.logins(), before, "{}", groups.name);
            let mut strangers = strangers;
            for _ in 0..2 {
                for answer in ask_both(&mut strangers, "token").concat() {
                    assert!(world.emulator.token_is_active(answer.token()), "{answer:?}");
                }
            }
            // The running one is told at WinKAS; the others have one login each to spend.
            let most = if starter.is_winkas() { 0 } else { 2 };
            assert_eq!(world.logins() - before, most, "{}", groups.name);
            groups.spaces.heal(0);
            groups.spaces.heal(1);
            world.pass(MINUTE);
            healed(groups, &mut both);
            ask_both(&mut strangers, "token");
            let newcomer = groups.one(&starter, 0).ask("token");
            assert_eq!(newcomer.source(), "Store", "{}", groups.name);
            assert_eq!(world.logins() - before, most, "{}", groups.name);
        }
    });
}

/// Asks until all agree, as they do once connections that were cut are made anew.
fn healed(groups: &Groups<'_>, all: &mut [Vec<Process>; 2]) -> String {
    until(|| {
        let answers = ask_both(all, "token").concat();
        if answers.windows(2).all(|pair| pair[0].token() == pair[1].token()) {
            return Some(answers[0].token().to_owned());
        }
        groups.world.pass(LOOK);
        thread::sleep(Duration::from_millis(200));
        None
    })
}
