//! Error answers, cache headers and constants that the endpoints of Wyn share.

use http::StatusCode;
use serde::Serialize;

use crate::fields::Fields;
use crate::http1::{Answer, json as json_answer, with};

/// An OAuth 2.0 error answer (RFC 6749 section 5.2).
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: Option<&'static str>,
}

impl Rejection {
    pub(super) const fn new(error: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: None }
    }

    pub(super) const fn because(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: Some(description) }
    }

    pub(super) fn answer(self) -> Answer {
        no_store(self.answer_without_cache_headers())
    }

    /// `IdentityServer4` sends no cache headers with the errors of revocation.
    pub(super) fn answer_without_cache_headers(self) -> Answer {
        let mut body = Fields::new().with("error", self.error);
        if let Some(description) = self.description {
            body = body.with("error_description", description);
        }
        let answer = json(self.status, &body);
        if self.status != StatusCode::UNAUTHORIZED {
            return answer;
        }
        with(answer, &[("www-authenticate", "Basic realm=\"tokenlease-emulator\"")])
    }
}

/// Returns JSON with the content type of `IdentityServer4`.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    with(json_answer(status, body), &[("content-type", "application/json; charset=UTF-8")])
}

/// Adds the headers of `IdentityServer4` that forbid caching.
pub(super) fn no_store(answer: Answer) -> Answer {
    let headers = [("cache-control", "no-store, no-cache, max-age=0"), ("pragma", "no-cache")];
    with(answer, &headers)
}

/// Returns the base address of the server, as the client sees it.
pub(super) fn base_address(call: &crate::http1::Call) -> String {
    format!("http://{}", call.header("host").unwrap_or("127.0.0.1"))
}

/// Returns the length as `IdentityServer4` counts it: in UTF-16 code units.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The client that Wyn keeps for programs.
pub(crate) const CLIENT_ID: &str = "integration";
/// The API resource that may introspect tokens.
pub(crate) const API_RESOURCE: &str = "reports-api";

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// All scopes, as in the provider's article.
pub(super) const SCOPE: &str = "cache email openid profile scheduler server_portal storage";
/// The scopes of `OpenID` Connect, which a client's own token can't have.
pub(super) const IDENTITY_SCOPES: [&str; 3] = ["email", "openid", "profile"];
/// The longest user, password, client id, secret or grant type that `IdentityServer4` accepts.
pub(super) const MAX_LENGTH: usize = 100;
/// The longest `scope`.
pub(super) const MAX_SCOPE_LENGTH: usize = 300;
