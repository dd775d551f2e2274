//! Random worlds, and those of them that once showed a fault.

use tokenlease_sim::{
    H, Kind,
    worlds::{self, MOST_EVENTS, Weather, weather},
};

#[test]
fn no_promise_is_broken_in_300_worlds_with_faults() {
    for seed in 0..300 {
        let world = worlds::run(seed, Weather::Stormy);
        assert!(world.oracle.violations.is_empty(), "{seed}: {:?}", world.oracle.violations);
    }
}

#[test]
fn in_100_worlds_without_faults_winkas_needs_the_minimum_of_logins() {
    for seed in 0..100 {
        let world = worlds::run(seed, Weather::Calm);
        assert!(world.oracle.violations.is_empty(), "{seed}: {:?}", world.oracle.violations);
        if world.provider.kind == Kind::Winkas {
            assert_eq!(world.provider.calls.login, world.stats.minimum, "{seed}");
        }
    }
}

#[test]
fn worlds_that_showed_a_fault_show_none_any_more() {
    let calm = [19, 29].map(|seed| (seed, Weather::Calm));
    let stormy =
        [9, 22, 24, 67, 233, 5636, 11984, 23913, 27760].map(|seed| (seed, Weather::Stormy));
    for (seed, weather) in calm.into_iter().chain(stormy) {
        let world = worlds::run(seed, weather);
        assert!(world.oracle.violations.is_empty(), "{seed}: {:?}", world.oracle.violations);
    }
}

#[test]
fn a_store_that_falls_back_brings_no_token_back_that_this_process_buried() {
    for (seed, weather) in [(2043, Weather::Rough), (17906, Weather::Rough)] {
        let world = worlds::run(seed, weather);
        assert!(world.oracle.violations.is_empty(), "{:?}", world.oracle.violations);
    }
}

#[test]
fn rejected_tokens_that_would_live_long_and_their_short_lived_successors_keep_every_promise() {
    let world = worlds::run(6448, Weather::Rough);
    assert!(world.oracle.violations.is_empty(), "{:?}", world.oracle.violations);
}

#[test]
fn a_world_lasts_up_to_three_days_and_2000_events() {
    let plans: Vec<_> = (0..300).map(|seed| worlds::plan(seed, weather(seed))).collect();
    assert!(plans.iter().all(|plan| plan.size() <= MOST_EVENTS && plan.span <= 72 * H));
    assert!(plans.iter().any(|plan| plan.size() == MOST_EVENTS && plan.span == 72 * H));
}

#[test]
fn a_seed_tells_all() {
    let story = |seed| worlds::told(seed, Weather::Stormy).story;
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}
