//! Who sees whose lease, and what one learned.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    death::until,
    engine::{Engine, MINUTE},
    world::{Answer, Process, Starter, World, ask_all, assert_one_token},
};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// A look at the store is good for 30 s.
const LOOK: Duration = Duration::from_secs(31);

fn one(starter: &Starter) -> Process {
    starter.start_many(1).remove(0)
}

#[test]
fn lesson_3_processes_whose_identities_differ_in_any_part_never_see_each_others_lease() {
    for engine in Engine::all() {
        engine.seldom(|world, _| {
            let elsewhere = world.emulator.wyn().server().replace("127.0.0.1", "localhost");
            let starters = [
                world.winkas(),
                world.wyn(),
                world.wyn().with("REALM", "/Org"),
                world.wyn().with("REALM", "/org"),
                world.wyn().with("SERVER", elsewhere),
            ];
            let mut all: Vec<_> = starters.iter().flat_map(|one| one.start_many(2)).collect();
            let answers = ask_all(&mut all, "token");
            answers.chunks(2).for_each(assert_one_token);
            let tokens: BTreeSet<_> = answers.iter().map(Answer::token).collect();
            assert_eq!(tokens.len(), 5, "{}", engine.name);
            let counts = world.emulator.counts();
            assert_eq!((counts.winkas.login, counts.wyn.login), (1, 4), "{}", engine.name);
            // What differs in nothing but a secret, or in who may not log in at all, neither.
            let others = [
                ("USER", "somebody else"),
                ("CLIENT", "another client"),
                ("SECRET", "another secret"),
                ("PASSWORD", "another password"),
            ];
            for (part, other) in others {
                let answer = one(&world.wyn().with(part, other)).ask("token");
                assert_eq!(answer.kind(), "credentials_rejected", "{part}: {answer:?}");
            }
        });
    }
}

#[test]
fn lesson_3_records_that_were_swapped_in_the_store_do_not_open() {
    for engine in Engine::all() {
        engine.seldom(|world, _| {
            let org = world.wyn().with("REALM", "/org");
            let tokens = [world.winkas(), world.wyn(), org.clone()]
                .map(|starter| one(&starter).ask("token").token().to_owned());
            let (records, logins) = (world.records(), world.logins());
            assert_eq!(records.len(), 3);
            // Each stands where the next one stood.
            for (at, (_, record)) in records.iter().enumerate() {
                world.put(&records[(at + 1) % 3].0, record);
            }
            for starter in [world.wyn(), org] {
                let answer = one(&starter.with("DEADLINE", "3000")).ask("token");
                assert_eq!(answer.kind(), "store", "{}", engine.name);
                let text = format!("{answer:?}");
                assert!(text.contains("does not open under this key"), "{text}");
            }
            // Where the provider tells the running token, that serves.
            let answer = one(&world.winkas()).ask("token");
            assert_eq!((answer.source(), answer.token()), ("Refetch", &*tokens[0]));
            assert_eq!(world.logins(), logins);
        });
    }
}

#[test]
fn lesson_23_a_revocation_is_obeyed_by_all_with_their_next_look() {
    for engine in Engine::all_steered() {
        engine.seldom(|world, _| {
            let mut all = world.wyn().start_many(4);
            let old = ask_all(&mut all, "token").remove(0);
            assert_eq!(all[0].ask("revoke"), Answer::Other("revoked Proven".into()));
            world.pass(LOOK);
            let answers = ask_all(&mut all, "token");
            assert_one_token(&answers);
            assert_ne!(answers[0].token(), old.token(), "{}", engine.name);
            assert!(world.emulator.token_is_active(answers[0].token()));
            assert_eq!(world.logins(), 2, "{}", engine.name);
            // So is a token that one of them found dead.
            let mut all = world.winkas().start_many(4);
            let old = ask_all(&mut all, "token").remove(0);
            world.emulator.end_token(old.token());
            let Answer::Other(said) = all[0].ask("report-rejected") else {
                panic!("a replacement")
            };
            assert!(said.starts_with("rejected Replaced"), "{said}");
            world.pass(LOOK);
            let answers = ask_all(&mut all, "token");
            assert_one_token(&answers);
            assert!(world.emulator.token_is_active(answers[0].token()), "{}", engine.name);
            assert_eq!(world.logins(), 4, "{}", engine.name);
        });
    }
}

#[test]
fn a_store_that_was_emptied_is_filled_again_by_those_who_hold_a_lease() {
    for engine in Engine::all_steered() {
        engine.seldom(|world, _| {
            for starter in world.both() {
                let mut holders = starter.start_many(3);
                let first = ask_all(&mut holders, "token");
                assert_one_token(&first);
                world.empty();
                world.pass(LOOK);
                for answer in ask_all(&mut holders, "token") {
                    assert_eq!(answer.token(), first[0].token(), "{}", engine.name);
                }
                until(|| (!world.records().is_empty()).then_some(()));
                let newcomer = one(&starter).ask("token");
                let expected = ("Store", first[0].token());
                assert_eq!((newcomer.source(), newcomer.token()), expected, "{}", engine.name);
            }
            let counts = world.emulator.counts();
            let calls = (counts.winkas.login, counts.winkas.refetch, counts.wyn.login);
            assert_eq!(calls, (1, 1, 1), "{}", engine.name);
        });
    }
}

/// Tokens live for 14 hours here, where 12 are usual and nobody states it.
#[test]
fn what_one_process_learns_of_a_tokens_life_all_know() {
    for engine in Engine::all_steered() {
        engine.seldom(|world, _| {
            world.emulator.options(|options| options.winkas.lifetime_s = 14 * 3600);
            let [mut asking, mut resting] = [one(&world.winkas()), one(&world.winkas())];
            let first = asking.ask("token");
            assert_eq!(resting.ask("token").token(), first.token());
            world.pass(12 * HOUR);
            for _ in 0..12 {
                assert_eq!(asking.ask("token").token(), first.token(), "{}", engine.name);
                world.pass(10 * MINUTE);
            }
            assert!(validates(world) > 5, "it asked the provider past the usual end");
            // The next one is got by a process that asked nothing meanwhile.
            world.pass(10 * MINUTE);
            let second = resting.ask("token");
            assert!(second.token() != first.token() && world.logins() == 2, "{}", engine.name);
            let asked = validates(world);
            world.pass(13 * HOUR);
            let mut all = vec![asking, resting, one(&world.winkas())];
            for answer in ask_all(&mut all, "token") {
                assert_eq!(answer.token(), second.token(), "{}", engine.name);
            }
            assert_eq!(validates(world), asked, "{}: all know of 13 hours", engine.name);
        });
    }
}

fn validates(world: &World) -> u64 {
    world.emulator.counts().winkas.validate
}
