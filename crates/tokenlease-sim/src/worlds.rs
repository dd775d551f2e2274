//! Random worlds.

mod more_faults;
mod odd_servers;
mod stores;
mod subjects;

use crate::{
    Caller, Fault, H, Kind, M, Quirk, S, Setup, World, duration,
    plan::{Plan, PlanEvent},
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

/// The faults and the length of a random world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// No faults.
    NoFaults,
    /// Faults and external events.
    Faults,
    /// More kinds of them.
    MoreFaults,
    /// The kinds of `MoreFaults`, for three days.
    Long,
    /// A provider with a quirk, and no faults.
    Quirks,
    /// A provider with a quirk, and faults.
    QuirksAndFaults,
    /// A provider whose validation has a quirk, errors of the configuration that end, and passwords that
    /// change again and again.
    OddServers,
    /// Hosts whose suspend-aware clock stops while they are suspended.
    FrozenHosts,
    /// An identity with a subject: each login sends a new ticket.
    Subjects,
}

/// The most calls, other events and faults of a world.
pub const MAX_EVENTS: usize = 2_000;

/// Returns the default profile of a seed: of twenty worlds, three have no faults, two are long, four have a
/// provider with a quirk, one has an odd server, one has hosts that are frozen, and one has a subject.
pub fn profile(seed: u64) -> Profile {
    match seed % 10 {
        3 if (seed / 10).is_multiple_of(2) => Profile::OddServers,
        4 if !(seed / 10).is_multiple_of(2) => Profile::FrozenHosts,
        6 if !(seed / 10).is_multiple_of(2) => Profile::Subjects,
        4 | 9 => Profile::NoFaults,
        7 => Profile::Long,
        2 => Profile::Quirks,
        8 => Profile::QuirksAndFaults,
        _ => Profile::MoreFaults,
    }
}

