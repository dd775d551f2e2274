//! Random worlds.

mod rough;

use crate::{
    Caller, Fault, H, Kind, M, S, Setup, World, duration,
    plan::{Happening, Plan},
    rng::Rng,
};

const FAULTS: [Fault; 10] = [
    Fault::Store,
    Fault::SlowStore,
    Fault::Provider,
    Fault::Throttle,
    Fault::Slow,
    Fault::Lossy,
    Fault::Refetch,
    Fault::Validate,
    Fault::Forbid,
    Fault::Unreachable,
];

/// How rough a random world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Nothing goes wrong.
    Calm,
    /// Faults and incidents.
    Stormy,
    /// More kinds of them.
    Rough,
    /// The same for three days.
    Long,
}

/// The most that happens in a world: callers who ask, incidents and faults.
pub const MOST_EVENTS: usize = 2_000;

/// The weather of a seed's world where nobody says: of ten, two are calm and one is long.
pub fn weather(seed: u64) -> Weather {
    match seed % 10 {
        4 | 9 => Weather::Calm,
        7 => Weather::Long,
        _ => Weather::Rough,
    }
}

/// The plan of a random world.
pub fn plan(seed: u64, weather: Weather) -> Plan {
    let calm = weather == Weather::Calm;
    let mut rng = Rng::new(seed.wrapping_mul(7919).wrapping_add(1));
    let kind = rng.pick(&[Kind::Winkas, Kind::Winkas, Kind::Wyn]);
    let life = match kind {
        Kind::Winkas => rng.pick(&[12, 12, 24, 14, 10, 6, 1]) * H,
        Kind::Wyn => rng.pick(&[600 * S, H, 12 * H, 10 * 365 * 24 * H]),
    };
    let hosts = rng.pick(&[1_usize, 2, 3]);
    let walls = (0..hosts).map(|_| rng.range(-10 * M, 10 * M)).collect();
    let stated = rng.chance(25) && kind == Kind::Winkas;
    let agreed_lifetime = stated.then(|| duration(life));
    let policy = tokenlease_core::lifecycle::Policy { agreed_lifetime, ..Default::default() };
    let setup = Setup {
        seed,
        kind,
        life,
        hosts,
        processes: rng.pick(&[1_usize, 2, 3]),
        walls,
        policy,
        kill: rng.chance(50),
        vague: !calm && rng.chance(30),
        bug: None,
        mute: !calm && kind == Kind::Wyn && rng.chance(30),
    };
    let span = match weather {
        Weather::Long => 72 * H,
        _ if life > H => 40 * H,
        _ => 8 * H,
    };
    let mut plan = Plan { events: Vec::new(), ..Plan::new(setup, span) };
    for p in 0..many(&plan) {
        let start = rng.range(0, 200);
        plan.events.push((start, Happening::Launch { p }));
        for _ in 0..rng.range(1, 3) {
            let (t, down) = (rng.range(0, span), rng.range(0, 60) * S);
            if !calm {
                plan.events.push((t, Happening::Crash { p, down, password: None }));
            }
        }
        let mut t = 300;
        while t < span {
            for _ in 0..rng.pick(&[1, 1, 1, 4]) {
                let at = t + rng.range(0, 30);
                let wish = rng.chance(5).then(|| duration(rng.range(1, 120) * M));
                let wait = rng.pick(&[20, 30, 60]) * S;
                let caller =
                    Caller { wait, min_remaining: wish.filter(|_| !calm), ..Caller::default() };
                plan.events.push((at, Happening::Ask { p, caller }));
            }
            let mean = rng.pick(&[5, 200, 1200, 3600]) * S;
            t += rng.wait(mean) + 1;
        }
    }
    if !calm {
        let stop = span * 6 / 10;
        trouble(&mut plan, &mut rng, stop);
        if matches!(weather, Weather::Rough | Weather::Long) {
            let mut rng = Rng::new(seed.wrapping_mul(104_729).wrapping_add(3));
            rough::more(&mut plan, &mut rng, stop);
        }
        // The longest that a hold, a first circuit or a spacing lasts, and some minutes.
        plan.quiet_since = Some(plan.last_trouble().max(stop) + 70 * M);
    }
    thin(&mut plan, &mut rng);
    plan
}

