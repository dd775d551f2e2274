//! A thousand callers in eight processes whose tokens an API rejects.

use std::collections::BTreeSet;

use crate::{
    engine::Engine,
    process::{Answer, Process, ask_all, assert_one_token},
    world::World,
};

const PROCESSES: u64 = 8;
const CALLERS: u64 = 125;

/// Counts the validations that the providers received.
fn validations(world: &World) -> u64 {
    let counts = world.emulator.counts();
    counts.winkas.validate + counts.wyn.userinfo
}

/// Gives each caller of each process the current token, and returns it.
fn get_tokens(processes: &mut [Process]) -> String {
    assert_one_token(&ask_all(processes, "token"));
    ask_all(processes, &format!("get-tokens {CALLERS}"));
    processes[0].ask("token").token().to_owned()
}

/// Rule: Rejection: a thousand callers in eight processes that report one expired token cost one
/// login and at most one validation for each process.
///
/// Reported as apache/gravitino#12531
#[test]
fn a_thousand_callers_that_report_one_rejected_token_cost_one_login() {
    for engine in Engine::all() {
        engine.repeat_race(|world, _| {
            for starter in world.both() {
                let mut processes = starter.start_many(8);
                let token = get_tokens(&mut processes);
                let (logins, asked) = (world.logins(), validations(world));
                world.emulator.end_token(&token);
                let mut answers = BTreeSet::new();
                for process in &mut processes {
                    process.order("reject-all");
                }
                for process in &mut processes {
                    answers.insert(process.answer());
                }
                // All callers got the same replacement.
                let new = processes[0].ask("token").token().to_owned();
                let expected = BTreeSet::from([format!("active 0 replaced {new}")]);
                assert_eq!(answers, expected, "{}", engine.name);
                assert!(world.emulator.token_is_active(&new));
                assert_eq!(world.logins() - logins, 1, "{}", engine.name);
                let asked = validations(world) - asked;
                assert!(asked <= PROCESSES, "{}: {asked} validations", engine.name);
            }
        });
    }
}

/// Rule: Rejection: a thousand permission errors of an API in eight processes cost no login.
#[test]
fn a_thousand_permission_errors_in_eight_processes_cost_no_login() {
    for engine in Engine::all() {
        engine.repeat_race(|world, _| {
            for starter in world.both() {
                let mut processes = starter.start_many(8);
                let token = get_tokens(&mut processes);
                let (logins, before) = (world.logins(), world.emulator.counts());
                let answers = ask_all(&mut processes, "call-forbidden");
                assert!(answers.iter().all(|answer| *answer == Answer::Other("called".into())));
                let counts = world.emulator.counts();
                let calls = counts.winkas.api + counts.wyn.api - before.winkas.api - before.wyn.api;
                assert_eq!(calls, PROCESSES * CALLERS, "no call was repeated");
                assert_eq!(world.logins(), logins, "{}", engine.name);
                for answer in ask_all(&mut processes, "token") {
                    assert_eq!(answer.token(), token, "{}", engine.name);
                }
            }
        });
    }
}
