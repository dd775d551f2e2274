//! The errors of OAuth2 responses (RFC 6749 section 5.2).

use ::http::StatusCode;

use crate::{
    error::{Error, ErrorKind},
    provider::reading::Reading,
};

/// The secret that a call sent, which a rejection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    /// A user's or a client's credentials.
    Credentials,
    /// A refresh token, which `invalid_grant` is about.
    RefreshToken,
    /// A token and the client's credentials, but no user's. `invalid_grant` means that the token
    /// belongs to another client (RFC 7009 section 2.1).
    Token,
}

/// Returns the error of an unsuccessful response.
pub(crate) fn of(reading: &Reading<'_>, presented: Presented) -> Error {
    // A body that can't be read is classified by the status.
    if let Some(code) = reading.code() {
        return rejected(reading, &code, presented);
    }
    let error = reading.by_status(ErrorKind::CredentialsRejected);
    if reading.status == StatusCode::UNAUTHORIZED && reading.asks_for_a_token() {
        // An API at a wrong path answers so. It did not check the credentials of the call.
        return asks_for_a_token(reading, &error, presented);
    }
    error
}

fn asks_for_a_token(reading: &Reading<'_>, error: &Error, presented: Presented) -> Error {
    let detail = format!("{}, and asks for a token, as an API does", error.detail());
    let (expected, advice) = match presented {
        Presented::Token => (
            "an endpoint that takes a client's credentials",
            "check the options introspection_path and revocation_path",
        ),
        Presented::Credentials | Presented::RefreshToken => {
            ("a token endpoint", "check the server address and the option token_path")
        }
    };
    reading.error(ErrorKind::Config, detail).expected(expected).advice(advice)
}

/// Returns the error of a response with an error code. The code decides, then the status, never the
/// description.
fn rejected(reading: &Reading<'_>, code: &str, presented: Presented) -> Error {
    let quoted = reading.quote(code);
    if reading.status.is_redirection() {
        return reading.by_status(ErrorKind::CredentialsRejected).with_code(quoted);
    }
    let (kind, advice) = by_code(code, reading.status, presented)
        .filter(|(kind, _)| {
            // A rejection by a failing or overloaded server does not tell about the credentials.
            let transient = matches!(reading.status.as_u16(), 429 | 500..=599);
            !transient || matches!(kind, ErrorKind::Unavailable | ErrorKind::Throttled)
        })
        .unwrap_or_else(|| reading.kind_by_status(ErrorKind::CredentialsRejected));
    let detail = detail(reading, &quoted);
    reading.error(kind, detail).advice(advice).with_code(quoted)
}

/// Returns what the server said: the description, or else the code.
pub(crate) fn detail(reading: &Reading<'_>, quoted_code: &str) -> String {
    match reading.description() {
        Some(words) => format!("the server said {words}"),
        None => format!("the server answered {quoted_code} without a description"),
    }
}

