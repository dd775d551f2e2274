//! A server's discovery document, and its additions to the configuration.

use std::sync::Arc;

use super::{Path, Server};
use crate::{
    error::{Error, Result},
    identity::Provider,
    provider::oauth2::{ClientAuth, Discover, Endpoint, Metadata, WellKnown},
};

/// The state of a server's discovery document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Discovered {
    /// It was not read.
    #[default]
    NotRead,
    /// The server has none.
    Absent,
    Found(Arc<Metadata>),
}

impl Discovered {
    pub(super) fn client_auth(&self) -> Option<ClientAuth> {
        match self {
            Self::Found(metadata) => metadata.client_auth(),
            Self::NotRead | Self::Absent => None,
        }
    }
}

impl Server {
    /// Returns whether the server's discovery document must be read before a call: it has a provider
    /// whose paths differ from server to server, and no token path is set.
    ///
    /// [`oauth2::Discovery`](crate::provider::oauth2::Discovery) says when to read it, and
    /// [`with_metadata`](Self::with_metadata) applies it.
    pub fn needs_discovery(&self) -> bool {
        self.identity.provider() == Provider::OAuth2
            && !self.options.set_paths.contains(&Endpoint::Token)
            && matches!(self.options.discovered, Discovered::NotRead)
    }

    /// Applies the server's discovery document: its endpoints, except those whose paths are set, and
    /// the way in which it takes the client's secret, unless that is set. `None` means that the server
    /// has no document. The identity stays the same.
    ///
    /// Of the two calls that validate a token only one is taken. Userinfo is for tokens of a user with
    /// the scope `openid`; servers call others inactive there. All other tokens are introspected.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the document is not the server's own, or if
    /// its token endpoint can't be used.
    pub fn with_metadata(mut self, metadata: Option<Arc<Metadata>>) -> Result<Self> {
        if !self.needs_discovery() {
            return Ok(self);
        }
        let Some(metadata) = metadata else {
            self.set().discovered = Discovered::Absent;
            return Ok(self);
        };
        metadata.check(self.identity.server())?;
        if let Some(address) = metadata.endpoint(Endpoint::Token)? {
            self.set().token_path = Path::Owned(address.to_owned());
        }
        // An endpoint at another host is not used. The login needs none of these.
        let found = |endpoint| {
            let address = metadata.endpoint(endpoint).ok().flatten()?;
            Some(Path::Owned(address.to_owned()))
        };
        if !self.options.set_paths.contains(&Endpoint::Revocation) {
            self.set().revocation_path = found(Endpoint::Revocation);
        }
        let has_openid = self.identity.scope().split(' ').any(|word| word == "openid");
        let has_user = !self.identity.user().is_empty() && has_openid;
        let may_take = |endpoint| !self.options.set_paths.contains(&endpoint);
        let userinfo = found(Endpoint::Userinfo)
            .filter(|_| has_user && may_take(Endpoint::Userinfo))
            .filter(|_| self.options.introspection_path.is_none());
        let introspection = found(Endpoint::Introspection)
            .filter(|_| !self.identity.client().is_empty() && may_take(Endpoint::Introspection))
            .filter(|_| self.options.userinfo_path.is_none() && userinfo.is_none());
        let options = self.set();
        options.userinfo_path = options.userinfo_path.take().or(userinfo);
        options.introspection_path = options.introspection_path.take().or(introspection);
        options.discovered = Discovered::Found(metadata);
        Ok(self)
    }

    /// Whether the discovery document, which was not read yet, may name the endpoint.
    pub(super) fn may_discover(&self, endpoint: Endpoint) -> bool {
        self.needs_discovery() && !self.options.set_paths.contains(&endpoint)
    }

    /// Adds to the error of a login that found nothing at the default path that the server has no
    /// discovery document.
    pub(super) fn without_document(&self, error: Error) -> Error {
        let is_missing = matches!(error.status(), Some(404 | 405 | 410));
        if !is_missing || !matches!(self.options.discovered, Discovered::Absent) {
            return error;
        }
        let server = self.identity.server();
        let [one, other] = WellKnown::ALL.map(|at| Discover { server, at }.address());
        error.advice(format!(
            "there is no discovery document at {one} or {other}: check the server address, or set the \
             option token_path"
        ))
    }
}
