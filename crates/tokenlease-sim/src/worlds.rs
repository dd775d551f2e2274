//! Random worlds.

use crate::{Caller, Fault, H, Kind, M, Password, S, Setup, World, duration, rng::Rng};

const FAULTS: [Fault; 10] = [
    Fault::Store,
    Fault::SlowStore,
    Fault::Vendor,
    Fault::Throttle,
    Fault::Slow,
    Fault::Lossy,
    Fault::Refetch,
    Fault::Verify,
    Fault::Forbid,
    Fault::Unreachable,
];

/// A random world and how long it lasts; a calm one has no faults.
pub fn random(seed: u64, calm: bool) -> (World, i64) {
    let mut rng = Rng::new(seed.wrapping_mul(7919).wrapping_add(1));
    let kind = rng.pick(&[Kind::Winkas, Kind::Winkas, Kind::Wyn]);
    let life = match kind {
        Kind::Winkas => rng.pick(&[12, 12, 24, 14, 10, 6, 1]) * H,
        Kind::Wyn => rng.pick(&[600 * S, H, 12 * H, 10 * 365 * 24 * H]),
    };
    let hosts = rng.pick(&[1_usize, 2, 3]);
    let walls = (0..hosts).map(|_| rng.range(-10 * M, 10 * M)).collect();
    let stated = rng.chance(25) && kind == Kind::Winkas;
    let stated_life = stated.then(|| duration(life));
    let policy = tokenlease_core::lifecycle::Policy { stated_life, ..Default::default() };
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
        mute: !calm && kind == Kind::Wyn && rng.chance(30),
    };
    let mut world = World::new(setup);
    let span = if life > H { 40 * H } else { 8 * H };
    for p in 0..world.processes.len() {
        let start = rng.range(0, 200);
        world.at(start, move |world| world.launch(p, None));
        for _ in 0..rng.range(1, 3) {
            let (t, down) = (rng.range(0, span), rng.range(0, 60) * S);
            if !calm {
                world.at(t, move |world| world.crash(p, Some(down), None));
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
                world.at(at, move |world| world.ask(p, caller));
            }
            let mean = rng.pick(&[5, 200, 1200, 3600]) * S;
            t += rng.wait(mean) + 1;
        }
    }
    if !calm {
        let stop = span * 6 / 10;
        trouble(&mut world, &mut rng, stop);
        world.oracle.quiet_since = Some(stop + 70 * M);
    }
    (world, span)
}

fn trouble(world: &mut World, rng: &mut Rng, stop: i64) {
    let life = world.setup.life;
    for _ in 0..rng.range(1, 8) {
        let (fault, from) = (rng.pick(&FAULTS), rng.range(0, stop));
        let long = rng.pick(&[1, 5, 30, 120, 600, 7200]) * S;
        world.faults.push((from, stop.min(from + long), fault));
    }
    // Faults cluster where tokens end.
    for n in 1..4 {
        if rng.chance(50) && n * life < stop {
            let from = n * life - rng.range(-10, 400) * S;
            let long = rng.pick(&[5, 60, 600]) * S;
            world.faults.push((from, stop.min(from + long), rng.pick(&FAULTS)));
        }
    }
    for _ in 0..rng.range(0, 6) {
        incident(world, rng, stop);
    }
}

fn incident(world: &mut World, rng: &mut Rng, stop: i64) {
    let (t, many) = (rng.range(0, stop), world.processes.len());
    let p = usize::try_from(rng.draw() % many as u64).unwrap_or_default();
    let kind = world.setup.kind;
    match rng.range(0, 14) {
        0 => {
            let long = rng.pick(&[20, 40, 4000]) * S;
            world.at(t, move |world| world.freeze(p, long));
        }
        1 => {
            let (host, long) = (world.processes[p].host, rng.range(1, 5 * 3600) * S);
            world.at(t, move |world| {
                for p in 0..world.processes.len() {
                    if world.processes[p].host == host {
                        world.freeze(p, long);
                    }
                }
            });
        }
        2 => {
            let (host, by) = (world.processes[p].host, rng.range(-2 * H, 2 * H));
            world.at(t, move |world| world.jump(host, by));
        }
        3 => world.at(t, World::end_newest),
        4 => world.at(t, move |world| world.revoke(p)),
        5 => world.at(t, |world| refuse_for(world, 20 * M)),
        6 => change_password(world, rng, t),
        7 if kind == Kind::Winkas => {
            let life = rng.pick(&[1, 6, 10, 12, 14, 24]) * H;
            world.at(t, move |world| {
                world.touch();
                world.vendor.life = life;
            });
        }
        8 => world.at(t, move |world| world.forget(p)),
        9 => {
            for n in 0..10 {
                let (at, p) = (t + n * rng.range(0, 200) * S, rng.pick(&[0, p]));
                world.at(at, move |world| world.ask(p, Caller::with(&format!("bad{n}"))));
            }
        }
        10 => {
            // An API says no while the vendor has no word.
            world.faults.push((t, stop.min(t + H), Fault::Verify));
            world.at(t, |world| refuse_for(world, 50 * M));
        }
        11 => {
            for n in 0..12 {
                let (at, p) = (t + n * rng.range(0, 600) * S, rng.pick(&[0, p]));
                world.at(at, move |world| world.ask(p, Caller::with("bad")));
            }
        }
        12 => world.at(t, World::flush),
        13 => {
            let until = t + rng.range(1, 600) * S;
            world.at(t, |world| {
                world.touch();
                world.store.unreadable = true;
                world.faults.push((world.now, i64::MAX, Fault::Flush));
            });
            world.at(until, |world| {
                world.store.unreadable = false;
                for fault in &mut world.faults {
                    if fault.1 == i64::MAX {
                        fault.1 = world.now;
                    }
                }
            });
        }
        _ => {}
    }
}

fn refuse_for(world: &mut World, long: i64) {
    world.touch();
    world.api_refuses_until = world.now + long;
}

fn change_password(world: &mut World, rng: &mut Rng, t: i64) {
    for p in 0..world.processes.len() {
        let at = t + rng.range(0, 3600) * S;
        if rng.chance(50) {
            world.at(at, move |world| world.crash(p, Some(S), Some("p1")));
        } else {
            world.at(at, move |world| world.processes[p].password = "p1".into());
        }
    }
    world.at(t, |world| {
        world.touch();
        world.vendor.passwords = vec![Password::from("p1")];
        if world.setup.kind == Kind::Wyn {
            world.minimum_restarts();
        }
    });
}

/// Runs a random world to its end.
pub fn run(seed: u64, calm: bool) -> World {
    let (mut world, span) = random(seed, calm);
    world.run(span);
    world
}

/// Runs a random world to its end and keeps its story.
pub fn told(seed: u64, calm: bool) -> World {
    let (mut world, span) = random(seed, calm);
    world.story = Some(Vec::new());
    world.run(span);
    world
}
