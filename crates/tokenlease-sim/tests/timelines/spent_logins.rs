//! Logins that succeed and bring nothing better: without a backoff, each call would be a login.

use tokenlease_sim::{Caller, H, Kind, M, Quirk, S, Setup, World};

use crate::{every, logins, setup};

/// Runs four processes that ask every second for ten minutes.
fn ten_minutes(kind: Kind, lifetime: i64, quirk: Quirk) -> World {
    let mut world = World::launched(Setup { quirk: Some(quirk), ..setup(kind, lifetime, 4) });
    for p in 0..4 {
        every(&mut world, p, 100 + 250 * i64::try_from(p).unwrap(), 10 * M, S);
    }
    world.run(10 * M);
    world.assert_no_violation();
    world
}

/// Rule: Logins: a server that returns its running token with the life that is left gets two or three
/// logins in each lifetime, and the token serves up to its end.
#[test]
fn a_running_token_serves_up_to_its_end() {
    let world = ten_minutes(Kind::Wyn, M, Quirk::RunningToken);
    assert_eq!(world.stats.errors(), 0);
    assert!((10..=30).contains(&logins(&world)), "{}", logins(&world));
}

/// Rule: Logins: the end that a server states for a token that it returns again counts from then on, for
/// all processes.
#[test]
fn the_new_end_of_a_token_that_is_returned_again_counts() {
    let world = ten_minutes(Kind::Wyn, M, Quirk::SlidingToken);
    assert_eq!((world.stats.errors(), world.provider.tokens.len()), (0, 1));
    assert!((10..=16).contains(&logins(&world)), "{}", logins(&world));
}

/// Rule: Logins: tokens that have expired on arrival serve the callers that waited for them; the next
/// login waits 1 s, doubling to 30 s, for all processes together.
#[test]
fn tokens_that_have_expired_on_arrival_cause_no_flood_of_logins() {
    for lifetime in [0, 1, 15] {
        let world = ten_minutes(Kind::Wyn, lifetime, Quirk::ExpiredOnArrival);
        assert!(world.stats.served > 0);
        assert!((20..=26).contains(&logins(&world)), "{lifetime}: {}", logins(&world));
    }
}

/// Rule: Logins: tokens that live shorter than a second serve the callers that waited for them; the next
/// login waits as if they had expired on arrival.
#[test]
fn tokens_that_live_shorter_than_a_second_cause_no_flood_of_logins() {
    let mut world = World::launched(setup(Kind::Wyn, 500, 4));
    for p in 0..4 {
        every(&mut world, p, 100 + 250 * i64::try_from(p).unwrap(), 10 * M, S);
    }
    world.run(10 * M);
    assert!(world.stats.served > 0);
    assert!((20..=26).contains(&logins(&world)), "{}", logins(&world));
}

/// Rule: Rejection: after a login whose token is rejected soon, the next ones wait, whether the
/// server confirms the rejection or not: none, then 1, 2, 4 … 60 minutes.
#[test]
fn an_api_that_accepts_no_token_causes_no_flood_of_logins() {
    for kind in [Kind::Winkas, Kind::Wyn] {
        let world = ten_minutes(kind, 12 * H, Quirk::AcceptsNoToken);
        assert!((3..=6).contains(&logins(&world)), "{kind:?}: {}", logins(&world));
    }
}

/// Rule: Logins: after a login whose answer is lost or cut off, the next one waits 10 s, doubling to
/// 5 minutes, in all processes together.
#[test]
fn a_login_whose_answer_is_cut_off_is_followed_by_another_one_ten_seconds_later() {
    let mut world = World::launched(setup(Kind::Wyn, H, 4));
    world.mark_faulty();
    world.lost_login_answers = 1_000;
    let caller = Caller { timeout: 30 * S, ..Caller::default() };
    for p in 0..4 {
        world.ask_every(p, 100, 10 * M, S, &caller);
    }
    world.run(10 * M);
    world.assert_no_violation();
    // Each is given up after 10 s. Sent at 0, 20, 50, 100, 190 and 360 s.
    assert!((5..=7).contains(&logins(&world)), "{}", logins(&world));
}
