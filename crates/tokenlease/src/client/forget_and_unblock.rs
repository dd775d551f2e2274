//! Changes of an entry without a call of the provider: forget, unblock, adopt.

use std::time::Duration;

use tokenlease_core::{Now, Result, Token, lifecycle::Lifecycle, time::Moment as _};

use super::Client;
use crate::wait_options::WaitOptions;

impl Client {
    /// Removes this client's token from memory and store. The token stays active at the provider.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = wyn().await;
    /// let first = client.token().await?;
    /// client.forget().await?;
    /// assert_ne!(client.token().await?, first);
    /// # assert!(emulator.token_is_active(first.expose()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Store` if the store does not save it, so that other processes do not learn of it. Also
    /// `DeadlineExceeded`, `Config`, `Forked` and `Internal`.
    pub async fn forget(&self) -> Result<()> {
        self.change(Lifecycle::forget).await
    }

    /// Allows rejected credentials to be tried again. Call it after the credentials were corrected
    /// at the provider, or the account was unlocked.
    ///
    /// The circuit closes, and the backoffs of these credentials end; a backoff of the server stays. The
    /// next caller costs one login.
    ///
    /// ```
    /// use tokenlease::ErrorKind;
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// # let password = emulator.winkas().password();
    /// # emulator.winkas().set_passwords(["another"]);
    /// let error = client.token().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
    /// // An administrator corrects the account.
    /// # emulator.winkas().set_passwords([password.as_str()]);
    /// client.unblock().await?;
    /// client.token().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`forget`](Self::forget).
    pub async fn unblock(&self) -> Result<()> {
        self.change(Lifecycle::unblock).await
    }

    /// Uses a token that was obtained elsewhere. It expires after `lifetime`; `None` if that is
    /// unknown.
    ///
    /// It serves this client. Other clients get it only if they have seen its credentials accepted.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// # let text = emulator.winkas().log_in_elsewhere();
    /// let token = client.token_from_text(text)?;
    /// client.adopt(token.clone(), None).await?;
    /// assert_eq!(client.token().await?, token);
    /// assert_eq!(client.stats().logins, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `TokenRejected` if the token is known to be inactive, and `Config` if it has expired. Also
    /// `DeadlineExceeded`, `Forked` and `Internal`.
    pub async fn adopt(&self, token: Token, lifetime: Option<Duration>) -> Result<()> {
        let state = &self.0;
        let adopt = async {
            let entry = state.entry().await?;
            state.with(&entry, |machine| {
                let now = state.now();
                machine.adopt(token, lifetime.map(|lifetime| now.elapsed.plus(lifetime)), now)
            })?
        };
        state.call(adopt).await
    }

    /// Changes the machine, and waits until other processes can learn of it.
    async fn change(&self, change: impl FnOnce(&mut Lifecycle, Now)) -> Result<()> {
        let state = &self.0;
        let work = async {
            let entry = state.entry().await?;
            // The token may be known to the store alone.
            state.with(&entry, Lifecycle::check_store)?;
            self.idle(state.deadline_of(WaitOptions::default())).await?;
            state.with(&entry, |machine| change(machine, state.now()))?;
            self.idle(state.deadline_of(WaitOptions::default())).await?;
            entry.peek(|machine| match machine.store_error() {
                Some(error) if machine.is_unsaved() => Err(error.clone()),
                _ => Ok(()),
            })
        };
        state.call(work).await
    }
}
