//! A server's metadata: the discovery document (RFC 8414; `OpenID` Connect Discovery 1.0).

use std::collections::BTreeMap;

use ::http::{Method, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::ClientAuth;
use crate::{
    error::{Error, ErrorKind, Result},
    http::{self, Body, Request},
    identity::base_address,
    provider::reading::Reading,
};

/// The longest document that is read, in bytes. Real ones have less than 10 KiB.
const MAX_DOCUMENT: usize = 64 * 1024;
/// The longest address of an endpoint that is used.
const MAX_ADDRESS: usize = 2048;
pub(super) const ADVICE: &str = "set the option token_path (and revocation_path, introspection_path or userinfo_path); then no \
     discovery document is read";

/// Requests a server's discovery document. The request contains no credentials.
///
/// ```
/// use tokenlease_core::provider::oauth2::{Discover, Endpoint, WellKnown};
///
/// let discover = Discover { server: "https://id.example/realms/a", at: WellKnown::OpenId };
/// let address = "https://id.example/realms/a/.well-known/openid-configuration";
/// assert_eq!(discover.request()?.uri(), address); // send it
///
/// let response = http::Response::new(
///     r#"{"issuer":"https://id.example/realms/a","token_endpoint":"https://id.example/token"}"#,
/// );
/// let metadata = discover.parse(&response)?.expect("a document");
/// assert_eq!(metadata.endpoint(Endpoint::Token)?, Some("https://id.example/token"));
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Discover<'a> {
    /// The server's address, which is its issuer identifier.
    pub server: &'a str,
    /// Which document to request.
    pub at: WellKnown,
}

/// Where a server may have its discovery document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WellKnown {
    /// `/.well-known/openid-configuration` after the issuer's path (`OpenID` Connect Discovery
    /// section 4).
    OpenId,
    /// `/.well-known/oauth-authorization-server` between the issuer's host and its path (RFC 8414
    /// section 3.1).
    OAuth,
}

impl WellKnown {
    /// Both places, in the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::OpenId, Self::OAuth];
}

impl Discover<'_> {
    /// Returns the document's address.
    pub fn address(&self) -> String {
        match self.at {
            WellKnown::OpenId => http::join(self.server, ".well-known/openid-configuration"),
            WellKnown::OAuth => {
                let after_scheme = self.server.find("://").map_or(0, |at| at + 3);
                let host = self.server[after_scheme..].find('/');
                let (host, path) =
                    self.server.split_at(host.map_or(self.server.len(), |at| after_scheme + at));
                let path = path.trim_end_matches('/');
                format!("{host}/.well-known/oauth-authorization-server{path}")
            }
        }
    }

    /// Builds the request.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the server's address is not a URL.
    pub fn request(&self) -> Result<Request> {
        http::finish(http::request(Method::GET, &self.address())?, Body::empty())
    }

    /// Parses the response. `None` means that the server has no document at that address: it answers
    /// with another document, a redirect or a status such as 404.
    ///
    /// # Errors
    /// - [`ErrorKind::Config`] for a document of another issuer (RFC 8414 section 3.3), without a
    ///   token endpoint, or whose token endpoint is not at the issuer's scheme, host and port.
    /// - [`ErrorKind::InvalidResponse`] for a document of more than 64 KiB.
    /// - [`ErrorKind::Throttled`] or [`ErrorKind::Unavailable`] if the server failed to answer.
    pub fn parse(&self, response: &Response<impl AsRef<[u8]>>) -> Result<Option<Metadata>> {
        let reading = Reading::of(response);
        let address = self.address();
        let status = reading.status.as_u16();
        if matches!(status, 407 | 408 | 425 | 429 | 500..) {
            let error = reading.by_status(ErrorKind::Unavailable);
            let detail = format!("no discovery document at {address}: {}", error.detail());
            return Err(reading.error(error.kind(), detail).advice(ADVICE));
        }
        if !reading.status.is_success() {
            return Ok(None);
        }
        let body = response.body().as_ref();
        if body.len() > MAX_DOCUMENT {
            let detail = format!("the discovery document at {address} has {} bytes", body.len());
            return Err(reading
                .error(ErrorKind::InvalidResponse, detail)
                .expected("at most 64 KiB")
                .advice(ADVICE));
        }
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        // Many servers answer unknown paths with a page, or with JSON of another kind.
        let Ok(document) = serde_json::from_slice::<Map<String, Value>>(body) else {
            return Ok(None);
        };
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let Some(issuer) = text("issuer") else { return Ok(None) };
        let endpoints = Endpoint::ALL.into_iter().filter_map(|endpoint| {
            let address = text(endpoint.field()).filter(|address| !address.is_empty())?;
            Some((endpoint, address.chars().take(MAX_ADDRESS + 1).collect()))
        });
        let methods = document.get("token_endpoint_auth_methods_supported");
        let has_method = |name: &str| {
            methods
                .and_then(Value::as_array)
                .is_some_and(|methods| methods.iter().any(|method| method.as_str() == Some(name)))
        };
        let metadata = Metadata {
            issuer: reading.quote(issuer),
            endpoints: endpoints.collect(),
            body_only: has_method("client_secret_post") && !has_method("client_secret_basic"),
            address,
        };
        metadata.check(self.server)?;
        Ok(Some(metadata))
    }
}

