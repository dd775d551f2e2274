//! State machines that are packed and unpacked. The simulation packs those of each second process.

use super::*;

fn machine() -> Lifecycle {
    machine_of(wyn(), true)
}

fn repacked(machine: &Lifecycle, t: i64) -> Option<Lifecycle> {
    let packed = machine.pack(Timestamp(t))?;
    Some(packed.unpack(&Server::new(wyn()), Key::new([0; 32]), Policy::default()))
}

fn served(machine: &mut Lifecycle, t: i64) -> (Token, Source) {
    match ask(machine, t) {
        Reply::Lease(served) => (served.lease.token().clone(), served.source),
        other => panic!("no lease, but {other:?}"),
    }
}

/// Rule: Memory: a state machine that was packed serves the same token, from the same source, and sends the same
/// requests.
#[test]
fn a_machine_that_was_packed_serves_the_same_token() {
    let (mut machine, mut store, mut issued) = (machine(), None, 0);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    let before = served(&mut machine, 1_000);
    machine.events();
    let mut machine = repacked(&machine, 1_000).expect("nothing is under way");
    let after = served(&mut machine, 2_000);
    assert_eq!(after, before);
    assert!(matches!(machine.poll(at(2_000)), Step::Done));
    // At its end it is replaced by one login, and the record that it read before counts on.
    let t = 3_600_000;
    assert!(matches!(ask(&mut machine, t), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, t);
    assert_ne!(served(&mut machine, t), before);
    assert_eq!((issued, store.unwrap().1.generation()), (2, 2));
}

/// Rule: Memory: a packed state machine keeps one copy of its token, which its record shares.
#[test]
fn a_token_is_kept_once() {
    let (mut machine, mut store, mut issued) = (machine(), None, 0);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    machine.events();
    let machine = repacked(&machine, 0).expect("nothing is under way");
    let (current, _) = machine.current().expect("a lease");
    let stored = machine.store.stored_lease(machine.holder()).expect("a lease in the record");
    assert!(current.token().is_clone_of(stored.token()));
    assert_eq!(*current.token(), Token::new(TokenKind::Bearer, "token-1"));
}

/// Rule: Memory: a state machine with work, unread events, a suspected token, or a failure that callers may
/// still get, is not packed.
#[test]
fn a_machine_with_work_or_a_failure_is_not_packed() {
    let (mut machine, mut store, mut issued) = (machine(), None, 0);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    assert!(machine.pack(Timestamp(0)).is_none(), "a caller waits");
    drive(&mut machine, &mut store, &mut issued, 0);
    assert!(machine.pack(Timestamp(0)).is_none(), "its events were not read");
    machine.events();
    assert!(machine.pack(Timestamp(0)).is_some());
    let (token, _) = served(&mut machine, 0);
    assert_eq!(machine.report_rejected(&token, at(0)), Rejection::Suspected);
    machine.events();
    assert!(machine.pack(Timestamp(0)).is_none(), "the token is suspected");
    let mut failing = machine_of(wyn(), true);
    assert!(matches!(ask(&mut failing, 0), Reply::Later));
    while let Step::Do(effect, receipt) = failing.poll(at(0)) {
        let outcome = match effect {
            Effect::Send(_) => {
                Outcome::NotSent(Error::new(ErrorKind::Transport, "the server is down"))
            }
            effect => stored(&effect, &mut None, 0),
        };
        failing.handle(receipt, outcome, at(0));
    }
    failing.events();
    assert!(failing.pack(Timestamp(3_600_000)).is_none(), "the failure is the cause of a deadline");
}

/// A portal's users have records with one token.
#[test]
fn a_packed_machine_is_small() {
    let (mut machine, mut store, mut issued) = (machine(), None, 0);
    machine.set_process("a-host-with-a-long-name", 4_000_000);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    machine.events();
    let packed = machine.pack(Timestamp(0)).expect("nothing is under way");
    assert!(packed.size() <= 350, "{} bytes", packed.size());
}
