//! Ten thousand users who log in at once.

#[path = "common/slow_server.rs"]
mod slow_server;

use std::{sync::atomic::Ordering, time::Duration};

use slow_server::{new_store, registry, slow_server, until};
use tokenlease::{SteeredClock, TokenOptions};

const HOUR: Duration = Duration::from_secs(3600);

/// Rule: Logins: ten thousand users who come at once log in eight at a time, in the order in which they came.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_users_log_in_eight_at_a_time_in_their_order() {
    const USERS: usize = 10_000;
    // The users of a wave come together.
    const WAVE: usize = 500;
    let (server, clock) = (slow_server(), SteeredClock::new());
    let registry = registry(8, &clock, &new_store(&clock));
    let mut users = Vec::new();
    for wave in 0..USERS / WAVE {
        let mut clients = Vec::new();
        for number in wave * WAVE..(wave + 1) * WAVE {
            let client = server.user(&registry, &format!("u{number}"));
            let options = TokenOptions::default().with_deadline(HOUR);
            let caller = client.clone();
            users.push(tokio::spawn(async move { caller.token_with(options).await }));
            clients.push(client);
        }
        until(|| clients.iter().all(|client| client.stats().store_calls > 0)).await;
    }
    let mut running: Vec<_> = (0..8).map(|_| server.next()).collect();
    assert!(server.logins.try_recv().is_err(), "a ninth login was sent");
    let mut order: Vec<String> = running.iter().map(|login| login.user.clone()).collect();
    for _ in 8..USERS {
        running.remove(0);
        running.push(server.next());
        order.push(running.last().unwrap().user.clone());
    }
    drop(running);
    for user in users {
        user.await.unwrap().unwrap();
    }
    assert_eq!(server.most.load(Ordering::SeqCst), 8);
    let mut displaced = 0;
    for (position, user) in order.iter().enumerate() {
        let number: usize = user[1..].parse().unwrap();
        displaced += usize::from(position.abs_diff(number) >= WAVE);
    }
    // A thread that the system suspends for a while enters its users later.
    assert!(displaced * 10 < order.len(), "{displaced} are a wave away from their place");
}
