//! What the roughest worlds have beside the rest.

use super::many;
use crate::{
    Caller, Fault, H, Kind, M, S,
    plan::{Happening, Plan},
    rng::Rng,
};

/// Adds a few more faults and incidents to a plan.
pub(super) fn more(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    for _ in 0..rng.range(0, 2) {
        let fault = rng.pick(&[Fault::Duplicate, Fault::Busy, Fault::Lossy, Fault::SlowStore]);
        let from = rng.range(0, stop);
        let long = rng.pick(&[5, 60, 1800]) * S;
        plan.faults.push((from, stop.min(from + long), fault));
    }
    for _ in 0..rng.range(0, 5) {
        incident(plan, rng, stop);
    }
}

fn incident(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    let t = rng.range(0, stop);
    let p = usize::try_from(rng.draw() % many(plan) as u64).unwrap_or_default();
    let wyn = plan.setup.kind == Kind::Wyn;
    let mut then = |t: i64, happening| plan.events.push((t.min(stop), happening));
    match rng.range(0, 16) {
        0 => then(t, Happening::Validate { p }),
        1 => then(t, Happening::Refetch { p }),
        2 => then(t, Happening::Unblock { p }),
        3 => then(t, Happening::Look { p }),
        4 => {
            then(t, Happening::OtherLogin);
            if rng.chance(70) {
                then(t + rng.range(1, 600) * S, Happening::Adopt { p });
            }
        }
        5 => then(t, Happening::OtherLogin),
        6 => then(t, Happening::RollBack { by: rng.range(1, 8 * 60) * M }),
        7 => then(t, Happening::LoseLock),
        8 => then(t, Happening::StallSend { p, long: rng.pick(&[5, 25, 40, 400]) * S }),
        9 => {
            then(t, Happening::LoseLoginAnswers { many: 1 + u32::from(rng.chance(30)) });
            then(stop, Happening::LoseLoginAnswers { many: 0 });
        }
        10 => {
            then(t, Happening::LoseStoreCalls { percent: rng.range(5, 40) });
            then(t + rng.range(1, 120) * M, Happening::LoseStoreCalls { percent: 0 });
        }
        11 => {
            let by = rng.pick(&[-H, H]);
            then(t, Happening::AllJump { by });
        }
        12 => {
            // Two secrets are valid for a while, and processes move to the new one in it.
            then(t, Happening::Passwords { take: vec!["p0", "p2"] });
            for p in 0..many(plan) {
                let at = t + rng.range(0, 3600) * S;
                plan.events.push((at.min(stop), Happening::Configure { p, password: "p2" }));
            }
            plan.events.push((stop.min(t + 2 * H), Happening::Passwords { take: vec!["p2"] }));
        }
        13 => {
            let long = rng.range(1, 40) * M;
            then(t, Happening::LockOut { long });
            then(t + long + 1, Happening::Unblock { p });
        }
        14 if wyn => {
            let life = rng.pick(&[600 * S, H, 12 * H]);
            then(t, Happening::Life { life });
        }
        _ => {
            // Who used a token for long is rejected late.
            for n in 0..6 {
                let uses_after = rng.range(0, 7200) * S;
                let caller = Caller { uses_after, ..Caller::default() };
                then(t + n * rng.range(1, 60) * M, Happening::Ask { p, caller });
            }
        }
    }
}