/// Returns the plan of a random world.
pub fn plan(seed: u64, profile: Profile) -> Plan {
    let no_faults = matches!(profile, Profile::NoFaults | Profile::Quirks);
    let mut rng = Rng::new(seed.wrapping_mul(7919).wrapping_add(1));
    let kind = rng.pick(&[Kind::Winkas, Kind::Winkas, Kind::Wyn]);
    let lifetime = match kind {
        Kind::Winkas => rng.pick(&[12, 12, 24, 14, 10, 6, 1]) * H,
        Kind::Wyn => rng.pick(&[600 * S, H, 12 * H, 10 * 365 * 24 * H]),
    };
    let mut quirks = Rng::new(seed.wrapping_mul(15_485_863).wrapping_add(5));
    let quirk = match profile {
        Profile::Quirks | Profile::QuirksAndFaults => Some(Quirk::draw(kind, &mut quirks)),
        Profile::OddServers => Quirk::draw_of_validation(kind, &mut quirks),
        _ => None,
    };
    let special = quirk.filter(|_| kind == Kind::Wyn).and_then(|quirk| quirk.lifetime(&mut quirks));
    let lifetime = special.unwrap_or(lifetime);
    let hosts = rng.pick(&[1_usize, 2, 3]);
    let wall_offsets = (0..hosts).map(|_| rng.range(-10 * M, 10 * M)).collect();
    let stated = rng.chance(25) && kind == Kind::Winkas;
    let agreed_lifetime = stated.then(|| duration(lifetime));
    let policy = tokenlease_core::lifecycle::Policy { agreed_lifetime, ..Default::default() };
    let setup = Setup {
        seed,
        kind,
        lifetime,
        hosts,
        processes: rng.pick(&[1_usize, 2, 3]),
        wall_offsets,
        policy,
        new_token_ends_old: rng.chance(50),
        refetch_hides_rejection: !no_faults && rng.chance(30),
        quirk,
        subject: false,
        bug: None,
        without_validation: !no_faults && kind == Kind::Wyn && rng.chance(30),
    };
    let span = match profile {
        Profile::Long => 72 * H,
        _ if lifetime > H => 40 * H,
        _ => 8 * H,
    };
    let mut plan = Plan { events: Vec::new(), ..Plan::new(setup, span) };
    for p in 0..process_count(&plan) {
        let start = rng.range(0, 200);
        plan.events.push((start, PlanEvent::Launch { p }));
        for _ in 0..rng.range(1, 3) {
            let (t, down) = (rng.range(0, span), rng.range(0, 60) * S);
            if !no_faults {
                plan.events.push((t, PlanEvent::Crash { p, down, password: None }));
            }
        }
        let mut t = 300;
        while t < span {
            for _ in 0..rng.pick(&[1, 1, 1, 4]) {
                let at = t + rng.range(0, 30);
                let min_remaining = rng.chance(5).then(|| duration(rng.range(1, 120) * M));
                let timeout = rng.pick(&[20, 30, 60]) * S;
                let caller = Caller {
                    timeout,
                    min_remaining: min_remaining.filter(|_| !no_faults),
                    ..Caller::default()
                };
                plan.events.push((at, PlanEvent::Ask { p, caller }));
            }
            let mean = rng.pick(&[5, 200, 1200, 3600]) * S;
            t += rng.wait(mean) + 1;
        }
    }
    if !no_faults {
        let stop = span * 6 / 10;
        add_faults(&mut plan, &mut rng, stop);
        if matches!(
            profile,
            Profile::MoreFaults | Profile::Long | Profile::QuirksAndFaults | Profile::Subjects
        ) {
            let mut rng = Rng::new(seed.wrapping_mul(104_729).wrapping_add(3));
            more_faults::add(&mut plan, &mut rng, stop);
        }
        if profile == Profile::OddServers {
            let mut rng = Rng::new(seed.wrapping_mul(86_028_121).wrapping_add(7));
            odd_servers::add(&mut plan, &mut rng, stop);
        }
        if profile == Profile::FrozenHosts {
            let mut rng = Rng::new(seed.wrapping_mul(49_979_687).wrapping_add(11));
            freeze_hosts(&mut plan, &mut rng, stop);
        }
        // The longest server backoff, first circuit or login backoff lasts an hour.
        plan.recovered_since = Some(plan.last_fault_end().max(stop) + 70 * M);
    }
    drop_excess_calls(&mut plan, &mut rng);
    if profile == Profile::Subjects {
        let mut rng = Rng::new(seed.wrapping_mul(67_867_967).wrapping_add(13));
        subjects::add(&mut plan, &mut rng);
    }
    let mut rng = Rng::new(seed.wrapping_mul(32_452_843).wrapping_add(11));
    stores::set_policy(&mut plan, &mut rng);
    if !no_faults {
        let stop = span * 6 / 10;
        stores::add_rejections(&mut plan, &mut rng, stop);
    }
    plan
}

fn freeze_hosts(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    for _ in 0..rng.range(1, 5) {
        let host = usize::try_from(rng.draw()).unwrap_or_default() % plan.setup.hosts;
        let length = rng.pick(&[M, 10 * M, H, 8 * H, 13 * H]).min(stop / 2);
        let at = rng.range(0, stop - length);
        plan.events.push((at, PlanEvent::FreezeHost { host, length }));
    }
}

/// Leaves out random calls if the plan has more than `MAX_EVENTS` events and faults.
fn drop_excess_calls(plan: &mut Plan, rng: &mut Rng) {
    let many = plan.size();
    if many <= MAX_EVENTS {
        return;
    }
    let is_ask = |event: &(i64, PlanEvent)| matches!(event.1, PlanEvent::Ask { .. });
    let asks = plan.events.iter().filter(|event| is_ask(event)).count();
    let (mut left, mut keep) = (asks, MAX_EVENTS.saturating_sub(many - asks));
    plan.events.retain(|event| {
        if !is_ask(event) {
            return true;
        }
        let kept = rng.draw() % left as u64 >= (left - keep) as u64;
        (left, keep) = (left - 1, keep - usize::from(kept));
        kept
    });
}

