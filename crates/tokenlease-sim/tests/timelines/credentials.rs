//! Rejected and changed credentials.

use tokenlease_sim::{Caller, H, Kind, M, S, Setup, World};

use crate::{asks, asks_with, every, logins, setup, world};

/// Rule: Identity: a token is served only to callers with the same credentials; a flight under
/// other credentials does not answer them.
///
/// A caller with the right password and one with a wrong password ask at once, in both orders.
#[test]
fn callers_with_a_wrong_password_do_not_join_the_flight_of_the_right_one() {
    for wrong_first in [false, true] {
        let mut world = world(Kind::Winkas, 12 * H, 1);
        world.at(5, move |world| {
            let callers = [Caller::with("p0"), Caller::with("bad")];
            let [first, second] = if wrong_first { [1, 0] } else { [0, 1] };
            world.ask(0, callers[first].clone());
            world.ask(0, callers[second].clone());
        });
        world.run(M);
        world.assert_no_violation();
        assert_eq!((logins(&world), world.stats.served, world.stats.errors()), (1, 1, 1));
    }
}

/// Rule: Save: every write is a change that is merged into the current record.
#[test]
fn a_circuit_that_is_saved_while_another_process_refreshes_is_not_lost() {
    let mut world = world(Kind::Wyn, H, 3);
    asks(&mut world, 0, &[0]);
    // p0 refreshes while the wrong password of p1 is rejected; both save.
    for late in 0..5 {
        asks_with(&mut world, 1, &[H - 30 * S + late * 20], &Caller::with("bad"));
    }
    asks(&mut world, 0, &[H - 30 * S]);
    asks_with(&mut world, 2, &[H + 5 * M], &Caller::with("bad"));
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.provider.rejected_credentials.len()), (3, 1));
}

/// Rule: Circuit: a circuit belongs to one credentials fingerprint, and a success with another one
/// does not close it.
///
/// Process 0 refreshes tokens for ten hours. Process 1 asks with a wrong password all the time.
#[test]
fn a_success_with_other_credentials_never_closes_a_circuit() {
    let mut world = world(Kind::Wyn, H, 2);
    every(&mut world, 0, 0, 10 * H, 5 * M);
    world.ask_every(1, S, 10 * H, 10 * M, &Caller::with("bad"));
    world.run(10 * H);
    world.assert_no_violation();
    // Probes at 0, 1, 3 and 7 h.
    assert_eq!(world.provider.rejected_credentials.len(), 4);
}

/// Rule: Circuit: no cached token is served to a new caller whose credentials are known to be
/// rejected.
///
/// The password changes while the token is active. A refresh gets the rejection. A restarted
/// process asks with the old password.
#[test]
fn a_new_caller_with_rejected_credentials_is_served_no_cached_token() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    asks(&mut world, 1, &[S, 12 * H - 70 * S]);
    world.at(H, |world| {
        world.mark_faulty();
        world.provider.passwords = vec!["p1".into()];
    });
    world.at(12 * H - 66 * S, |world| world.launch(0, Some("p0")));
    asks_with(&mut world, 0, &[12 * H - 65 * S], &Caller::with("p0"));
    world.run(12 * H - 61 * S);
    world.assert_no_violation();
    // The caller in the refresh window was served before the rejection arrived; the new one is not.
    assert_eq!((world.provider.rejected_credentials.len(), world.stats.served), (1, 3));
    assert_eq!(world.stats.errors(), 1);
}

/// Rule: Circuit: credentials that were rejected are probed after an hour, so right ones that a
/// provider rejected by mistake work again.
///
/// The provider rejects the right password for five minutes.
#[test]
fn right_credentials_that_were_rejected_are_probed_after_an_hour() {
    let mut world = world(Kind::Wyn, H, 2);
    world.mark_faulty();
    world.at(1, |world| world.provider.passwords = vec!["x".into()]);
    world.at(5 * M, |world| world.provider.passwords = vec!["p0".into()]);
    world.ask_every(0, 2, 12 * H, 10 * M, &Caller::with("p0"));
    world.run(12 * H);
    assert!(world.stats.errors() <= 7, "{}", world.stats.errors());
}

/// Rule: Circuit: rejected credentials cost one login and at most one refetch, and then one probe
/// of the whole fleet after 1, 2, 4 … 24 hours.
///
/// Four processes ask with a wrong password every minute for 80 hours, at Wyn, and at WinKAS with
/// and without a refetch that hides the rejection.
///
/// Reported as concourse/concourse#3586.
#[test]
fn rejected_credentials_are_probed_once_by_the_whole_fleet() {
    for (kind, refetch_hides_rejection, sends) in
        [(Kind::Wyn, false, 8), (Kind::Winkas, false, 8), (Kind::Winkas, true, 16)]
    {
        let mut world =
            World::launched(Setup { refetch_hides_rejection, ..setup(kind, 12 * H, 4) });
        for p in 0..4 {
            let late = S * i64::try_from(p).unwrap();
            world.ask_every(p, late, 80 * H, M, &Caller::with("bad"));
        }
        world.run(80 * H);
        world.assert_no_violation();
        // Probes at 0, 1, 3, 7, 15, 31, 55 and 79 h.
        assert_eq!(
            world.provider.rejected_credentials.len(),
            sends,
            "{kind:?} {refetch_hides_rejection}"
        );
    }
}

