//! Tests of the extra fields of a token request.

use super::*;

fn body(server: &Server, call: &Call, credentials: &Credentials) -> String {
    let request = server.request(call, credentials).unwrap();
    String::from_utf8(request.body().as_bytes().to_vec()).unwrap()
}

/// Rule: Identity: extra fields are sent with each login, and with no other call.
#[test]
fn extra_fields_are_sent_with_a_login_only() {
    let [login, _, validate, revoke] = calls();
    let extra = credentials().with_extra_secret("connection", "se&cret");
    for server in servers().into_iter().skip(1) {
        let mut with = server.clone();
        for (name, value) in [("resource", "b"), ("resource", "a"), ("audience", "https://a?b=c")] {
            with.identity = with.identity.with_extra(name, value).unwrap();
        }
        let sent = body(&with, &login, &extra);
        let fields = "&audience=https%3A%2F%2Fa%3Fb%3Dc&resource=a&resource=b&connection=se%26cret";
        assert!(sent.contains(fields), "{sent}");
        for call in [&validate, &revoke] {
            if with.request(call, &extra).is_ok() {
                assert_eq!(body(&with, call, &extra), body(&server, call, &credentials()));
            }
        }
    }
}

/// Rule: Secrets: an error hides the secret extra fields that a server echoes.
#[test]
fn a_secret_extra_field_that_a_server_echoes_is_redacted() {
    let credentials = credentials().with_extra_secret("connection", "extra-canary");
    let response = Response::builder().status(400);
    let response = response
        .body(r#"{"error":"invalid_request","error_description":"bad extra-canary"}"#)
        .unwrap();
    let answer = oauth2("u").read(&Call::Login, &response, AT, &credentials);
    let Answer::Failed(error) = answer else { panic!("{answer:?}") };
    assert!(!error.to_string().contains("extra-canary"), "{error}");
    assert!(error.to_string().contains("[redacted]"), "{error}");
}

/// Rule: Identity: a secret extra field that the client sends itself is a configuration error.
#[test]
fn a_secret_extra_field_with_a_reserved_name_is_an_error() {
    for (server, kind) in [
        (wyn(), ErrorKind::Config),
        (oauth2("u"), ErrorKind::Config),
        (winkas(), ErrorKind::Unsupported),
    ] {
        let error = server.check(&credentials().with_extra_secret("Client_Secret", "canary"));
        let error = error.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
