//! Credentials that the provider rejects, and those who hold the right ones meanwhile.

use std::time::Duration;

use crate::{
    engine::{Engine, MINUTE},
    world::{Answer, Process, Starter, World, ask_all, assert_one_token},
};

/// Sends of credentials: where one is wrong, each may count towards a lock-out.
fn sends(world: &World) -> u64 {
    let counts = world.emulator.counts();
    counts.winkas.login + counts.winkas.refetch + counts.wyn.login
}

fn rejected(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(answer.kind(), "credentials_rejected", "{answer:?}");
    }
}

fn one(starter: &Starter) -> Process {
    starter.start_many(1).remove(0)
}

#[test]
fn lesson_14_a_wrong_password_in_sixteen_processes_for_55_minutes_is_one_login_and_one_refetch() {
    for engine in Engine::all_steered() {
        engine.often(|world, _| {
            let providers = [(world.winkas(), 2), (world.wyn(), 1)];
            for (starter, most) in providers {
                let (before, logins) = (sends(world), world.logins());
                let mut crowd = starter.with("PASSWORD", "wrong").start_many(16);
                for minutes in (0..=55).step_by(5) {
                    if minutes > 0 {
                        world.pass(5 * MINUTE);
                    }
                    rejected(&ask_all(&mut crowd, "token"));
                    assert_eq!(world.logins() - logins, 1, "{}", engine.name);
                    assert!(sends(world) - before <= most, "{}", engine.name);
                }
                // The hour is over: one of them may try again.
                world.pass(6 * MINUTE);
                rejected(&ask_all(&mut crowd, "token"));
                assert_eq!(world.logins() - logins, 2, "{}", engine.name);
            }
        });
    }
}

/// It tries password after password, as a login page does that hands on what its users type.
#[test]
fn lesson_14_fifty_wrong_passwords_in_59_minutes_are_twelve_sends_at_most() {
    for engine in Engine::all_steered() {
        engine.seldom(|world, _| {
            never_lock(world);
            for starter in world.both() {
                let (before, starter) = (sends(world), starter.with("DEADLINE", "1000"));
                let mut crowd = starter.clone().with("PASSWORD", "wrong").start_many(5);
                for number in 0..50 {
                    let process = &mut crowd[number % 5];
                    process.order(&format!("password wrong {number}"));
                    assert_eq!(process.answer(), "changed");
                    let kind = process.ask("token").kind().to_owned();
                    assert!(["credentials_rejected", "throttled"].contains(&&*kind), "{kind}");
                    world.pass(MINUTE + MINUTE / 5);
                }
                let wrong = sends(world) - before;
                println!("{}: {wrong} sends of fifty wrong passwords", engine.name);
                assert!(wrong <= 12, "{}: {wrong}", engine.name);
                // The right one is as unknown as they are: its turn comes within the quarter.
                let mut right = one(&starter);
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

fn never_lock(world: &World) {
    world.emulator.options(|options| {
        options.winkas.lockout_failures = None;
        options.wyn.lockout_failures = None;
    });
}

#[test]
fn lesson_14_right_credentials_are_tried_at_once_after_wrong_ones() {
    for engine in Engine::all() {
        engine.often(|world, _| {
            for starter in world.both() {
                rejected(&[one(&starter.clone().with("PASSWORD", "wrong")).ask("token")]);
                let (before, mut right) = (world.logins(), starter.start_many(3));
                assert_one_token(&ask_all(&mut right, "token"));
                assert_eq!(world.logins() - before, 1, "{}", engine.name);
            }
        });
    }
}

#[test]
fn lesson_7_an_unlocked_account_works_after_the_probe_or_at_once_after_a_reset() {
    for engine in Engine::all_steered() {
        for first in [false, true] {
            engine.seldom(|world, _| {
                world.emulator.options(|options| {
                    options.winkas.lockout_failures = Some(1);
                    options.wyn.lockout_failures = Some(1);
                });
                for (by_reset, starter) in [first, !first].into_iter().zip(world.both()) {
                    unlocked(world, &starter, by_reset);
                }
            });
        }
    }
}

fn unlocked(world: &World, starter: &Starter, by_reset: bool) {
    // The first of them locks the account; the right ones are rejected like it.
    rejected(&[one(&starter.clone().with("PASSWORD", "wrong")).ask("token")]);
    let mut right = starter.start_many(4);
    rejected(&ask_all(&mut right, "token"));
    world.emulator.winkas().unlock();
    world.emulator.wyn().unlock();
    let before = sends(world);
    rejected(&ask_all(&mut right, "token"));
    assert_eq!(sends(world), before, "nobody tried it before its hour was over");
    let logins = world.logins();
    if by_reset {
        assert_eq!(right[0].ask("unblock"), Answer::Other("unblock".into()));
        assert!(matches!(right[0].ask("token"), Answer::Token { .. }));
        world.pass(MINUTE);
    } else {
        world.pass(61 * MINUTE);
    }
    assert_one_token(&ask_all(&mut right, "token"));
    assert_eq!(world.logins() - logins, 1);
}

#[test]
fn lesson_26_a_wrong_password_is_not_served_the_right_ones_token() {
    for engine in Engine::all_steered() {
        engine.often(|world, _| {
            for starter in world.both() {
                let mut right = starter.start_many(2);
                let token = ask_all(&mut right, "token").remove(0);
                let mut wrong = one(&starter.clone().with("PASSWORD", "wrong"));
                for _ in 0..2 {
                    rejected(&[wrong.ask("token")]);
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

/// Who has the new password finds the running token where the provider tells it, else it is issued
/// once more; who held one goes on with it.
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

#[test]
fn lesson_30_two_valid_secrets_live_side_by_side() {
    for engine in Engine::all_steered() {
        engine.often(|world, _| {
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
