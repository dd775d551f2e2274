//! Processes that can't read what the others wrote: of an older version, or under another key.
//! They are turned away, and start no war of logins.

use std::time::Duration;

use crate::{
    engine::{Engine, MINUTE},
    records::Raw,
    world::{Answer, Process, Starter, World, ask_all, assert_one_token},
};

const WRONG_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// A look at the store is good for 30 s.
const LOOK: Duration = Duration::from_secs(31);

fn one(starter: &Starter) -> Process {
    starter.start_many(1).remove(0)
}

/// For an hour: no login, no change of the record, and who holds a lease is served it.
fn a_quiet_hour(world: &World, holders: &mut [Process], misfits: &mut [Process], why: &str) {
    let (record, logins) = (world.records(), world.logins());
    let token = holders[0].ask("token").token().to_owned();
    for _ in 0..12 {
        for answer in ask_all(misfits, "token") {
            match answer {
                // The provider told the running one.
                Answer::Token { text, .. } => assert_eq!(text, token),
                Answer::Error { kind, text } => {
                    assert_eq!(kind, "store", "{text}");
                    assert!(text.contains(why), "{text}");
                }
                Answer::Other(text) => panic!("{text}"),
            }
        }
        for answer in ask_all(holders, "token") {
            assert_eq!(answer.token(), token);
        }
        assert_eq!((world.records(), world.logins()), (record.clone(), logins), "{}", world.store);
        world.pass(5 * MINUTE);
    }
}

#[test]
fn lesson_29_under_a_wrong_key_nothing_is_issued_and_the_record_stays_as_it_is() {
    for engine in Engine::all_steered() {
        engine.seldom(|world, _| {
            for starter in world.both() {
                let mut holders = starter.start_many(2);
                assert_one_token(&ask_all(&mut holders, "token"));
                let wrong = starter.clone().with("KEY", WRONG_KEY).with("DEADLINE", "3000");
                let mut wrong = wrong.start_many(4);
                a_quiet_hour(world, &mut holders, &mut wrong, "does not open under this key");
                let newcomer = one(&starter).ask("token");
                assert_eq!(newcomer.token(), holders[0].ask("token").token());
            }
        });
    }
}

#[test]
fn lesson_29_a_newer_record_is_left_alone_and_served_around() {
    for engine in Engine::all_steered() {
        engine.seldom(|world, _| {
            for starter in world.both() {
                let before = world.records();
                let mut holders = starter.start_many(2);
                assert_one_token(&ask_all(&mut holders, "token"));
                // A sibling of a later version wrote it.
                let is_new = |raw: &Raw| before.iter().all(|other| other.0 != raw.0);
                let (key, old) = world.records().into_iter().find(is_new).unwrap();
                let mut newer = old.clone();
                newer[world.format_at(&old)] += 1;
                world.put(&key, &newer);
                world.pass(LOOK);
                let mut strangers = starter.clone().with("DEADLINE", "3000").start_many(4);
                a_quiet_hour(world, &mut holders, &mut strangers, "update this program");
                // It is well again when the record is.
                world.put(&key, &old);
                world.pass(LOOK);
                for answer in ask_all(&mut strangers, "token") {
                    assert_eq!(answer.token(), holders[0].ask("token").token());
                }
                assert_eq!(one(&starter).ask("token").source(), "Store");
            }
        });
    }
}
