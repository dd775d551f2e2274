//! The client of one identity.

mod forget_and_unblock;
mod report_rejected;
mod validate_and_revoke;

use std::{fmt, sync::Arc, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, Result, Secret, Timestamp, Token,
    lifecycle::{Lifecycle, Served},
};

pub use self::report_rejected::Rejection;
use crate::{
    callbacks, credentials_source::CredentialsSource, entry::Entry, state::ClientState,
    stats::Stats, token_options::TokenOptions, wait_options::WaitOptions,
};

/// Gets, caches and shares the token of one identity. Clones are cheap and share everything.
///
/// While a token is fresh, [`token`](Self::token) costs an atomic load and two comparisons.
/// Otherwise a single flight gets the token for all callers, in a task that goes on when a caller is
/// cancelled. Each caller keeps its own deadline.
///
/// ```no_run
/// use tokenlease::{Client, core::{Credentials, Identity, provider::Server}};
///
/// # async fn example() -> tokenlease::Result<()> {
/// let identity = Identity::winkas("https://air.winkas.net", "NAME", "CODE")?;
/// let client = Client::builder(Server::new(identity), Credentials::password("PASSWORD")).build()?;
/// let token = client.token().await?;
/// # let _ = token;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Every method that may need a token or the provider fails with the same kinds:
/// [`CredentialsRejected`](ErrorKind::CredentialsRejected),
/// [`TokenRejected`](ErrorKind::TokenRejected), [`Throttled`](ErrorKind::Throttled),
/// [`Unavailable`](ErrorKind::Unavailable), [`InvalidResponse`](ErrorKind::InvalidResponse),
/// [`Transport`](ErrorKind::Transport), [`Store`](ErrorKind::Store),
/// [`Config`](ErrorKind::Config), [`Internal`](ErrorKind::Internal),
/// [`DeadlineExceeded`](ErrorKind::DeadlineExceeded) at the caller's deadline,
/// [`Interrupted`](ErrorKind::Interrupted) after [`interrupt`](Self::interrupt), and
/// [`Forked`](ErrorKind::Forked) in any process but the one that made the client.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<ClientState>);

impl Client {
    pub(crate) fn new(state: ClientState) -> Self {
        let state = Arc::new(state);
        state.registry.clients().add(&state);
        Self(state)
    }

