//! Processes that can't read the others' records, because they have another key or an older
//! version.

use crate::{
    engine::{CHECK_INTERVAL, Engine, MINUTE},
    process::{Answer, Process, ask_all, assert_one_token},
    raw_records::Raw,
    world::World,
};

const WRONG_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Checks for an hour that nothing logs in or changes the record, and that the processes with a
/// lease serve it. The others fail with an error that contains `why`.
fn assert_nothing_changes(
    world: &World,
    holders: &mut [Process],
    unable: &mut [Process],
    why: &str,
) {
    let (record, logins) = (world.records(), world.logins());
    let token = holders[0].ask("token").token().to_owned();
    for _ in 0..12 {
        for answer in ask_all(unable, "token") {
            match answer {
                // WinKAS answers a refetch with the current token.
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

/// Rule: Store: a process with a wrong key sends no login for an identity and leaves its record
/// unchanged; the other processes are not disturbed.
#[test]
fn a_process_with_a_wrong_key_sends_no_login_and_leaves_the_record_unchanged() {
    for engine in Engine::all_with_clock() {
        engine.repeat(|world, _| {
            for starter in world.both() {
                let mut holders = starter.start_many(2);
                assert_one_token(&ask_all(&mut holders, "token"));
                let wrong = starter.clone().with("KEY", WRONG_KEY).with("DEADLINE", "3000");
                let mut wrong = wrong.start_many(4);
                assert_nothing_changes(
                    world,
                    &mut holders,
                    &mut wrong,
                    "can't be decrypted with this key",
                );
                let later = starter.start_one().ask("token");
                assert_eq!(later.token(), holders[0].ask("token").token());
            }
        });
    }
}

/// Rule: Store: a process that can't read a record of a newer version sends no login for its
/// identity and leaves the record unchanged; processes with a lease serve it.
#[test]
fn a_record_of_a_newer_version_is_left_unchanged_and_costs_no_login() {
    for engine in Engine::all_with_clock() {
        engine.repeat(|world, _| {
            for starter in world.both() {
                let before = world.records();
                let mut holders = starter.start_many(2);
                assert_one_token(&ask_all(&mut holders, "token"));
                // As if a process of a later version wrote the record.
                let is_new = |raw: &Raw| before.iter().all(|other| other.0 != raw.0);
                let (key, old) = world.records().into_iter().find(is_new).unwrap();
                let mut newer = old.clone();
                newer[world.format_at(&old)] += 1;
                world.put(&key, &newer);
                world.pass(CHECK_INTERVAL);
                let mut older = starter.clone().with("DEADLINE", "3000").start_many(4);
                assert_nothing_changes(world, &mut holders, &mut older, "update this program");
                // With a readable record they recover without a restart.
                world.put(&key, &old);
                world.pass(CHECK_INTERVAL);
                for answer in ask_all(&mut older, "token") {
                    assert_eq!(answer.token(), holders[0].ask("token").token());
                }
                assert_eq!(starter.start_one().ask("token").source(), "Store");
            }
        });
    }
}
