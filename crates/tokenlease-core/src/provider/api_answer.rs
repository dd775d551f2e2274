//! The meaning of an API's answer for the token of the call, read once for all languages.

use ::http::Response;

use super::{oauth2, reading::Reading, server::Server, winkas};
use crate::identity::Provider;

/// The meaning of an API's answer for the token of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiAnswer {
    /// The token was not rejected.
    NotRejected,
    /// The token was rejected.
    Rejected,
    /// The call failed inside a WinKAS envelope, or with an empty 403 of another server. The cause may
    /// be the token: validate it.
    Ask,
}

impl ApiAnswer {
    /// Returns the name in snake case, the same in all languages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotRejected => "not_rejected",
            Self::Rejected => "rejected",
            Self::Ask => "ask",
        }
    }
}

impl Server {
    /// Reads an API's answer to a call with a token: whether it rejects the token.
    ///
    /// - A 401 rejects it, unless its challenge is `insufficient_scope`: then the token is active
    ///   (RFC 6750 section 3.1).
    /// - A 400 or 403 rejects it only with the error `invalid_token`. Any other 403 is about a
    ///   permission, but an empty one may be about the token: [`Ask`](ApiAnswer::Ask), where the server
    ///   can validate.
    /// - WinKAS answers 200 to a failed call and states an error code in the envelope, which does not
    ///   tell an inactive token from a missing permission: [`Ask`](ApiAnswer::Ask).
    ///
    /// ```
    /// use tokenlease_core::{Identity, provider::{ApiAnswer, Server}};
    ///
    /// let server = Server::new(Identity::winkas("https://air.winkas.net", "NAME", "CODE")?);
    /// let failed = http::Response::new(r#"{"WinkasErrorCode":7}"#);
    /// // WinKAS does not say whether the token is the cause: validate it.
    /// assert_eq!(server.read_answer(&failed), ApiAnswer::Ask);
    /// # Ok::<(), tokenlease_core::Error>(())
    /// ```
    pub fn read_answer(&self, response: &Response<impl AsRef<[u8]>>) -> ApiAnswer {
        let reading = &Reading::of(response);
        let status = reading.status.as_u16();
        match self.identity().provider() {
            Provider::Winkas => match status {
                401 => ApiAnswer::Rejected,
                200..=299 if winkas::failed_inside(reading) => ApiAnswer::Ask,
                _ => ApiAnswer::NotRejected,
            },
            Provider::Wyn | Provider::OAuth2 => match status {
                401 | 403 if reading.bearer_error_is("insufficient_scope") => {
                    ApiAnswer::NotRejected
                }
                401 => ApiAnswer::Rejected,
                // OpenIddict answers with 400.
                400 | 403 if oauth2::says_invalid_token(reading) => ApiAnswer::Rejected,
                // Some servers answer an inactive token with an empty 403.
                403 if self.can_validate() && reading.says_nothing_more() => ApiAnswer::Ask,
                _ => ApiAnswer::NotRejected,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    fn winkas() -> Server {
        Server::new(Identity::winkas("https://air.winkas.net", "mj", "42").unwrap())
    }

    fn wyn() -> Server {
        Server::new(Identity::wyn("http://localhost:51980", "admin", "integration").unwrap())
    }

    fn oauth2() -> Server {
        let server = Server::new(Identity::oauth2("https://id.example", "u", "app").unwrap());
        server.with_introspection_path("/introspect").unwrap()
    }

    fn read(server: &Server, status: u16, challenge: &str, body: &str) -> ApiAnswer {
        let mut response = Response::builder().status(status);
        if !challenge.is_empty() {
            response = response.header("www-authenticate", challenge);
        }
        server.read_answer(&response.body(body.to_owned()).unwrap())
    }

    /// Rule: Rejection: a 401 of an API rejects a token; a failure inside a WinKAS envelope is validated
    /// first, and a missing permission rejects nothing.
    #[test]
    fn an_api_rejects_a_token_by_a_401_and_not_by_a_missing_permission() {
        for server in [winkas(), wyn(), oauth2()] {
            assert_eq!(read(&server, 401, "", "?"), ApiAnswer::Rejected);
            assert_eq!(read(&server, 401, "Basic realm=\"x\"", ""), ApiAnswer::Rejected);
            assert_eq!(read(&server, 403, "", r#"{"WinkasErrorCode":1}"#), ApiAnswer::NotRejected);
            assert_eq!(read(&server, 200, "", "not JSON"), ApiAnswer::NotRejected);
            assert_eq!(read(&server, 500, "", ""), ApiAnswer::NotRejected);
        }
        let failed = r#"{"Data":[1],"WinkasErrorCode":"7"}"#;
        assert_eq!(read(&winkas(), 200, "", failed), ApiAnswer::Ask);
        assert_eq!(read(&winkas(), 200, "", r#"{"WinkasErrorCode":0}"#), ApiAnswer::NotRejected);
        assert_eq!(read(&wyn(), 200, "", failed), ApiAnswer::NotRejected);
    }

    /// Rule: Rejection: an API's answer with the challenge `insufficient_scope` is about an active token,
    /// and one with the error `invalid_token` rejects the token, whatever its status.
    #[test]
    fn the_error_of_a_challenge_counts_more_than_the_status() {
        let scope = r#"Bearer realm="api", error="insufficient_scope", scope="write""#;
        let invalid = r#"Bearer error="invalid_token", error_description="expired""#;
        for server in [wyn(), oauth2()] {
            for status in [401, 403] {
                assert_eq!(read(&server, status, scope, ""), ApiAnswer::NotRejected, "{status}");
            }
            for status in [400, 401, 403] {
                assert_eq!(read(&server, status, invalid, ""), ApiAnswer::Rejected, "{status}");
            }
            let body = r#"{"error":"invalid_token"}"#;
            assert_eq!(read(&server, 403, "", body), ApiAnswer::Rejected);
            assert_eq!(read(&server, 400, "", r#"{"error":"no"}"#), ApiAnswer::NotRejected);
            assert_eq!(read(&server, 200, "", body), ApiAnswer::NotRejected);
        }
    }

    /// Rule: Rejection: an API's empty 403 is validated where the server can validate; any other 403 is
    /// about a permission.
    #[test]
    fn an_empty_403_of_an_api_is_validated_where_the_server_can_validate() {
        assert_eq!(read(&wyn(), 403, "", ""), ApiAnswer::Ask);
        // Where no validation is possible, it would cost logins.
        let blind = wyn().with_userinfo_path("").unwrap();
        assert_eq!(read(&blind, 403, "", ""), ApiAnswer::NotRejected);
        assert_eq!(read(&winkas(), 403, "", ""), ApiAnswer::NotRejected);
        assert_eq!(read(&wyn(), 403, "Bearer", ""), ApiAnswer::NotRejected);
    }
}
