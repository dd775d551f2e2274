//! Where credentials come from.

use std::{fmt, sync::Arc};

use tokenlease_core::{Credentials, Result};

/// Fixed credentials, or a function that fetches them: from a vault, a file, a command.
///
/// A function is called before the first look (the proof of the credentials is needed for it) and
/// before each send of credentials, never while a cached token serves. It may block; it is called
/// on a thread for that. If it returns other secrets than before, the client moves to the entry of
/// those.
#[derive(Clone)]
pub struct CredentialsSource(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Credentials),
    Provider(Arc<dyn Fn() -> Result<Credentials> + Send + Sync>),
}

impl CredentialsSource {
    /// A function that fetches them.
    pub fn provider(provider: impl Fn() -> Result<Credentials> + Send + Sync + 'static) -> Self {
        Self(Kind::Provider(Arc::new(provider)))
    }

    /// The credentials, if no function has to be called for them.
    pub(crate) fn fixed(&self) -> Option<&Credentials> {
        match &self.0 {
            Kind::Fixed(credentials) => Some(credentials),
            Kind::Provider(_) => None,
        }
    }

    /// The credentials as they are now.
    pub(crate) async fn fetch(&self) -> Result<Credentials> {
        match &self.0 {
            Kind::Fixed(credentials) => Ok(credentials.clone()),
            Kind::Provider(provider) => {
                let provider = provider.clone();
                tokio::task::spawn_blocking(move || provider()).await.unwrap_or_else(|error| {
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
            Kind::Provider(_) => "CredentialsSource(a function)",
        })
    }
}
