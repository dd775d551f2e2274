//! Ten thousand users who log in at once.

#[path = "common/slow_server.rs"]
mod slow_server;

use std::{sync::atomic::Ordering, time::Duration};

use slow_server::{new_store, registry, slow_server, until};
use tokenlease::{ErrorKind, SteeredClock, TokenOptions};

const HOUR: Duration = Duration::from_secs(3600);

/// Rule: Logins: ten thousand users who come at once log in eight at a time, in the order in which they came. A
/// user whose deadline passes gets an error then, and no login.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_users_log_in_eight_at_a_time_in_their_order() {
    const USERS: usize = 10_000;
    // The users of a wave come together.
    const WAVE: usize = 500;
    let (server, clock) = (slow_server(), SteeredClock::new());
    let registry = registry(8, &clock, &new_store(&clock));
    // None of the first wave, of which eight run while the deadlines pass.
    let is_impatient = |number: usize| number >= WAVE && number % 50 == 49;
    let (mut patient, mut impatient) = (Vec::new(), Vec::new());
    for wave in 0..USERS / WAVE {
        let mut clients = Vec::new();
        for number in wave * WAVE..(wave + 1) * WAVE {
            let client = server.user(&registry, &format!("u{number}"));
            let wait = if is_impatient(number) { HOUR } else { 2 * HOUR };
            let options = TokenOptions::default().with_deadline(wait);
            let caller = client.clone();
            let caller = tokio::spawn(async move { caller.token_with(options).await });
            if is_impatient(number) { &mut impatient } else { &mut patient }.push(caller);
            clients.push(client);
        }
        until(|| clients.iter().all(|client| client.stats().store_calls > 0)).await;
    }
    let mut running: Vec<_> = (0..8).map(|_| server.next()).collect();
    clock.advance(HOUR);
    for caller in impatient {
        let error = caller.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    }
    assert!(server.logins.try_recv().is_err(), "a ninth login was sent");
    let mut order: Vec<String> = running.iter().map(|login| login.user.clone()).collect();
    for _ in 8..patient.len() {
        running.remove(0);
        running.push(server.next());
        order.push(running.last().unwrap().user.clone());
    }
    drop(running);
    for caller in patient {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(server.most.load(Ordering::SeqCst), 8);
    assert!(server.logins.try_recv().is_err(), "an impatient user was logged in");
    let mut displaced = 0;
    for (position, user) in order.iter().enumerate() {
        let number: usize = user[1..].parse().unwrap();
        assert!(!is_impatient(number));
        let expected = number - number.saturating_sub(WAVE) / 50;
        displaced += usize::from(position.abs_diff(expected) >= WAVE);
    }
    // A thread that the system suspends for a while enters its users later.
    assert!(displaced * 10 < order.len(), "{displaced} are a wave away from their place");
}
