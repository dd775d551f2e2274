//! A store that answers each call, but late.

use super::*;

/// Rule: Store: callers get their token even if each call to the store takes longer than the interval of
/// the checks.
#[test]
fn a_store_that_is_slower_than_the_check_interval_still_gives_a_token() {
    let mut machine = machine_of(wyn(), true);
    Arc::make_mut(&mut machine.policy).store_check_interval = Duration::from_secs(1);
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

/// Rule: Deadlines: a caller whose process was paused beyond its deadline gets no token by the record that it
/// read before the pause.
#[test]
fn a_record_that_was_read_before_a_pause_answers_no_caller() {
    let mut machine = machine_of(wyn(), true);
    let (mut store, mut issued) = (None, 0);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    for (paused, is_served) in [(1_000, true), (400_000, false)] {
        let ask = Ask {
            min_remaining: Some(Duration::from_secs(1800)),
            ..Ask::new(Timestamp(1_801_000), Duration::from_secs(30))
        };
        assert!(matches!(machine.ask(&ask, at(1_801_000)), Reply::Later));
        // The record is read, and the lock is asked for.
        let mut loaded = 0;
        while let Step::Do(effect, receipt) = machine.poll(at(1_801_000)) {
            if loaded == 2 {
                break;
            }
            loaded += u32::from(matches!(effect, Effect::Load));
            machine.handle(receipt, stored(&effect, &mut store, 1_801_000), at(1_801_000));
        }
        let reply = machine.ask(&ask, at(ask.deadline.0 + paused));
        assert_eq!(matches!(reply, Reply::Lease(_)), is_served, "{paused}: {reply:?}");
    }
}
