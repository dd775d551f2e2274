//! A store that answers each call, but late.

use super::*;

/// Rule: Store: callers get their token even if each call to the store takes longer than the interval of
/// the checks.
#[test]
fn a_store_that_is_slower_than_the_check_interval_still_gives_a_token() {
    let mut machine = machine_of(wyn(), true);
    machine.policy.store_check_interval = Duration::from_secs(1);
    let (mut store, mut t, mut effects) = (None, 0, 0);
    let ask = Ask::new(Timestamp(0), Duration::from_secs(60));
    let served = loop {
        match machine.ask(&ask, at(t)) {
            Reply::Lease(served) => break served,
            Reply::Later => {}
            Reply::Error(error) => panic!("{error}"),
        }
        while let Step::Do(effect, receipt) = machine.poll(at(t)) {
            effects += 1;
            assert!(effects < 20, "the store is called over and over");
            let outcome = match &effect {
                Effect::Send(_) => granted(1, t),
                effect => stored(effect, &mut store, t),
            };
            t += 1_900;
            machine.handle(receipt, outcome, at(t));
        }
    };
    assert_eq!(served.source, Source::Login);
}
