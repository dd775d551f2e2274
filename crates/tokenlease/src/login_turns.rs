//! Bounds how many logins of this process run at one server at once, in the order of their requests.
//!
//! A turn is taken before the record's lock and ends when the login is answered. A flight that waits
//! for its turn holds no lock, so another process can log in for the same identity meanwhile. And when
//! its turn comes, it reads the record under the lock, and needs no login if another process has one.
//! A turn taken after the lock would keep the lock, or its renewals, for as long as the queue is. The
//! price is that a turn includes the reads of the record and, for WinKAS, the refetch.
//!
//! The bound is per process: processes do not know of each other's logins to other identities.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use http::Uri;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The logins that may run at once, if nothing else is configured.
pub(crate) const MAX_CONCURRENT_LOGINS: usize = 8;

/// The queues of all servers that this process logs in to.
#[derive(Debug, Default)]
pub(crate) struct LoginTurns(Mutex<Queues>);

#[derive(Debug, Default)]
struct Queues {
    /// By origin and limit. A queue lives as long as a turn or a place in it.
    by_server: HashMap<(String, usize), Weak<Semaphore>>,
    /// The number of queues at which ended ones are removed.
    cleaned_at: usize,
}

impl LoginTurns {
    /// Returns the queue of the server with that address.
    pub(crate) fn queue(&self, server: &str, limit: usize) -> Arc<Semaphore> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (origin(server), limit);
        if let Some(queue) = queues.by_server.get(&key).and_then(Weak::upgrade) {
            return queue;
        }
        if queues.by_server.len() >= queues.cleaned_at {
            queues.by_server.retain(|_, queue| queue.strong_count() > 0);
            queues.cleaned_at = 2 * queues.by_server.len().max(16);
        }
        let queue = Arc::new(Semaphore::new(limit));
        queues.by_server.insert(key, Arc::downgrade(&queue));
        queue
    }
}

/// Returns scheme, host and port of an address.
fn origin(server: &str) -> String {
    let Ok(uri) = server.parse::<Uri>() else { return server.to_owned() };
    let scheme = uri.scheme_str().unwrap_or_default();
    let default = if scheme == "http" { 80 } else { 443 };
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    format!("{scheme}://{host}:{}", uri.port_u16().unwrap_or(default))
}

type Waiting = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

/// A driver's turn to log in, or its place in the queue. Dropping it leaves the queue.
#[derive(Default)]
pub(crate) enum Turn {
    /// Neither.
    #[default]
    None,
    Waiting(Waiting),
    Granted {
        _permit: OwnedSemaphorePermit,
    },
}

impl Turn {
    /// Waits for the turn until `enough` is ready, and returns whether it came. If not, the place in
    /// the queue stays.
    pub(crate) async fn wait(
        &mut self,
        queue: impl FnOnce() -> Arc<Semaphore>,
        enough: impl Future<Output = ()>,
    ) -> bool {
        if matches!(self, Self::None) {
            let queue = queue();
            // A queue is never closed.
            *self = Self::Waiting(Box::pin(async move { queue.acquire_owned().await.ok() }));
        }
        if let Self::Waiting(waiting) = self {
            let permit = tokio::select! {
                biased;
                permit = waiting => permit,
                () = enough => return false,
            };
            *self = permit.map_or(Self::None, |permit| Self::Granted { _permit: permit });
        }
        self.is_granted()
    }

    pub(crate) fn is_granted(&self) -> bool {
        matches!(self, Self::Granted { .. })
    }

    /// Ends the turn. A place in the queue stays.
    pub(crate) fn end(&mut self) {
        if self.is_granted() {
            *self = Self::None;
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Waiting(_) => "Waiting",
            Self::Granted { .. } => "Granted",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const SERVER: &str = "https://wyn.example/a";

    #[test]
    fn identities_of_one_origin_and_limit_share_a_queue() {
        let turns = LoginTurns::default();
        let queue = turns.queue(SERVER, 2);
        for same in ["https://WYN.example:443/b", "https://wyn.example"] {
            assert!(Arc::ptr_eq(&queue, &turns.queue(same, 2)), "{same}");
        }
        for other in ["http://wyn.example/a", "https://wyn.example:8443/a", "https://b.example/a"] {
            assert!(!Arc::ptr_eq(&queue, &turns.queue(other, 2)), "{other}");
        }
        assert!(!Arc::ptr_eq(&queue, &turns.queue(SERVER, 3)));
    }

    #[test]
    fn queues_without_turns_are_removed() {
        let turns = LoginTurns::default();
        let kept = turns.queue(SERVER, 1);
        for number in 0..1000 {
            turns.queue(&format!("https://{number}.example"), 1);
        }
        assert!(turns.0.lock().unwrap().by_server.len() <= 34);
        assert!(Arc::ptr_eq(&kept, &turns.queue(SERVER, 1)));
    }

    /// Rule: Deadlines: turns to log in are granted in the order of the requests, and one that is not
    /// awaited any more leaves nothing behind.
    #[tokio::test]
    async fn turns_are_granted_in_order_and_a_dropped_one_leaves_nothing_behind() {
        let queue = Arc::new(Semaphore::new(1));
        let of = || queue.clone();
        let [mut first, mut second, mut third] = [Turn::None, Turn::None, Turn::None];
        assert!(first.wait(of, pending()).await);
        assert!(!second.wait(of, ready(())).await && !third.wait(of, ready(())).await);
        first.end();
        // The second keeps its place while it is not polled.
        assert!(!third.wait(of, ready(())).await);
        assert!(second.wait(of, pending()).await);
        let mut fourth = Turn::None;
        assert!(!fourth.wait(of, ready(())).await);
        drop(third);
        drop(second);
        assert!(fourth.wait(of, pending()).await);
        drop(fourth);
        assert_eq!(queue.available_permits(), 1);
    }
}
