//! Error answers, cache headers and constants that the endpoints of Wyn share.

use http::StatusCode;
use serde_json::json;

use crate::http1::{Answer, json as json_answer, with};

/// An OAuth 2.0 error answer (RFC 6749 section 5.2).
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    description: Option<&'static str>,
}

impl Rejection {
    pub(super) const fn new(error: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: None }
    }

    pub(super) const fn because(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: Some(description) }
    }

    pub(super) fn answer(self) -> Answer {
        let body = match self.description {
            Some(description) => json!({"error": self.error, "error_description": description}),
            None => json!({"error": self.error}),
        };
        let answer = no_store(json_answer(self.status, &body));
        if self.status != StatusCode::UNAUTHORIZED {
            return answer;
        }
        with(answer, &[("www-authenticate", "Basic realm=\"tokenlease-emulator\"")])
    }
}

/// Adds the headers that forbid caching.
pub(super) fn no_store(answer: Answer) -> Answer {
    with(answer, &[("cache-control", "no-store"), ("pragma", "no-cache")])
}

/// The client that Wyn keeps for programs.
pub(crate) const CLIENT_ID: &str = "integration";

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// All scopes, as in the provider's article.
pub(super) const SCOPE: &str = "cache email openid profile scheduler server_portal storage";
/// The most characters that `IdentityServer4` accepts in a user, password, client id or secret.
pub(super) const MAX_LENGTH: usize = 100;