/// Leaves out callers by lot, so that no more happens than in the largest world.
fn thin(plan: &mut Plan, rng: &mut Rng) {
    let many = plan.size();
    if many <= MOST_EVENTS {
        return;
    }
    let is_ask = |event: &(i64, Happening)| matches!(event.1, Happening::Ask { .. });
    let asks = plan.events.iter().filter(|event| is_ask(event)).count();
    let (mut left, mut keep) = (asks, MOST_EVENTS.saturating_sub(many - asks));
    plan.events.retain(|event| {
        if !is_ask(event) {
            return true;
        }
        let kept = rng.draw() % left as u64 >= (left - keep) as u64;
        (left, keep) = (left - 1, keep - usize::from(kept));
        kept
    });
}

fn many(plan: &Plan) -> usize {
    plan.setup.hosts * plan.setup.processes
}

fn trouble(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    let life = plan.setup.life;
    for _ in 0..rng.range(1, 8) {
        let (fault, from) = (rng.pick(&FAULTS), rng.range(0, stop));
        let long = rng.pick(&[1, 5, 30, 120, 600, 7200]) * S;
        plan.faults.push((from, stop.min(from + long), fault));
    }
    // Faults cluster where tokens end.
    for n in 1..4 {
        if rng.chance(50) && n * life < stop {
            let from = n * life - rng.range(-10, 400) * S;
            let long = rng.pick(&[5, 60, 600]) * S;
            plan.faults.push((from, stop.min(from + long), rng.pick(&FAULTS)));
        }
    }
    for _ in 0..rng.range(0, 6) {
        incident(plan, rng, stop);
    }
}

fn incident(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    let (t, many) = (rng.range(0, stop), many(plan));
    let p = usize::try_from(rng.draw() % many as u64).unwrap_or_default();
    let (kind, host) = (plan.setup.kind, p / plan.setup.processes);
    let happening = match rng.range(0, 14) {
        0 => Happening::Freeze { p, long: rng.pick(&[20, 40, 4000]) * S },
        1 => Happening::Suspend { host, long: rng.range(1, 5 * 3600) * S },
        2 => Happening::Jump { host, by: rng.range(-2 * H, 2 * H) },
        3 => Happening::EndNewest,
        4 => Happening::Revoke { p },
        5 => Happening::ApiRejects { long: 20 * M },
        6 => return change_password(plan, rng, t),
        7 if kind == Kind::Winkas => {
            Happening::Life { life: rng.pick(&[1, 6, 10, 12, 14, 24]) * H }
        }
        8 => Happening::Forget { p },
        9 => {
            for n in 0..10 {
                let (at, p) = (t + n * rng.range(0, 200) * S, rng.pick(&[0, p]));
                let caller = Caller::with(&format!("bad{n}"));
                plan.events.push((at, Happening::Ask { p, caller }));
            }
            return;
        }
        10 => {
            // An API says no while the provider has no word.
            plan.faults.push((t, stop.min(t + H), Fault::Validate));
            Happening::ApiRejects { long: 50 * M }
        }
        11 => {
            for n in 0..12 {
                let (at, p) = (t + n * rng.range(0, 600) * S, rng.pick(&[0, p]));
                plan.events.push((at, Happening::Ask { p, caller: Caller::with("bad") }));
            }
            return;
        }
        12 => Happening::Flush,
        13 => Happening::Unreadable { long: rng.range(1, 600) * S },
        _ => return,
    };
    plan.events.push((t, happening));
}

fn change_password(plan: &mut Plan, rng: &mut Rng, t: i64) {
    for p in 0..many(plan) {
        let at = t + rng.range(0, 3600) * S;
        plan.events.push(if rng.chance(50) {
            (at, Happening::Crash { p, down: S, password: Some("p1") })
        } else {
            (at, Happening::Configure { p, password: "p1" })
        });
    }
    plan.events.push((t, Happening::Passwords { take: vec!["p1"] }));
}

/// Runs a random world to its end.
pub fn run(seed: u64, weather: Weather) -> World {
    plan(seed, weather).run()
}

/// Runs a random world to its end and keeps its story.
pub fn told(seed: u64, weather: Weather) -> World {
    plan(seed, weather).told()
}
