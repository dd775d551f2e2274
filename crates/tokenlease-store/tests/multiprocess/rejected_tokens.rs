//! A thousand callers whom an API turned away.

use std::collections::BTreeSet;

use crate::{
    engine::Engine,
    world::{Answer, Process, World, ask_all, assert_one_token},
};

const PROCESSES: u64 = 8;
const CALLERS: u64 = 125;

/// Calls that ask the provider about a token.
fn validates(world: &World) -> u64 {
    let counts = world.emulator.counts();
    counts.winkas.validate + counts.wyn.userinfo
}

fn hold(crowd: &mut [Process]) -> String {
    assert_one_token(&ask_all(crowd, "token"));
    ask_all(crowd, &format!("hold {CALLERS}"));
    crowd[0].ask("token").token().to_owned()
}

#[test]
fn lesson_9_a_thousand_callers_who_see_a_token_rejected_are_one_replacement() {
    for engine in Engine::all() {
        engine.often(|world, _| {
            for starter in world.both() {
                let mut crowd = starter.start_many(8);
                let token = hold(&mut crowd);
                let (logins, asked) = (world.logins(), validates(world));
                world.emulator.end_token(&token);
                let mut said = BTreeSet::new();
                for process in &mut crowd {
                    process.order("reject-all");
                }
                for process in &mut crowd {
                    said.insert(process.answer());
                }
                // All in all processes say the same: none was told to go on, all got this one.
                let new = crowd[0].ask("token").token().to_owned();
                assert_eq!(said, BTreeSet::from([format!("stormed 0 {new}")]), "{}", engine.name);
                assert!(world.emulator.token_is_active(&new));
                assert_eq!(world.logins() - logins, 1, "{}", engine.name);
                let asked = validates(world) - asked;
                assert!(asked <= PROCESSES, "{}: {asked} validations", engine.name);
            }
        });
    }
}

#[test]
fn lesson_28_a_thousand_permission_errors_in_eight_processes_cost_no_login() {
    for engine in Engine::all() {
        engine.often(|world, _| {
            for starter in world.both() {
                let mut crowd = starter.start_many(8);
                let token = hold(&mut crowd);
                let (logins, before) = (world.logins(), world.emulator.counts());
                let answers = ask_all(&mut crowd, "forbidden");
                assert!(answers.iter().all(|answer| *answer == Answer::Other("called".into())));
                let counts = world.emulator.counts();
                let calls = counts.winkas.api + counts.wyn.api - before.winkas.api - before.wyn.api;
                assert_eq!(calls, PROCESSES * CALLERS, "none was replayed");
                assert_eq!(world.logins(), logins, "{}", engine.name);
                for answer in ask_all(&mut crowd, "token") {
                    assert_eq!(answer.token(), token, "{}", engine.name);
                }
            }
        });
    }
}