fn by_code(
    code: &str,
    status: StatusCode,
    presented: Presented,
) -> Option<(ErrorKind, &'static str)> {
    Some(match code {
        "temporarily_unavailable" | "server_error" => (ErrorKind::Unavailable, "retry later"),
        "slow_down" => (ErrorKind::Throttled, "wait before the next call, and call less often"),
        "invalid_grant" if presented == Presented::RefreshToken => {
            (ErrorKind::TokenRejected, "the refresh token has expired or is revoked: log in again")
        }
        "invalid_grant" if presented == Presented::Token => {
            (ErrorKind::Config, "use the client that received the token")
        }
        "invalid_grant" => (
            ErrorKind::CredentialsRejected,
            "correct the user, the password or the tenant, then call `unblock`",
        ),
        "invalid_client" => (
            ErrorKind::CredentialsRejected,
            "check the client id, the client secret and the option client_auth, which sets where \
             they are sent; then call `unblock`",
        ),
        "invalid_scope" => (ErrorKind::Config, "set a scope that the server grants"),
        // Keycloak and others answer a wrong client secret with this code. Only the status differs.
        "unauthorized_client" if status == StatusCode::UNAUTHORIZED => (
            ErrorKind::CredentialsRejected,
            if presented == Presented::Token {
                "check the client id, the client secret and the option client_auth; if they are \
                 correct, allow this call for the client at the server; then call `unblock`"
            } else {
                "check the client id, the client secret and the option client_auth; if they are \
                 correct, allow this grant for the client at the server; then call `unblock`"
            },
        ),
        "unauthorized_client" => (
            ErrorKind::Config,
            "allow this grant for the client at the server, or set another grant",
        ),
        "unsupported_grant_type" => {
            (ErrorKind::Config, "set a grant that the server supports, and check the token path")
        }
        "unsupported_token_type" => {
            (ErrorKind::Unsupported, "the server can't revoke access tokens: let the token expire")
        }
        "invalid_request" => (
            ErrorKind::InvalidResponse,
            "check the configured paths, the option client_auth and empty options, then user and \
             password: some servers answer a wrong password with this code",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ::http::Response;

    use super::{super::wire, *};
    use crate::time::Timestamp;

    fn parse(status: u16, body: &str) -> Error {
        let response = Response::builder().status(status).body(body).unwrap();
        wire::granted(&Reading::of(&response), Timestamp(0), Presented::Credentials).unwrap_err()
    }

    #[test]
    fn the_error_code_decides_then_the_status_and_never_the_description() {
        use ErrorKind as K;
        for (status, body, kind) in [
            (400, r#"{"error":"invalid_grant"}"#, K::CredentialsRejected),
            (403, r#"{"error":"invalid_grant"}"#, K::CredentialsRejected),
            (200, r#"{"error":"invalid_grant","access_token":"t"}"#, K::CredentialsRejected),
            (400, r#"{"error":"invalid_client"}"#, K::CredentialsRejected),
            (401, r#"{"error":"invalid_client"}"#, K::CredentialsRejected),
            (401, "", K::CredentialsRejected),
            (401, "<html>", K::CredentialsRejected),
            (401, r#"{"error":"access_denied"}"#, K::CredentialsRejected),
            (429, r#"{"error":"invalid_grant"}"#, K::Throttled),
            (500, r#"{"error":"invalid_grant"}"#, K::Unavailable),
            (302, r#"{"error":"invalid_grant"}"#, K::InvalidResponse),
            (400, r#"{"error":"temporarily_unavailable"}"#, K::Unavailable),
            (401, r#"{"error":"server_error"}"#, K::Unavailable),
            (400, r#"{"error":"slow_down"}"#, K::Throttled),
            (400, r#"{"error":"invalid_scope"}"#, K::Config),
            (400, r#"{"error":"unauthorized_client"}"#, K::Config),
            (400, r#"{"error":"unsupported_grant_type"}"#, K::Config),
            (400, r#"{"error":"invalid_request"}"#, K::InvalidResponse),
            (401, r#"{"error":"invalid_request"}"#, K::InvalidResponse),
            (400, r#"{"error":"x","error_description":"invalid_grant"}"#, K::InvalidResponse),
            (400, r#"{"error":{"code":"invalid_grant"}}"#, K::InvalidResponse),
            (400, r#"{"error":"invalid_grant""#, K::InvalidResponse),
            (400, "<html>invalid_grant</html>", K::InvalidResponse),
            (200, "<html>", K::InvalidResponse),
            (200, "", K::InvalidResponse),
            (403, "<html>", K::Unavailable),
            (404, "Not Found", K::Unavailable),
            (405, "", K::Unavailable),
            (407, "", K::Unavailable),
            (503, "", K::Unavailable),
            (999, "", K::Unavailable),
        ] {
            let error = parse(status, body);
            assert_eq!(error.kind(), kind, "{status} {body}: {error}");
            assert_eq!(error.status(), Some(status));
        }
    }

    #[test]
    fn an_error_contains_the_servers_code_status_and_description() {
        let error = parse(
            400,
            r#"{"error":"invalid_grant","error_description":"invalid_username_or_password"}"#,
        );
        assert_eq!(
            error.to_string(),
            "credentials rejected: the server said \"invalid_username_or_password\" (HTTP 400, \
             code invalid_grant); correct the user, the password or the tenant, then call `unblock`"
        );
    }

    #[test]
    fn a_phrase_in_error_is_no_code() {
        for (body, detail) in [
            (r#"{"error":"HTTP 401 Unauthorized"}"#, "the server said \"HTTP 401 Unauthorized\""),
            (r#"{"error":"Unauthorized","message":"Bad"}"#, "the server said \"Bad\""),
            // With status 200, too.
            (r#"{"error":"no such user"}"#, "the server said \"no such user\""),
        ] {
            let error = parse(401, body);
            assert_eq!((error.code(), error.detail()), (None, detail));
            assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        }
    }

    /// Rule: Circuit: a 401 with `unauthorized_client` rejects the credentials, and its error names both
    /// causes; with status 400 it is a configuration error.
    #[test]
    fn unauthorized_client_with_status_401_rejects_the_credentials() {
        let body = r#"{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}"#;
        let error = parse(401, body);
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        assert_eq!(error.code(), Some("unauthorized_client"));
        let text = error.to_string();
        assert!(text.contains("\"Invalid client or Invalid client credentials\""), "{text}");
        assert!(text.contains("client secret") && text.contains("client_auth"), "{text}");
        assert!(text.contains("allow this grant for the client"), "{text}");
        let error = parse(400, body);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("client secret"), "{error}");
        // Other calls authenticate the client, too, but use no grant.
        let response = Response::builder().status(401).body(body).unwrap();
        let error = of(&Reading::of(&response), Presented::Token);
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        assert!(error.to_string().contains("allow this call for the client"), "{error}");
    }

    /// Rule: Circuit: a 401 that asks for a token, and has no error code, means a wrong path and rejects
    /// no credentials.
    #[test]
    fn a_bare_401_that_asks_for_a_token_means_a_wrong_path() {
        let of = |challenge: &str, body: &str, presented| {
            let response = Response::builder().status(401).header("www-authenticate", challenge);
            of(&Reading::of(&response.body(body).unwrap()), presented)
        };
        for body in ["", "<html>", "{}", r#"{"message":"no token"}"#] {
            for presented in [Presented::Credentials, Presented::RefreshToken] {
                let error = of("Bearer", body, presented);
                assert_eq!(error.kind(), ErrorKind::Config, "{body}: {error}");
                assert!(error.to_string().contains("token_path"), "{error}");
            }
            let error = of("Bearer", body, Presented::Token);
            assert_eq!(error.kind(), ErrorKind::Config, "{body}: {error}");
            assert!(error.to_string().contains("introspection_path"), "{error}");
        }
        for (challenge, body) in [
            ("Bearer", r#"{"error":"invalid_client"}"#),
            ("Bearer", r#"{"error":"unauthorized_client"}"#),
            ("Basic", ""),
            (r#"Bearer, Basic realm="a""#, ""),
            (r#"Bearer error="invalid_client""#, ""),
        ] {
            let error = of(challenge, body, Presented::Credentials);
            assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{challenge} {body}");
        }
    }
}
