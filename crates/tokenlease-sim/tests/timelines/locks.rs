//! The lock, lost answers, and durations.

use tokenlease_sim::{Caller, Fault, H, Kind, M, S, Setup, World};

use crate::{add_fault, asks, asks_with, logins, setup, with_budget, world};

fn patient() -> Caller {
    Caller { timeout: 60 * S, ..Caller::default() }
}

/// Rule: Logins: one identity with one set of accepted credentials costs one login in a token's
/// lifetime, however many processes ask.
///
/// 32 processes ask four times within 30 ms on an empty store, at both providers.
///
/// Reported as databricks/cli#6051.
#[test]
fn processes_that_start_cold_send_one_login() {
    for kind in [Kind::Winkas, Kind::Wyn] {
        let mut world = world(kind, 12 * H, 32);
        for p in 0..32 {
            asks(&mut world, p, &[100, 100, 101, 130]);
        }
        world.run(M);
        world.assert_no_violation();
        assert_eq!((logins(&world), world.stats.errors()), (1, 0));
    }
}

/// Rule: Lock: processes that wait for the lock read the store meanwhile, so they finish soon
/// after the first one.
///
/// 16 processes ask at once on an empty store. All of them have the token within 250 ms.
#[test]
fn waiting_processes_get_the_token_soon_after_the_first_one() {
    let mut world = world(Kind::Winkas, 12 * H, 16);
    for p in 0..16 {
        asks(&mut world, p, &[100]);
    }
    world.run(M);
    world.assert_no_violation();
    let last = world.stats.answer_times.iter().max().unwrap() - 100;
    assert!(last <= 250, "{last}");
    assert_eq!(logins(&world), 1);
}

/// Rule: Lock: a process that waits for the lock makes two calls to the store in 250 ms.
///
/// 16 processes ask at once while the provider is slow. One of them logs in, and 15 wait.
#[test]
fn processes_that_wait_for_a_slow_provider_make_few_calls_to_the_store() {
    let mut world = world(Kind::Winkas, 12 * H, 16);
    world.rng = tokenlease_sim::rng::Rng::new(3);
    add_fault(&mut world, 0, 10 * S, Fault::Slow);
    for p in 0..16 {
        asks_with(&mut world, p, &[100], &patient());
    }
    world.run(M);
    world.assert_no_violation();
    let seconds = u64::try_from(world.stats.answer_times.iter().max().unwrap() / S).unwrap() + 1;
    // Fifteen waiting processes make two calls in 250 ms each, and more in the first second.
    assert!(world.store.calls < 15 * 10 * seconds + 400, "{} in {seconds} s", world.store.calls);
}

/// Rule: Lock: no request outlives the lock under which it is sent.
///
/// In 60 worlds four processes ask while the provider is slow and refetches fail.
#[test]
fn a_lock_outlives_each_request_that_is_sent_under_it() {
    let mut many = 0;
    for seed in 0..60 {
        let mut world = World::launched(Setup { seed, ..setup(Kind::Winkas, 12 * H, 4) });
        add_fault(&mut world, 0, 50 * S, Fault::Slow);
        add_fault(&mut world, 0, 60 * S, Fault::Refetch);
        for p in 0..4 {
            asks_with(&mut world, p, &[100], &patient());
        }
        world.run(2 * M);
        world.assert_no_violation();
        many += logins(&world);
    }
    // The other logins are answers of more than ten seconds while refetches fail.
    assert!(many <= 80, "{many}");
}

/// Rule: Login: an answer that arrives after its timeout is used if no newer token is cached.
///
/// In 40 worlds one process asks while the provider takes up to 20 s.
#[test]
fn a_login_answer_that_arrives_after_its_timeout_is_used() {
    let mut many = 0;
    for seed in 0..40 {
        let mut world = World::launched(Setup { seed, ..setup(Kind::Wyn, 12 * H, 1) });
        add_fault(&mut world, 0, 30 * S, Fault::Slow);
        asks_with(&mut world, 0, &[100], &patient());
        world.run(2 * M);
        world.assert_no_violation();
        many += logins(&world);
        assert_eq!(world.stats.served, 1);
    }
    // Without a refetch a second login is sent after the timeout of ten seconds. The late token is used,
    // and no third login follows.
    assert!(many <= 60, "{many}");
}

/// Rule: Save: a save without an answer is repeated before the lock is released, and a login is
/// decided inside the lock after another read.
///
/// In 200 worlds two processes ask while 15 % of the calls to the store get no answer.
#[test]
fn lost_answers_of_the_store_cause_almost_no_login() {
    let mut many = 0;
    for seed in 0..200 {
        let setup = with_budget(Setup { seed, ..setup(Kind::Wyn, 12 * H, 2) });
        let mut world = World::launched(setup);
        // Only answers of the store are lost, not those of the provider.
        world.mark_faulty();
        world.store_loss_percent = 15;
        for p in 0..2 {
            asks(&mut world, p, &[100]);
        }
        world.run(M);
        world.assert_no_violation();
        assert_eq!(world.stats.errors(), 0, "seed {seed}");
        many += logins(&world);
    }
    // Three consecutive failed calls are an outage, in which each process may log in once.
    assert!(many <= 212, "{many}");
}

/// Rule: Validation: if another process validates the token that was to be replaced as active, no
/// login follows.
///
/// In 60 worlds eight processes ask past the assumed expiry of an active token, while refetches
/// fail and calls are lost.
#[test]
fn another_processs_validation_of_the_same_token_avoids_the_login() {
    let mut many = 0;
    for seed in 0..60 {
        let mut world = World::launched(Setup { seed, ..setup(Kind::Winkas, 24 * H, 8) });
        for fault in [Fault::Refetch, Fault::Lossy] {
            add_fault(&mut world, 12 * H + M, 12 * H + 5 * M, fault);
        }
        for p in 0..8 {
            asks_with(&mut world, p, &[0, 12 * H + 2 * M], &patient());
        }
        world.run(13 * H);
        world.assert_no_violation();
        many += logins(&world);
    }
    assert!(many <= 61, "{many}");
}

