//! The additional faults and external events of the profile `OddServers`.

use super::process_count;
use crate::{
    Fault, H, S,
    plan::{Plan, PlanEvent},
    rng::Rng,
};

/// The passwords of an account, in turn.
const PASSWORDS: [&str; 4] = ["p0", "p1", "p2", "p3"];

/// Adds errors of the configuration, and a password that changes again and again.
pub(super) fn add(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    for _ in 0..rng.range(1, 4) {
        let (from, length) = (rng.range(0, stop), rng.pick(&[5 * S, 600 * S, H, 3 * H]));
        plan.faults.push((from, stop.min(from + length), Fault::Config));
    }
    if rng.chance(50) {
        rotate(plan, rng, stop);
    }
}

/// Changes the password each few hours. The old one is accepted for an hour, in which the processes change
/// to the new one.
fn rotate(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    let each = rng.range(2, 8) * H;
    for (n, pair) in (1..).zip(PASSWORDS.windows(2)) {
        let &[old, new] = pair else { return };
        let t = n * each;
        if t + H >= stop {
            return;
        }
        plan.events.push((t, PlanEvent::ChangePasswords { accepted: vec![old, new] }));
        for p in 0..process_count(plan) {
            let at = t + rng.range(0, 3600) * S;
            plan.events.push((at, PlanEvent::Configure { p, password: new }));
        }
        plan.events.push((t + H, PlanEvent::ChangePasswords { accepted: vec![new] }));
    }
}
