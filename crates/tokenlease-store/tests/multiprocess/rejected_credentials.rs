//! Credentials that the provider rejects, beside processes with the right ones.

use std::time::Duration;

use crate::{
    engine::{Engine, MINUTE},
    process::{Answer, Process, Starter, ask_all, assert_one_token},
    world::World,
};

/// Counts the requests with credentials. Each one with a wrong password may count towards a
/// lockout.
fn sends(world: &World) -> u64 {
    let counts = world.emulator.counts();
    counts.winkas.login + counts.winkas.refetch + counts.wyn.login
}

fn assert_rejected(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(answer.kind(), "credentials_rejected", "{answer:?}");
    }
}

/// Rule: Circuit: a wrong password in sixteen processes costs one login and at most one refetch an
/// hour.
///
/// Reported as camunda-community-hub/zeebe-client-node-js#244 and concourse/concourse#3586
#[test]
fn a_wrong_password_in_sixteen_processes_costs_one_login_and_one_refetch_in_55_minutes() {
    for engine in Engine::all_with_clock() {
        engine.repeat_race(|world, _| {
            let providers = [(world.winkas(), 2), (world.wyn(), 1)];
            for (starter, most) in providers {
                let (before, logins) = (sends(world), world.logins());
                let mut processes = starter.with("PASSWORD", "wrong").start_many(16);
                for minutes in (0..=55).step_by(5) {
                    if minutes > 0 {
                        world.pass(5 * MINUTE);
                    }
                    assert_rejected(&ask_all(&mut processes, "token"));
                    assert_eq!(world.logins() - logins, 1, "{}", engine.name);
                    assert!(sends(world) - before <= most, "{}", engine.name);
                }
                // After an hour one of them may try again.
                world.pass(6 * MINUTE);
                assert_rejected(&ask_all(&mut processes, "token"));
                assert_eq!(world.logins() - logins, 2, "{}", engine.name);
            }
        });
    }
}

/// Rule: Circuit: fifty wrong passwords in 59 minutes cost at most twelve requests with
/// credentials, so a program that passes on its users' passwords does not lock the account.
///
/// Reported as DOI-BLM/requests-arcgis-auth#4
#[test]
fn fifty_wrong_passwords_in_59_minutes_cost_at_most_twelve_sends() {
    for engine in Engine::all_with_clock() {
        engine.repeat(|world, _| {
            disable_lockout(world);
            for starter in world.both() {
                let (before, starter) = (sends(world), starter.with("DEADLINE", "1000"));
                let mut processes = starter.clone().with("PASSWORD", "wrong").start_many(5);
                for number in 0..50 {
                    let process = &mut processes[number % 5];
                    process.order(&format!("password wrong {number}"));
                    assert_eq!(process.answer(), "changed");
                    let kind = process.ask("token").kind().to_owned();
                    assert!(["credentials_rejected", "throttled"].contains(&&*kind), "{kind}");
                    world.pass(MINUTE + MINUTE / 5);
                }
                let wrong = sends(world) - before;
                println!("{}: fifty wrong passwords cost {wrong} sends", engine.name);
                assert!(wrong <= 12, "{}: {wrong}", engine.name);
                // The right password was not accepted before either: it is sent within 15 minutes.
                let mut right = starter.start_one();
                let mut waited = Duration::ZERO;
                let token = loop {
                    match right.ask("token") {
                        Answer::Token { text, .. } => break text,
                        other => assert_eq!(other.kind(), "throttled", "{other:?}"),
                    }
                    assert!(waited <= 15 * MINUTE, "{}", engine.name);
                    waited += MINUTE;
                    world.pass(MINUTE);
                };
                assert!(world.emulator.token_is_active(&token));
            }
        });
    }
}

fn disable_lockout(world: &World) {
    world.emulator.options(|options| {
        options.winkas.lockout_failures = None;
        options.wyn.lockout_failures = None;
    });
}

/// Rule: Circuit: right credentials are sent at once after another process's wrong ones.
#[test]
fn right_credentials_are_sent_at_once_after_wrong_ones() {
    for engine in Engine::all() {
        engine.repeat_race(|world, _| {
            for starter in world.both() {
                assert_rejected(&[starter
                    .clone()
                    .with("PASSWORD", "wrong")
                    .start_one()
                    .ask("token")]);
                let (before, mut right) = (world.logins(), starter.start_many(3));
                assert_one_token(&ask_all(&mut right, "token"));
                assert_eq!(world.logins() - before, 1, "{}", engine.name);
            }
        });
    }
}

