//! The facts about a client's token: when it expires, how that is known, its age, source and
//! generation.

use std::time::Duration;

use tokenlease_core::{
    Token, WallTime,
    lease::{ExpiryBasis, Source},
    lifecycle::Lifecycle,
};

use crate::client::Client;

/// The facts about a token, in the time of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenFacts {
    /// When the token expires, as far as it is known. Of an assumed or learned expiry it is the time from
    /// which the client validates the token before each use.
    pub expires_at: Option<WallTime>,
    /// How the expiry is known.
    pub expiry: ExpiryBasis,
    /// When the request for the token was sent.
    pub sent_at: WallTime,
    /// The number of tokens of the identity up to and including this one; 0 if no store has counted it.
    pub generation: u64,
    /// Where this process got the token.
    pub source: Source,
}

impl TokenFacts {
    /// Returns the token's age at a time.
    pub fn age(&self, now: WallTime) -> Duration {
        let millis = now.0.saturating_sub(self.sent_at.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or_default())
    }
}

impl Client {
    /// Returns the facts about the client's current token. `None` if it is another token.
    ///
    /// ```
    /// use tokenlease::core::lease::{ExpiryBasis, Source};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let token = client.token().await?;
    /// let facts = client.facts(&token).expect("the current token");
    /// assert_eq!((facts.expiry, facts.source), (ExpiryBasis::Assumed, Source::Login));
    /// assert_eq!(facts.generation, 1);
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    pub fn facts(&self, token: &Token) -> Option<TokenFacts> {
        self.0.check_process().ok()?;
        let now = self.0.now();
        let of_machine = |machine: &Lifecycle| {
            let (lease, source) = machine.current()?;
            let is_current = lease.token().is_clone_of(token) || lease.token() == token;
            let expires_at = lease.expiry().expires_at(lease.sent_at());
            is_current.then(|| TokenFacts {
                expires_at: expires_at.map(|at| now.wall_at(at)),
                expiry: lease.expiry().basis(),
                sent_at: now.wall_at(lease.sent_at()),
                generation: lease.generation(),
                source,
            })
        };
        self.0.peek(of_machine).flatten()
    }
}
