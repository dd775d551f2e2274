//! Servers that are down, do not answer or reject writes, and processes that use them meanwhile.

use std::net::Ipv4Addr;

use rustix::process::Signal;

use crate::{
    engine::{CHECK_INTERVAL, Engine, MINUTE},
    process::{Answer, Starter, ask_all},
    world::{World, wait_until},
};

#[derive(Clone, Copy, Debug)]
enum Outage {
    /// The server is ended, and started again: Redis has lost everything then.
    Down,
    /// The server does not answer, and keeps every connection.
    Hanging,
    /// The server rejects writes: its memory or disk is full, or it is read-only.
    Full,
}

impl Outage {
    fn begin(self, engine: &Engine, world: &World) {
        let server = engine.server().unwrap();
        match self {
            Self::Down => server.stop(),
            Self::Hanging => server.signal(Signal::STOP),
            Self::Full => world.reject_writes(true),
        }
    }

    fn end(self, engine: &Engine, world: &World) {
        let server = engine.server().unwrap();
        match self {
            Self::Down => server.start(),
            Self::Hanging => server.signal(Signal::CONT),
            Self::Full => world.reject_writes(false),
        }
    }
}

/// Rule: Outage: while a server is down or hangs, leases are served, WinKAS refetches, and Wyn logs in
/// once for each process with that policy; a full server is still read. All use the store again when the
/// outage ends.
#[test]
fn while_a_server_is_unavailable_leases_are_served_winkas_refetches_and_wyn_logs_in_once() {
    for engine in Engine::servers_with_clock(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST) {
        for outage in [Outage::Down, Outage::Hanging, Outage::Full] {
            engine.repeat(|world, _| test_outage(&engine, world, outage));
        }
    }
}

fn test_outage(engine: &Engine, world: &World, outage: Outage) {
    let what = format!("{} {outage:?}", engine.name);
    let starters = [world.winkas(), world.wyn().with("OUTAGE", "budget")];
    let mut holders: Vec<_> = starters.iter().map(Starter::start_one).collect();
    let tokens = ask_all(&mut holders, "token");
    let mut without_lease: Vec<_> = starters.iter().map(Starter::start_one).collect();
    outage.begin(engine, world);
    world.pass(CHECK_INTERVAL);

    // Cached leases are served until they expire.
    for _ in 0..3 {
        for (answer, token) in ask_all(&mut holders, "token").iter().zip(&tokens) {
            assert_eq!(answer.token(), token.token(), "{what}");
        }
        world.pass(MINUTE);
    }
    assert_eq!(world.logins(), 2, "{what}");
    // A process without a lease follows the outage policy.
    let winkas = without_lease[0].ask("token");
    let wyn = without_lease[1].ask("token");
    if matches!(outage, Outage::Full) {
        // A full server can still be read.
        assert_eq!((winkas.source(), wyn.source()), ("Store", "Store"), "{what}");
        assert_eq!(world.logins(), 2, "{what}");
    } else {
        assert_eq!((winkas.source(), winkas.token()), ("Refetch", tokens[0].token()), "{what}");
        assert_eq!((wyn.source(), world.logins()), ("Login", 3), "{what}");
    }
    let logins = world.logins();
    world.pass(MINUTE);
    assert_eq!(without_lease[1].ask("token").token(), wyn.token(), "{what}");

    // The outage ends without a restart, and the processes save their leases.
    outage.end(engine, world);
    world.pass(MINUTE);
    for processes in [&mut holders, &mut without_lease] {
        for answer in ask_all(processes, "token") {
            assert!(matches!(answer, Answer::Token { .. }), "{what}: {answer:?}");
        }
    }
    wait_until(|| (world.records().len() == 2).then_some(()));
    for starter in &starters {
        let later = starter.start_one().ask("token");
        assert_eq!(later.source(), "Store", "{what}");
        assert!(world.emulator.token_is_active(later.token()), "{what}");
    }
    assert_eq!(world.logins(), logins, "{what}");
}