/// Rule: Circuit: `unblock` allows credentials to be sent at once, and a success closes the
/// circuit for all processes.
#[test]
fn unblock_allows_one_send_and_a_success_closes_the_circuit_for_all() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    world.mark_faulty();
    world.provider.passwords = vec!["x".into()];
    asks_with(&mut world, 0, &[0, M], &Caller::with("p0"));
    asks_with(&mut world, 1, &[2 * M], &Caller::with("p0"));
    world.at(3 * M, |world| {
        world.provider.passwords = vec!["p0".into()];
        world.unblock(0);
    });
    asks_with(&mut world, 1, &[4 * M], &Caller::with("p0"));
    asks_with(&mut world, 0, &[5 * M], &Caller::with("p0"));
    world.run(H);
    world.assert_no_violation();
    assert_eq!((world.provider.rejected_credentials.len(), logins(&world)), (1, 2));
    assert_eq!((world.stats.served, world.stats.errors()), (2, 3));
}

/// Rule: Circuit: at most two credentials fingerprints that were never accepted are rejected
/// within a quarter of an hour.
///
/// Two processes ask with 50 different wrong passwords in 50 minutes.
#[test]
fn many_different_wrong_passwords_do_not_lock_the_account() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    for n in 0..50 {
        let (p, t) = (usize::try_from(n % 2).unwrap(), n * M);
        asks_with(&mut world, p, &[t], &Caller::with(&format!("bad{n}")));
    }
    world.run(H);
    world.assert_no_violation();
    assert!(
        world.provider.rejected_credentials.len() <= 9,
        "{:?}",
        world.provider.rejected_credentials
    );
    assert_sends_in_15_minutes(&world, 3);
}

fn assert_sends_in_15_minutes(world: &World, limit: usize) {
    let times: Vec<i64> = world
        .provider
        .rejected_credentials
        .iter()
        .map(|rejected_credentials| rejected_credentials.0)
        .collect();
    for from in &times {
        let many = times.iter().filter(|t| (*from..from + 15 * M).contains(*t)).count();
        assert!(
            many <= limit,
            "{many} sends in 15 minutes: {:?}",
            world.provider.rejected_credentials
        );
    }
}

/// Rule: Circuit: a mistyped password does not block the right one, also if a refetch hides the
/// rejection.
///
/// A wrong password is followed by the right one; then, in another world, by 49 more wrong ones.
#[test]
fn a_mistyped_password_does_not_block_the_right_one() {
    let mut setup = setup(Kind::Winkas, 12 * H, 2);
    setup.refetch_hides_rejection = true;
    let mut one = World::launched(setup.clone());
    asks_with(&mut one, 0, &[0], &Caller::with("bad"));
    asks(&mut one, 1, &[M]);
    one.run(5 * M);
    one.assert_no_violation();
    assert_eq!(one.stats.served, 1);

    let mut many = World::launched(setup);
    for n in 0..50 {
        let (p, t) = (usize::try_from(n % 2).unwrap(), n * M);
        asks_with(&mut many, p, &[t], &Caller::with(&format!("bad{n}")));
    }
    many.run(H);
    assert!(
        many.provider.rejected_credentials.len() <= 10,
        "{:?}",
        many.provider.rejected_credentials
    );
    assert_sends_in_15_minutes(&many, 3);
}

/// Rule: Circuit: while a token is active, the second credentials that were never accepted are
/// limited to one send.
#[test]
fn second_credentials_that_were_never_accepted_are_sent_once_beside_an_active_token() {
    let mut setup = setup(Kind::Winkas, 12 * H, 2);
    setup.refetch_hides_rejection = true;
    let mut world = World::launched(setup);
    asks(&mut world, 0, &[0]);
    for n in 0..3 {
        asks_with(&mut world, 1, &[M + n * M], &Caller::with(&format!("bad{n}")));
    }
    world.run(10 * M);
    world.assert_no_violation();
    let sends: Vec<_> = world
        .provider
        .rejected_credentials
        .iter()
        .map(|rejected_credentials| rejected_credentials.2)
        .collect();
    assert_eq!(sends, ["refetch", "login", "refetch"]);
}

/// Rule: Refetch: a changed password costs no login at WinKAS, because a refetch returns the
/// running token.
///
/// The password changes while four processes use a token. They are configured with the new one in
/// the next 20 minutes.
#[test]
fn a_changed_password_costs_no_login_at_winkas() {
    let mut world = world(Kind::Winkas, 12 * H, 4);
    world.mark_faulty();
    for p in 0..4_usize {
        let late = i64::try_from(p).unwrap();
        every(&mut world, p, late * S, 3 * H, 20 * S);
        world.at(H + (late + 1) * 5 * M, move |world| world.processes[p].password = "p1".into());
    }
    world.at(H, |world| world.provider.passwords = vec!["p1".into()]);
    world.run(3 * H);
    world.assert_no_violation();
    assert_eq!(
        (logins(&world), world.provider.rejected_credentials.len(), world.stats.errors()),
        (1, 0, 0)
    );
}
