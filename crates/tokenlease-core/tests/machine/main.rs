//! The state machine under arbitrary sequences of calls, answers, delays, suspends and clock jumps.

mod world;

use proptest::prelude::*;
use world::{Act, World};

const HOUR: u64 = 3_600_000;

fn act() -> impl Strategy<Value = Act> {
    let wait = prop_oneof![Just(0), Just(2_000), Just(30_000), any::<u64>()];
    let pass = prop_oneof![
        5 => 0_u64..2_000,
        5 => 0_u64..60_000,
        3 => 0_u64..14 * HOUR,
        1 => Just(10 * 365 * 24 * HOUR),
    ];
    prop_oneof![
        6 => (wait, proptest::option::weighted(0.1, 0_u64..24 * HOUR))
            .prop_map(|(wait, min)| Act::Ask { wait, min }),
        12 => Just(Act::Poll),
        14 => (any::<u8>(), proptest::bool::weighted(0.1))
            .prop_map(|(choice, late)| Act::Answer { choice, late }),
        1 => Just(Act::LoseReceipt),
        5 => pass.prop_map(Act::Pass),
        1 => any::<i64>().prop_map(Act::JumpWall),
        1 => Just(Act::Reject),
        1 => proptest::option::of(0_u64..2 * HOUR).prop_map(Act::Adopt),
        1 => Just(Act::Forget),
        1 => Just(Act::Revoke),
        1 => Just(Act::Validate),
        1 => Just(Act::Unblock),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rule: Logins: no sequence of events serves an inactive token, or logs in while a fresh lease is
    /// known.
    #[test]
    fn no_sequence_of_events_serves_an_inactive_token_or_repeats_a_login(
        winkas: bool, store in proptest::bool::weighted(0.8),
        start in prop_oneof![4 => 0_i64..1_000_000_000, 1 => any::<i64>()],
        acts in proptest::collection::vec(act(), 1..200),
    ) {
        let mut world = World::new(winkas, store, start);
        for act in &acts {
            world.act(act);
        }
    }
}
