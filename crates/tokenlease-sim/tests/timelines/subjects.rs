//! Subjects: each login sends a new ticket, and the processes have different ones.

use tokenlease_sim::{
    H, Kind, M, S, Setup, World,
    plan::PlanEvent,
    worlds::{self, Profile},
};

use crate::{asks, every, logins, setup};

fn portal(kind: Kind, lifetime: i64, processes: usize) -> World {
    World::launched(Setup { subject: true, ..setup(kind, lifetime, processes) })
}

/// Rule: Subjects: processes with different tickets share one login a lifetime.
#[test]
fn processes_with_different_tickets_share_one_login_a_lifetime() {
    for kind in [Kind::Winkas, Kind::Wyn] {
        let mut world = portal(kind, 12 * H, 5);
        for p in 0..5 {
            every(&mut world, p, 100 + i64::try_from(p).unwrap() * 7 * S, 36 * H, 5 * M);
            world.at(H, move |world| PlanEvent::ChangeTicket { p }.apply(world));
        }
        world.run(36 * H - M);
        world.assert_no_violation();
        assert!((3..=4).contains(&logins(&world)), "{kind:?}: {}", logins(&world));
        assert_eq!(world.stats.errors(), 0);
    }
}

/// Rule: Subjects: all processes together send two rejected tickets in 15 minutes at most, and the token is
/// served to its end.
#[test]
fn rejected_tickets_of_all_processes_are_sent_twice_in_a_quarter_of_an_hour() {
    let mut world = portal(Kind::Wyn, H, 4);
    for p in 0..4 {
        every(&mut world, p, 0, 3 * H, M);
    }
    // All tickets are rejected from before the end of the token on.
    world.at(30 * M, |world| world.lock_account(2 * H));
    world.run(59 * M);
    assert_eq!(world.stats.errors(), 0, "the token is served to its end");
    world.run(2 * H + 29 * M);
    world.assert_no_violation();
    let rejected = world.provider.rejected_credentials.len();
    assert!((2..=20).contains(&rejected), "{rejected}");
    assert!(world.stats.errors() > 0);
    let before = world.stats.served;
    asks(&mut world, 0, &[2 * H + 50 * M]);
    world.run(3 * H);
    world.assert_no_violation();
    assert!(world.stats.served > before, "new tickets are accepted again");
}

/// Rule: Subjects: tickets that change with each login violate no invariant.
#[test]
fn no_invariant_is_violated_in_200_worlds_with_subjects() {
    for seed in 0..200 {
        let world = worlds::run(seed, Profile::Subjects);
        assert!(world.oracle.violations.is_empty(), "{seed}: {:?}", world.oracle.violations);
    }
}
