//! The options of clients. Those of a portal's users differ in their identities alone, so that they share one
//! copy of their options.

use std::sync::{Arc, Mutex, PoisonError};

use tokenlease_core::{lifecycle::Policy, provider::Server};

/// The options of the last client that was built.
#[derive(Debug, Default)]
pub(crate) struct SharedOptions(Mutex<Option<(Server, Arc<Policy>)>>);

impl SharedOptions {
    /// Returns a client's options: those of the client that was built before it if they are the same.
    pub(crate) fn shared(&self, server: Server, policy: Policy) -> (Server, Arc<Policy>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = match last.take() {
            Some((other, same)) if *same == policy => (server.share_options(&other), same),
            Some((other, _)) => (server.share_options(&other), Arc::new(policy)),
            None => (server, Arc::new(policy)),
        };
        *last = Some(shared.clone());
        shared
    }
}
