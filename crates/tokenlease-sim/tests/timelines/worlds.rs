//! Random worlds, and seeds that once violated an invariant.

use tokenlease_core::lifecycle::OnStoreOutage;
use tokenlease_sim::{
    Fault, H, Kind,
    plan::Plan,
    worlds::{self, MAX_EVENTS, Profile, profile},
};

/// Rule: Expiry: a token is not served if its process could know that it is inactive, and no token
/// that works is discarded.
#[test]
fn no_invariant_is_violated_in_300_worlds_with_faults() {
    for seed in 0..300 {
        let world = worlds::run(seed, Profile::Faults);
        assert!(world.oracle.violations.is_empty(), "{seed}: {:?}", world.oracle.violations);
    }
}

/// Rule: Logins: without faults WinKAS gets the minimum of logins, and no login is sent while a
/// usable token is active.
#[test]
fn winkas_gets_the_minimum_of_logins_in_100_worlds_without_faults() {
    for seed in 0..100 {
        let world = worlds::run(seed, Profile::NoFaults);
        assert!(world.oracle.violations.is_empty(), "{seed}: {:?}", world.oracle.violations);
        if world.provider.kind == Kind::Winkas {
            assert_eq!(world.provider.calls.login, world.stats.minimum, "{seed}");
        }
    }
}

/// Returns the plan of a seed that found a bug when no store rejected calls, and Wyn's processes always
/// had the budget of a store outage.
fn as_found(seed: u64, profile: Profile) -> Plan {
    let mut plan = worlds::plan(seed, profile);
    plan.faults.retain(|(.., fault)| !matches!(fault, Fault::StoreRejects | Fault::StoreFull));
    let budget = Some(OnStoreOutage::LoginWithinBudget);
    plan.setup.policy.on_store_outage = budget.filter(|_| plan.setup.kind == Kind::Wyn);
    plan
}

/// Seeds that once found a bug.
#[test]
fn worlds_that_once_violated_an_invariant_violate_none() {
    let no_faults = [19, 29].map(|seed| (seed, Profile::NoFaults));
    let faults = [
        9,
        22,
        24,
        67,
        233,
        5636,
        11984,
        23913,
        27760,
        439_073_018,
        500_006_023,
        500_009_375,
        500_026_873,
        500_034_880,
        500_044_150,
        500_055_598,
        500_061_640,
        600_021_603,
        600_024_986,
        600_051_041,
        600_057_080,
        600_069_411,
        600_097_490,
        700_010_721,
        700_026_485,
        700_037_070,
        700_045_026,
        700_074_648,
        700_095_605,
        800_005_472,
    ]
    .map(|seed| (seed, Profile::Faults));
    let drawn = [
        600_050_645,
        900_064_736,
        900_162_616,
        910_006_880,
        910_024_286,
        1_100_043_328,
        1_100_056_298,
        1_100_147_838,
        1_100_294_560,
        1_200_029_508,
        1_200_090_880,
        1_300_086_345,
        1_300_088_078,
        1_400_028_053,
        1_400_062_178,
        1_400_282_528,
        1_400_339_657,
        1_500_217_670,
        1_600_271_898,
        1_600_377_318,
        1_710_013_643,
        1_800_066_428,
        1_800_261_320,
        1_800_268_335,
        1_900_039_251,
        1_900_042_748,
        1_900_054_228,
        1_900_136_118,
        3_000_216_498,
        3_000_235_691,
        3_000_403_308,
        3_000_583_786,
        3_000_594_106,
        3_000_851_735,
        3_000_921_235,
        4_000_172_941,
        4_000_316_215,
        4_000_651_288,
        7_000_029_718,
        7_000_056_108,
    ]
    .map(|seed| (seed, profile(seed)));
    for (seed, profile) in no_faults.into_iter().chain(faults).chain(drawn) {
        let world = as_found(seed, profile).run();
        assert!(world.oracle.violations.is_empty(), "{seed}: {:?}", world.oracle.violations);
    }
}

/// Seeds that once found a bug, with all that their worlds draw.
#[test]
fn fresh_worlds_that_once_violated_an_invariant_violate_none() {
    // A token that a frozen host served in its margin, and stated causes of logins.
    let seeds = [
        20_261_400_029_905,
        20_261_400_091_854,
        20_261_400_111_154,
        20_261_400_124_014,
        20_261_400_230_734,
        20_261_500_063_468,
        20_261_600_181_874,
        20_261_600_234_400,
    ];
    for seed in seeds {
        let world = worlds::run(seed, profile(seed));
        assert!(world.oracle.violations.is_empty(), "{seed}: {:?}", world.oracle.violations);
    }
}

/// Rule: Store: a rolled back store restores no token that this process knows to be inactive.
#[test]
fn a_rolled_back_store_restores_no_token_that_this_process_knows_to_be_inactive() {
    for (seed, profile) in [(2043, Profile::MoreFaults), (17906, Profile::MoreFaults)] {
        let world = as_found(seed, profile).run();
        assert!(world.oracle.violations.is_empty(), "{:?}", world.oracle.violations);
    }
}

/// A seed that once found a bug.
#[test]
fn short_lived_tokens_after_rejected_long_lived_ones_violate_no_invariant() {
    let world = as_found(6448, Profile::MoreFaults).run();
    assert!(world.oracle.violations.is_empty(), "{:?}", world.oracle.violations);
}

#[test]
fn a_world_lasts_up_to_three_days_and_2000_events() {
    let plans: Vec<_> = (0..300).map(|seed| worlds::plan(seed, profile(seed))).collect();
    assert!(plans.iter().all(|plan| plan.size() <= MAX_EVENTS && plan.span <= 72 * H));
    assert!(plans.iter().any(|plan| plan.size() == MAX_EVENTS && plan.span == 72 * H));
}

#[test]
fn a_seed_determines_its_world() {
    let log_of = |seed| worlds::run_logged(seed, Profile::Faults).log;
    assert_eq!(log_of(7), log_of(7));
    assert_ne!(log_of(7), log_of(8));
}
