//! A server that is down, silent, or takes no writes, and those who hold a lease meanwhile.

use std::{net::Ipv4Addr, time::Duration};

use rustix::process::Signal;

use crate::{
    death::until,
    engine::{Engine, MINUTE},
    world::{Answer, Process, Starter, World, ask_all},
};

/// A look at the store is good for 30 s.
const LOOK: Duration = Duration::from_secs(31);

/// What befalls a server.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// It is ended, and started again: a Redis has lost everything then.
    Down,
    /// It says nothing, and keeps every connection.
    Silent,
    /// It takes no writes: its memory or disk is full, or it was made read-only.
    Full,
}

impl Blow {
    fn strike(self, engine: &Engine, world: &World) {
        let server = engine.server().unwrap();
        match self {
            Self::Down => server.stop(),
            Self::Silent => server.signal(Signal::STOP),
            Self::Full => world.reject_writes(true),
        }
    }

    fn heal(self, engine: &Engine, world: &World) {
        let server = engine.server().unwrap();
        match self {
            Self::Down => server.start(),
            Self::Silent => server.signal(Signal::CONT),
            Self::Full => world.reject_writes(false),
        }
    }
}

fn one(starter: &Starter) -> Process {
    starter.start_many(1).remove(0)
}

#[test]
fn lesson_20_while_a_server_is_away_leases_serve_winkas_refetches_and_wyn_logs_in_once() {
    for engine in Engine::servers_between(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST) {
        for blow in [Blow::Down, Blow::Silent, Blow::Full] {
            engine.seldom(|world, _| away(&engine, world, blow));
        }
    }
}

fn away(engine: &Engine, world: &World, blow: Blow) {
    let what = format!("{} {blow:?}", engine.name);
    let starters = world.both();
    let mut holders: Vec<_> = starters.iter().map(one).collect();
    let tokens = ask_all(&mut holders, "token");
    let mut late: Vec<_> = starters.iter().map(one).collect();
    blow.strike(engine, world);
    world.pass(LOOK);

    // Who has a lease is served it, for as long as it lives.
    for _ in 0..3 {
        for (answer, token) in ask_all(&mut holders, "token").iter().zip(&tokens) {
            assert_eq!(answer.token(), token.token(), "{what}");
        }
        world.pass(MINUTE);
    }
    assert_eq!(world.logins(), 2, "{what}");
    // Who has none goes by the policy.
    let found = late[0].ask("token");
    let issued = late[1].ask("token");
    if matches!(blow, Blow::Full) && found.source() == "Store" {
        // What is full can be read.
        assert_eq!((issued.source(), world.logins()), ("Store", 2), "{what}");
    } else {
        assert_eq!((found.source(), found.token()), ("Refetch", tokens[0].token()), "{what}");
        assert_eq!((issued.source(), world.logins()), ("Login", 3), "{what}");
    }
    let logins = world.logins();
    world.pass(MINUTE);
    assert_eq!(late[1].ask("token").token(), issued.token(), "{what}");

    // All comes back by itself, with what the holders have.
    blow.heal(engine, world);
    world.pass(MINUTE);
    for processes in [&mut holders, &mut late] {
        for answer in ask_all(processes, "token") {
            assert!(matches!(answer, Answer::Token { .. }), "{what}: {answer:?}");
        }
    }
    until(|| (world.records().len() == 2).then_some(()));
    for starter in &starters {
        let newcomer = one(starter).ask("token");
        assert_eq!(newcomer.source(), "Store", "{what}");
        assert!(world.emulator.token_is_active(newcomer.token()), "{what}");
    }
    assert_eq!(world.logins(), logins, "{what}");
}