/// Rule: Lock: a crashed owner's lock ends by itself when its TTL has passed.
///
/// Process 0 takes the lock and crashes. Processes 1 and 2 wait, and have a token within 32 s.
#[test]
fn a_crashed_owner_delays_the_others_by_the_lock_ttl_at_most() {
    let mut world = world(Kind::Wyn, 12 * H, 3);
    asks_with(&mut world, 0, &[100], &patient());
    // The process crashes after it took the lock.
    world.at(125, |world| world.crash(0, None, None));
    for p in 1..3 {
        asks_with(&mut world, p, &[200], &patient());
    }
    world.run(2 * M);
    world.assert_no_violation();
    assert_eq!(world.stats.served, 2);
    assert!(*world.stats.answer_times.iter().max().unwrap() < 32 * S);
}

/// Rule: Lock: a paused owner's writes overwrite nothing; when it resumes, it takes the token that
/// another process obtained.
///
/// Process 0 is paused for 40 s, at six points of its flight. Process 1 asks, and gets a token.
/// Process 0 asks again afterwards.
#[test]
fn a_paused_owner_that_resumes_takes_the_token_that_another_process_obtained() {
    for pause in [105, 110, 115, 120, 130, 150] {
        let mut world = world(Kind::Winkas, 12 * H, 2);
        asks_with(&mut world, 0, &[100], &patient());
        world.at(pause, |world| world.pause(0, 40 * S));
        asks_with(&mut world, 1, &[200], &patient());
        asks(&mut world, 0, &[M, 2 * M]);
        world.run(5 * M);
        world.assert_no_violation();
        assert!(logins(&world) <= 2, "{pause}");
        assert_eq!(world.stats.errors(), 0, "{pause}");
    }
}

/// Rule: Deadlines: each caller has its own deadline, and a caller that times out does not end the
/// flight of the others.
///
/// A caller with a timeout of 20 ms starts a flight, and another one joins it.
///
/// Reported as golang/oauth2#388.
#[test]
fn a_caller_that_times_out_does_not_end_the_flight_of_the_others() {
    let mut world = world(Kind::Wyn, 12 * H, 1);
    let hasty = Caller { timeout: 20, ..Caller::default() };
    asks_with(&mut world, 0, &[100], &hasty);
    asks(&mut world, 0, &[110]);
    world.run(M);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.served, world.stats.errors()), (1, 1, 1));
}

/// Rule: Login: if the answer to a login is lost, a refetch asks the provider for the token
/// (WinKAS).
#[test]
fn a_login_whose_answer_is_lost_is_found_by_refetch() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    world.mark_faulty();
    world.lost_login_answers = 1;
    asks_with(&mut world, 0, &[100], &patient());
    world.run(2 * M);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.served), (1, 1));
}

/// Rule: Login: if the answer to a login is lost and the provider has no refetch, the login is
/// sent once more ten seconds later, and an event reports each loss.
#[test]
fn a_login_whose_answer_is_lost_is_sent_once_more_without_a_refetch() {
    let mut world = world(Kind::Wyn, 12 * H, 1);
    world.mark_faulty();
    world.lost_login_answers = 9;
    asks_with(&mut world, 0, &[100], &patient());
    world.run(19 * S);
    assert_eq!(logins(&world), 1);
    world.run(35 * S);
    assert_eq!(logins(&world), 2);
    let lost = tokenlease_core::lifecycle::Event::LoginLost;
    assert_eq!(world.processes[0].events.iter().filter(|event| **event == lost).count(), 2);
}

/// Rule: Expiry: callers in the refresh window are served the current token while the refresh
/// runs.
///
/// Two processes ask 70 s before the expiry while the provider is slow. Nobody waits for it.
#[test]
fn callers_in_the_refresh_window_are_served_while_the_refresh_runs() {
    let mut world = world(Kind::Wyn, H, 2);
    add_fault(&mut world, 54 * M, 59 * M, Fault::Slow);
    asks(&mut world, 0, &[0]);
    for p in 0..2 {
        asks(&mut world, p, &[58 * M + 50 * S, 58 * M + 51 * S, 58 * M + 52 * S]);
    }
    world.run(2 * H);
    world.assert_no_violation();
    let last = *world.stats.answer_times.iter().max().unwrap();
    assert!(last < 58 * M + 53 * S, "{last}");
    assert_eq!(world.stats.errors(), 0);
}

/// Rule: Expiry: a caller that requests a longer remaining lifetime gets the current token if no
/// new one can be obtained by its deadline.
///
/// Two callers request a longer remaining lifetime. The first one's process crashes with the lock,
/// and the second one waits for it until its deadline.
#[test]
fn a_caller_gets_the_current_token_if_no_token_with_a_longer_lifetime_is_available() {
    let mut world = world(Kind::Wyn, H, 2);
    asks(&mut world, 1, &[0]);
    asks(&mut world, 0, &[S]);
    let t = 40 * M;
    let min_remaining = Caller {
        timeout: 5 * S,
        min_remaining: Some(std::time::Duration::from_secs(1800)),
        ..Caller::default()
    };
    asks_with(&mut world, 1, &[t], &min_remaining);
    // The process crashes with the lock, and the other one waits until its deadline.
    world.at(t + 13, |world| world.crash(1, None, None));
    asks_with(&mut world, 0, &[t + 20], &min_remaining);
    world.run(2 * H);
    assert_eq!((world.stats.served, world.stats.errors()), (3, 0));
}