    /// Returns the token to use now.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let first = client.token().await?; // logs in
    /// let second = client.token().await?; // is cached
    /// assert_eq!(first, second);
    /// assert_eq!(client.stats().logins, 1);
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The kinds [of every client](Self#errors); `DeadlineExceeded` if no token came within the
    /// client's limit, 30 s by default.
    pub async fn token(&self) -> Result<Token> {
        if let Some(token) = self.0.cached(Token::clone) {
            return Ok(token);
        }
        Ok(self.lease().await?.lease.token().clone())
    }

    /// Passes the token to a function. A cached token is not copied.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let length = client.with_token(|token| token.expose().len()).await?;
    /// assert!(length > 0);
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn with_token<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Result<R> {
        let mut use_it = Some(use_it);
        if let Some(result) =
            self.0.cached(|token| use_it.take().map(|use_it| use_it(token))).flatten()
        {
            return Ok(result);
        }
        let served = self.lease().await?;
        let use_it = use_it.take().ok_or_else(impossible)?;
        Ok(use_it(served.lease.token()))
    }

    /// Returns the token to use now, with a deadline or a minimum remaining lifetime.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokenlease::TokenOptions;
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let options = TokenOptions::default().with_deadline(Duration::from_secs(5));
    /// let token = client.token_with(options).await?;
    /// # let _ = (emulator, token);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`token`](Self::token); `DeadlineExceeded` at the deadline in the options.
    pub async fn token_with(&self, options: TokenOptions) -> Result<Token> {
        if options.min_remaining.is_none()
            && let Some(token) = self.0.cached(Token::clone)
        {
            return Ok(token);
        }
        Ok(self.lease_with(options).await?.lease.token().clone())
    }

    /// Returns the token to use now with its expiry, and the source from which it came.
    ///
    /// ```
    /// use tokenlease::core::lease::Source;
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let served = client.lease().await?;
    /// assert_eq!(served.source, Source::Login);
    /// println!("expiry: {:?}", served.lease.expiry());
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn lease(&self) -> Result<Served> {
        self.lease_with(TokenOptions::default()).await
    }

    /// As [`lease`](Self::lease), with a deadline or a minimum remaining lifetime.
    ///
    /// # Errors
    /// As [`token_with`](Self::token_with).
    pub async fn lease_with(&self, options: TokenOptions) -> Result<Served> {
        // Boxed, so that the future of a caller that finds the token cached stays small.
        Box::pin(self.0.get(options)).await
    }

    /// Passes the token to a function if it is cached and fresh. Never waits.
    pub fn cached<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Option<R> {
        self.0.cached(use_it)
    }

    /// Makes a token of this client's provider from its text, which was stored or came from
    /// elsewhere, to report, validate, revoke or adopt it.
    ///
    /// # Errors
    /// `Config` if no token can have that text.
    pub fn token_from_text(&self, text: impl Into<Secret>) -> Result<Token> {
        Token::read(self.0.server.token_kind(), text)
    }

    /// Replaces the credentials. Later callers are served with the new ones alone. A flight that
    /// uses the old ones completes, and answers only the callers that asked before.
    ///
    /// ```
    /// use tokenlease::core::{Credentials, lease::Source};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let token = client.token().await?;
    /// # emulator.winkas().set_passwords(["changed"]);
    /// client.set_credentials(Credentials::password("changed"))?;
    /// let served = client.lease().await?;
    /// assert_eq!((served.source, served.lease.token()), (Source::Refetch, &token));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Config` for credentials that the grant lacks, and `Forked` in any process but the one that
    /// made the client.
    pub fn set_credentials(&self, credentials: impl Into<CredentialsSource>) -> Result<()> {
        self.0.set_credentials(credentials.into())
    }

    /// Describes the current token and its source in words. The text holds no secret.
    pub fn explain(&self) -> String {
        // In a forked child, a thread that does not exist there may hold the machine's lock.
        if let Err(error) = self.0.check_process() {
            return error.to_string();
        }
        let explained = self.0.peek(|machine| machine.explain(self.0.now()));
        explained.unwrap_or_else(|| "no caller has asked for a token yet".into())
    }

    /// Returns the counts of this client since it was made.
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// Returns how long a caller waits at most if it sets no deadline.
    pub fn deadline(&self) -> Duration {
        self.0.wait
    }

    /// Waits until no work is running for this client, and its hook has returned from all events. The
    /// token stays valid.
    ///
    /// Call it at the end of a short-lived process, so that no login is cut off and no lock stays
    /// taken. In a function of this client it is an
    /// error, because it would wait for itself.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let token = client.token().await?;
    /// client.close().await?;
    /// # let _ = (emulator, token);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `DeadlineExceeded` if work, or the hook, is still running after the client's limit, `Interrupted`,
    /// `Config` in a hook or credentials function of this client, `Forked` in any process but the one
    /// that made the client, and `Internal`.
    pub async fn close(&self) -> Result<()> {
        self.close_with(WaitOptions::default()).await
    }

    /// As [`close`](Self::close), with a deadline.
    ///
    /// # Errors
    /// As [`close`](Self::close); `DeadlineExceeded` at the deadline in the options.
    pub async fn close_with(&self, options: WaitOptions) -> Result<()> {
        self.check_may_close()?;
        let deadline = self.0.deadline_of(options);
        let close = async {
            self.idle(deadline).await?;
            match self.0.hook_queue() {
                Some(queue) => self.0.in_time(deadline, queue.all_delivered()).await,
                None => Ok(()),
            }
        };
        self.0.call(close).await
    }

    /// Ends all waits of this client and its clones that are under way, from any thread. They fail with
    /// `Interrupted`. Later calls wait as before, and the work that others wait for goes on.
    ///
    /// A dropped future ends its own wait too. This is for calls that block a thread.
    ///
    /// ```
    /// use tokenlease::ErrorKind;
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// # let endpoint = tokenlease_emulator::Endpoint::WinkasLogin;
    /// # let hour = std::time::Duration::from_secs(3600);
    /// # emulator.fault(endpoint, tokenlease_emulator::Fault::delay(hour), 1);
    /// let mut waiting = Box::pin(client.token());
    /// # let _ = tokio::time::timeout(std::time::Duration::ZERO, &mut waiting).await;
    /// client.interrupt();
    /// assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Interrupted);
    /// # Ok(())
    /// # }
    /// ```
    pub fn interrupt(&self) {
        self.0.interrupt();
    }

    /// Fails in a function of this client: closing would wait for it.
    pub(crate) fn check_may_close(&self) -> Result<()> {
        self.0.begin()?;
        let queue = self.0.hook_queue();
        queue.map_or(Ok(()), |queue| callbacks::check(queue.id, "the event hook"))
    }

    /// Returns whether [`close`](Self::close) has nothing to wait for.
    pub(crate) fn is_closed(&self) -> Result<bool> {
        self.0.check_process()?;
        let is_busy = |entry: Arc<Entry>| entry.peek(Lifecycle::is_busy);
        Ok(!self.0.current_if_live().is_some_and(is_busy) && self.0.hook_queue().is_none())
    }

    /// Waits until no work is running for this client.
    async fn idle(&self, deadline: Timestamp) -> Result<()> {
        self.0.check_process()?;
        let Some(entry) = self.0.current_if_live() else { return Ok(()) };
        let idle = |machine: &mut Lifecycle| (!machine.is_busy()).then_some(());
        self.0.until(&entry, deadline, idle).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.0.server.identity())
    }
}

pub(crate) fn impossible() -> Error {
    Error::new(ErrorKind::Internal, "a call got the result of another kind of call")
        .advice("this is a bug in tokenlease: please report it")
}