fn process_count(plan: &Plan) -> usize {
    plan.setup.hosts * plan.setup.processes
}

fn add_faults(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    let lifetime = plan.setup.lifetime;
    for _ in 0..rng.range(1, 8) {
        let (fault, from) = (rng.pick(&FAULTS), rng.range(0, stop));
        let length = rng.pick(&[1, 5, 30, 120, 600, 7200]) * S;
        plan.faults.push((from, stop.min(from + length), fault));
    }
    // More faults around the expiry of tokens.
    for n in 1..4 {
        if rng.chance(50) && n * lifetime < stop {
            let from = n * lifetime - rng.range(-10, 400) * S;
            let length = rng.pick(&[5, 60, 600]) * S;
            plan.faults.push((from, stop.min(from + length), rng.pick(&FAULTS)));
        }
    }
    for _ in 0..rng.range(0, 6) {
        add_external_event(plan, rng, stop);
    }
}

fn add_external_event(plan: &mut Plan, rng: &mut Rng, stop: i64) {
    let (t, many) = (rng.range(0, stop), process_count(plan));
    let p = usize::try_from(rng.draw() % many as u64).unwrap_or_default();
    let (kind, host) = (plan.setup.kind, p / plan.setup.processes);
    let event = match rng.range(0, 14) {
        0 => PlanEvent::Pause { p, length: rng.pick(&[20, 40, 4000]) * S },
        1 => PlanEvent::SuspendHost { host, length: rng.range(1, 5 * 3600) * S },
        2 => PlanEvent::JumpWallClock { host, by: rng.range(-2 * H, 2 * H) },
        3 => PlanEvent::EndNewestToken,
        4 => PlanEvent::Revoke { p },
        5 => PlanEvent::ApiRejects { length: 20 * M },
        6 => return change_password(plan, rng, t),
        7 if kind == Kind::Winkas => {
            PlanEvent::ChangeLifetime { lifetime: rng.pick(&[1, 6, 10, 12, 14, 24]) * H }
        }
        8 => PlanEvent::Forget { p },
        9 => {
            for n in 0..10 {
                let (at, p) = (t + n * rng.range(0, 200) * S, rng.pick(&[0, p]));
                let caller = Caller::with(&format!("bad{n}"));
                plan.events.push((at, PlanEvent::Ask { p, caller }));
            }
            return;
        }
        10 => {
            // APIs reject tokens while the provider can't validate them.
            plan.faults.push((t, stop.min(t + H), Fault::Validate));
            PlanEvent::ApiRejects { length: 50 * M }
        }
        11 => {
            for n in 0..12 {
                let (at, p) = (t + n * rng.range(0, 600) * S, rng.pick(&[0, p]));
                plan.events.push((at, PlanEvent::Ask { p, caller: Caller::with("bad") }));
            }
            return;
        }
        12 => PlanEvent::Flush,
        13 => PlanEvent::MakeRecordUnreadable { length: rng.range(1, 600) * S },
        _ => return,
    };
    plan.events.push((t, event));
}

fn change_password(plan: &mut Plan, rng: &mut Rng, t: i64) {
    for p in 0..process_count(plan) {
        let at = t + rng.range(0, 3600) * S;
        plan.events.push(if rng.chance(50) {
            (at, PlanEvent::Crash { p, down: S, password: Some("p1") })
        } else {
            (at, PlanEvent::Configure { p, password: "p1" })
        });
    }
    plan.events.push((t, PlanEvent::ChangePasswords { accepted: vec!["p1"] }));
}

/// Runs a random world to its end.
pub fn run(seed: u64, profile: Profile) -> World {
    plan(seed, profile).run()
}

/// Runs a random world to its end and keeps a log.
pub fn run_logged(seed: u64, profile: Profile) -> World {
    plan(seed, profile).run_logged()
}
