//! The additional faults and external events of the profiles `MoreFaults` and `Long`.

use super::process_count;
use crate::{
    Caller, Fault, H, Kind, M, S,
    plan::{Plan, PlanEvent},
    rng::Rng,
};

/// Adds a few faults and external events to a plan.
pub(super) fn add(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    for _ in 0..rng.range(0, 2) {
        let fault = rng.pick(&[Fault::Duplicate, Fault::Busy, Fault::Lossy, Fault::SlowStore]);
        let from = rng.range(0, stop);
        let length = rng.pick(&[5, 60, 1800]) * S;
        plan.faults.push((from, stop.min(from + length), fault));
    }
    for _ in 0..rng.range(0, 5) {
        add_external_event(plan, rng, stop);
    }
}

fn add_external_event(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    let t = rng.range(0, stop);
    let p = usize::try_from(rng.draw() % process_count(plan) as u64).unwrap_or_default();
    let wyn = plan.setup.kind == Kind::Wyn;
    let mut then = |t: i64, event| plan.events.push((t.min(stop), event));
    match rng.range(0, 16) {
        0 => then(t, PlanEvent::Validate { p }),
        1 => then(t, PlanEvent::Refetch { p }),
        2 => then(t, PlanEvent::Unblock { p }),
        3 => then(t, PlanEvent::CheckStore { p }),
        4 => {
            then(t, PlanEvent::OtherLogin);
            if rng.chance(70) {
                then(t + rng.range(1, 600) * S, PlanEvent::Adopt { p });
            }
        }
        5 => then(t, PlanEvent::OtherLogin),
        6 => then(t, PlanEvent::RollBackStore { by: rng.range(1, 8 * 60) * M }),
        7 => then(t, PlanEvent::LoseLock),
        8 => then(t, PlanEvent::PauseBeforeSend { p, length: rng.pick(&[5, 25, 40, 400]) * S }),
        9 => {
            then(t, PlanEvent::LoseLoginAnswers { count: 1 + u32::from(rng.chance(30)) });
            then(stop, PlanEvent::LoseLoginAnswers { count: 0 });
        }
        10 => {
            then(t, PlanEvent::LoseStoreCalls { percent: rng.range(5, 40) });
            then(t + rng.range(1, 120) * M, PlanEvent::LoseStoreCalls { percent: 0 });
        }
        11 => {
            let by = rng.pick(&[-H, H]);
            then(t, PlanEvent::JumpAllWallClocks { by });
        }
        12 => {
            // Two secrets are valid for two hours, in which the processes change to the new one.
            then(t, PlanEvent::ChangePasswords { accepted: vec!["p0", "p2"] });
            for p in 0..process_count(plan) {
                let at = t + rng.range(0, 3600) * S;
                plan.events.push((at.min(stop), PlanEvent::Configure { p, password: "p2" }));
            }
            plan.events
                .push((stop.min(t + 2 * H), PlanEvent::ChangePasswords { accepted: vec!["p2"] }));
        }
        13 => {
            let length = rng.range(1, 40) * M;
            then(t, PlanEvent::LockAccount { length });
            then(t + length + 1, PlanEvent::Unblock { p });
        }
        14 if wyn => {
            let lifetime = rng.pick(&[600 * S, H, 12 * H]);
            then(t, PlanEvent::ChangeLifetime { lifetime });
        }
        _ => {
            // Callers use a token for a long time and get a late rejection.
            for n in 0..6 {
                let use_delay = rng.range(0, 7200) * S;
                let caller = Caller { use_delay, ..Caller::default() };
                then(t + n * rng.range(1, 60) * M, PlanEvent::Ask { p, caller });
            }
        }
    }
}