/// An endpoint that a discovery document names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Endpoint {
    /// The token endpoint (RFC 6749 section 3.2).
    Token,
    /// The revocation endpoint (RFC 7009).
    Revocation,
    /// The introspection endpoint (RFC 7662).
    Introspection,
    /// The userinfo endpoint (`OpenID` Connect Core section 5.3).
    Userinfo,
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Self; 4] = [Self::Token, Self::Revocation, Self::Introspection, Self::Userinfo];

    /// Returns the document's field.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Token => "token_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::Userinfo => "userinfo_endpoint",
        }
    }

    /// Returns the option that sets the endpoint's path instead.
    pub const fn option(self) -> &'static str {
        match self {
            Self::Token => "token_path",
            Self::Revocation => "revocation_path",
            Self::Introspection => "introspection_path",
            Self::Userinfo => "userinfo_path",
        }
    }
}

/// The part of a discovery document that the client uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    address: String,
    issuer: String,
    endpoints: BTreeMap<Endpoint, String>,
    /// The token endpoint takes the client's secret in the body, and not in a Basic header.
    body_only: bool,
}

impl Metadata {
    /// Returns the document's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the issuer, which is the server's address.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the URL of an endpoint, if the document names one.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the endpoint is not a URL at the issuer's scheme, host and port. The
    /// client does not send credentials or tokens there.
    pub fn endpoint(&self, endpoint: Endpoint) -> Result<Option<&str>> {
        let Some(address) = self.endpoints.get(&endpoint) else { return Ok(None) };
        let refused = |why: String| {
            let advice = format!(
                "if you trust that host, set the server address to it and the option {} to the path",
                endpoint.option()
            );
            let detail = format!("the {} in {} {why}", endpoint.field(), self.address);
            Error::new(ErrorKind::Config, detail).advice(advice)
        };
        let url = Url::parse(address).ok().filter(|url| {
            let has_user = !url.username().is_empty() || url.password().is_some();
            address.len() <= MAX_ADDRESS && !has_user && url.fragment().is_none()
        });
        let issuer = Url::parse(&self.issuer).ok();
        match (url, issuer) {
            (Some(url), Some(issuer)) if url.origin() == issuer.origin() => Ok(Some(address)),
            (Some(url), Some(issuer)) if url.origin().is_tuple() => {
                let (url, issuer) = (url.origin(), issuer.origin());
                let (url, issuer) = (url.ascii_serialization(), issuer.ascii_serialization());
                Err(refused(format!("is at {url}, and not at {issuer}")))
            }
            _ => Err(refused("is not a URL without user and fragment".into())),
        }
    }

    /// Returns where the document says that the client's secret is sent, if it differs from the
    /// standard's Basic header.
    pub fn client_auth(&self) -> Option<ClientAuth> {
        self.body_only.then_some(ClientAuth::Body)
    }

    /// Checks that the document is the server's own, and that its token endpoint may be used. Stored
    /// documents are checked again.
    pub(crate) fn check(&self, server: &str) -> Result<()> {
        let Self { address, issuer, .. } = self;
        if base_address(issuer).ok().as_deref() != Some(server.trim_end_matches('/')) {
            let detail = format!("the discovery document at {address} is of the issuer {issuer}");
            return Err(Error::new(ErrorKind::Config, detail)
                .expected(format!("the server address, {server}"))
                .advice(format!("set the server address to the issuer; or {ADVICE}")));
        }
        if self.endpoint(Endpoint::Token)?.is_none() {
            let detail = format!("the discovery document at {address} names no token_endpoint");
            return Err(Error::new(ErrorKind::Config, detail).advice(ADVICE));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