/// Rule: Circuit: an account that was unlocked works after the probe an hour later, or at once
/// after `unblock`.
///
/// Reported as googleapis/google-cloud-rust#4541 and googleapis/google-cloud-rust#5864
#[test]
fn an_unlocked_account_works_after_the_probe_or_at_once_after_unblock() {
    for engine in Engine::all_with_clock() {
        for first in [false, true] {
            engine.repeat(|world, _| {
                world.emulator.options(|options| {
                    options.winkas.lockout_failures = Some(1);
                    options.wyn.lockout_failures = Some(1);
                });
                for (unblock, starter) in [first, !first].into_iter().zip(world.both()) {
                    test_unlocked_account(world, &starter, unblock);
                }
            });
        }
    }
}

fn test_unlocked_account(world: &World, starter: &Starter, unblock: bool) {
    // The wrong password locks the account, so the provider rejects the right ones too.
    assert_rejected(&[starter.clone().with("PASSWORD", "wrong").start_one().ask("token")]);
    let mut right = starter.start_many(4);
    assert_rejected(&ask_all(&mut right, "token"));
    world.emulator.winkas().unlock();
    world.emulator.wyn().unlock();
    let before = sends(world);
    assert_rejected(&ask_all(&mut right, "token"));
    assert_eq!(sends(world), before, "no process tries again before an hour has passed");
    let logins = world.logins();
    if unblock {
        assert_eq!(right[0].ask("unblock"), Answer::Other("unblock".into()));
        assert!(matches!(right[0].ask("token"), Answer::Token { .. }));
        world.pass(MINUTE);
    } else {
        world.pass(61 * MINUTE);
    }
    assert_one_token(&ask_all(&mut right, "token"));
    assert_eq!(world.logins() - logins, 1);
}

/// Rule: Secrets: a process with a wrong password is never served the token of the right one, and
/// disturbs no other process; with a changed password WinKAS refetches and Wyn logs in once.
#[test]
fn a_wrong_password_is_not_served_the_token_of_the_right_one() {
    for engine in Engine::all_with_clock() {
        engine.repeat_race(|world, _| {
            for starter in world.both() {
                let mut right = starter.start_many(2);
                let token = ask_all(&mut right, "token").remove(0);
                let mut wrong = starter.clone().with("PASSWORD", "wrong").start_one();
                for _ in 0..2 {
                    assert_rejected(&[wrong.ask("token")]);
                    world.pass(MINUTE);
                    for answer in ask_all(&mut right, "token") {
                        assert_eq!(answer.token(), token.token(), "{}", engine.name);
                    }
                }
                assert!(world.emulator.token_is_active(token.token()));
                change_password(world, &starter, &mut right, token.token());
            }
        });
    }
}

/// Changes the password. A process with the new one refetches the current token at WinKAS, and logs
/// in once at Wyn; the processes with a token keep it.
fn change_password(world: &World, starter: &Starter, right: &mut [Process], token: &str) {
    if starter.is_winkas() {
        world.emulator.winkas().set_passwords(["new"]);
    } else {
        world.emulator.wyn().set_passwords(["new"]);
    }
    let before = world.logins();
    let mut new = starter.clone().with("PASSWORD", "new").start_many(3);
    let answers = ask_all(&mut new, "token");
    assert_one_token(&answers);
    let sources: Vec<_> = answers.iter().map(Answer::source).collect();
    let (source, logins) = if starter.is_winkas() { ("Refetch", 0) } else { ("Login", 1) };
    assert_eq!(sources.iter().filter(|other| **other == source).count(), 1, "{sources:?}");
    assert_eq!((world.logins() - before, answers[0].token() == token), (logins, logins == 0));
    for answer in ask_all(right, "token") {
        assert_eq!(answer.token(), token);
    }
}

/// Rule: Merge: during a rotation, processes with the old and the new secret keep their leases side
/// by side in one record.
#[test]
fn processes_with_two_valid_secrets_keep_their_leases_side_by_side() {
    for engine in Engine::all_with_clock() {
        engine.repeat_race(|world, _| {
            world.emulator.winkas().set_passwords(["old", "new"]);
            world.emulator.wyn().set_passwords(["old", "new"]);
            for starter in world.both() {
                let before = world.logins();
                let mut all = starter.clone().with("PASSWORD", "old").start_many(3);
                all.extend(starter.clone().with("PASSWORD", "new").start_many(3));
                let first = ask_all(&mut all, "token");
                assert_one_token(&first[..3]);
                assert_one_token(&first[3..]);
                for _ in 0..5 {
                    world.pass(MINUTE);
                    for (again, first) in ask_all(&mut all, "token").iter().zip(&first) {
                        assert_eq!(again.token(), first.token(), "{}", engine.name);
                    }
                }
                let most = if starter.is_winkas() { 1 } else { 2 };
                assert_eq!(world.logins() - before, most, "{}", engine.name);
            }
        });
    }
}
