//! Where credentials come from.

use std::{fmt, sync::Arc};

use tokenlease_core::{Credentials, Result};

/// Fixed credentials, or a function that fetches them: from a vault, a file, a command.
///
/// A function is called before the first look (the credentials fingerprint of the credentials is needed for it) and
/// before each send of credentials, never while a cached token serves. It may block; it is called
/// on a thread for that. If it returns other secrets than before, the client moves to the entry of
/// those.
#[derive(Clone)]
pub struct CredentialsSource(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Credentials),
    Function(Arc<dyn Fn() -> Result<Credentials> + Send + Sync>),
}

impl CredentialsSource {
    /// A function that fetches them.
    pub fn from_fn(function: impl Fn() -> Result<Credentials> + Send + Sync + 'static) -> Self {
        Self(Kind::Function(Arc::new(function)))
    }

    /// The credentials, if no function has to be called for them.
    pub(crate) fn fixed(&self) -> Option<&Credentials> {
        match &self.0 {
            Kind::Fixed(credentials) => Some(credentials),
            Kind::Function(_) => None,
        }
    }

    /// The credentials as they are now.
    pub(crate) async fn fetch(&self) -> Result<Credentials> {
        match &self.0 {
            Kind::Fixed(credentials) => Ok(credentials.clone()),
            Kind::Function(function) => {
                let function = function.clone();
                tokio::task::spawn_blocking(move || function()).await.unwrap_or_else(|error| {
                    Err(tokenlease_core::Error::new(
                        tokenlease_core::ErrorKind::Internal,
                        "the function that fetches the credentials panicked",
                    )
                    .with_source(error))
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
            Kind::Function(_) => "CredentialsSource(a function)",
        })
    }
}
