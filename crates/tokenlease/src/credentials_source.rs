//! The source of credentials: fixed ones, or a function.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokenlease_core::{Credentials, Error, ErrorKind, Result};
use tokio::sync::Semaphore;

use crate::{
    callbacks::Owner,
    runtime::{ProgramSignals, run_blocking},
};

/// Fixed credentials, or a function that fetches them from a vault, a file or a command.
///
/// The client calls the function before it first reads the store, because the credentials fingerprint
/// selects the record's entry, and before each request that carries credentials. It never calls it
/// while a cached token is fresh. The function may block: it runs on a thread for blocking work. If
/// it returns other secrets than before, the client moves to the entry of the new ones.
///
/// ```
/// use tokenlease::{Client, CredentialsSource, Error, ErrorKind, core::Credentials};
/// # use tokenlease::core::{Identity, provider::Server};
///
/// let source = CredentialsSource::from_fn(|| {
///     let password = std::fs::read_to_string("/run/secrets/winkas").map_err(|error| {
///         Error::new(ErrorKind::Config, "the password file cannot be read").with_source(error)
///     })?;
///     Ok(Credentials::password(password.trim_end()))
/// });
/// # let server = Server::new(Identity::winkas("https://air.winkas.net", "NAME", "CODE")?);
/// let client = Client::builder(server, source).build()?; // does not call the function yet
/// # let _ = client;
/// # Ok::<(), tokenlease::Error>(())
/// ```
#[derive(Clone)]
pub struct CredentialsSource(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Credentials),
    // On the heap: thousands of clients with fixed credentials are held.
    Function(Arc<Function>),
}

struct Function {
    call: Box<dyn Fn() -> Result<Credentials> + Send + Sync>,
    signals: ProgramSignals,
}

impl CredentialsSource {
    /// Fetches the credentials with a function.
    pub fn from_fn(function: impl Fn() -> Result<Credentials> + Send + Sync + 'static) -> Self {
        let (call, signals) = (Box::new(function), ProgramSignals::of_this_thread());
        Self(Kind::Function(Arc::new(Function { call, signals })))
    }

    /// Returns the credentials if they are fixed.
    pub(crate) fn fixed(&self) -> Option<&Credentials> {
        match &self.0 {
            Kind::Fixed(credentials) => Some(credentials),
            Kind::Function(..) => None,
        }
    }

    /// Returns the current credentials. Calls the function, as one of that owner, if there is one.
    pub(crate) async fn fetch(
        &self,
        owner: Owner,
        fetches: &Arc<Semaphore>,
    ) -> Result<Credentials> {
        match &self.0 {
            Kind::Fixed(credentials) => Ok(credentials.clone()),
            Kind::Function(function) => {
                let permit = fetches.clone().acquire_owned().await.ok();
                let function = function.clone();
                let call = move || owner.run(|| function.signals.apply(|| (function.call)()));
                let call = move || catch_unwind(AssertUnwindSafe(call));
                run_blocking(permit, call).await?.unwrap_or_else(|_| {
                    Err(Error::new(
                        ErrorKind::Internal,
                        "the function that fetches the credentials panicked",
                    )
                    .advice("fix the function: it must return an error instead"))
                })
            }
        }
    }
}

impl From<Credentials> for CredentialsSource {
    fn from(credentials: Credentials) -> Self {
        Self(Kind::Fixed(credentials))
    }
}

impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Fixed(_) => "CredentialsSource([redacted])",
            Kind::Function(..) => "CredentialsSource(a function)",
        })
    }
}
