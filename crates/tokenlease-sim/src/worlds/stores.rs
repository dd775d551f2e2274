//! The policy for store outages, and stores that reject calls.

use tokenlease_core::lifecycle::OnStoreOutage;

use super::MAX_EVENTS;
use crate::{Fault, Kind, S, plan::Plan, rng::Rng};

/// Draws the policy for store outages. At Wyn the default sends nothing in an outage, so most worlds
/// set the budget.
pub(super) fn set_policy(plan: &mut Plan, rng: &mut Rng) {
    plan.setup.policy.on_store_outage = match plan.setup.kind {
        Kind::Wyn if rng.chance(70) => Some(OnStoreOutage::LoginWithinBudget),
        Kind::Winkas if rng.chance(10) => Some(OnStoreOutage::LoginWithinBudget),
        _ if rng.chance(10) => Some(OnStoreOutage::Fail),
        _ => None,
    };
}

/// Adds up to two times in which the store rejects calls.
pub(super) fn add_rejections(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    for _ in 0..rng.range(0, 3) {
        let fault = rng.pick(&[Fault::StoreRejects, Fault::StoreFull]);
        let from = rng.range(0, stop);
        let length = rng.pick(&[5, 60, 600, 7200]) * S;
        if plan.size() < MAX_EVENTS {
            plan.faults.push((from, stop.min(from + length), fault));
        }
    }
}
