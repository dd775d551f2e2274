//! Arbitrary and nearly valid responses to all calls.

use ::http::{HeaderValue, Response, header};
use proptest::prelude::*;

use super::{AT, calls, credentials, servers};
use crate::provider::{Answer, Call};

/// Bodies that are nearly valid, and arbitrary ones.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec![
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "error",
        "active",
        "Token",
        "WinKasData",
        "CurrentToken",
        "WinkasErrorCode",
        "WinKasStatus",
        "AuthenticationMessage",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        prop::sample::select(vec!["", " ", "0", "t", "Bearer", "x True", "False", "a\nb", "-1"])
            .prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    let json = leaf.prop_recursive(3, 24, 8, move |inner| {
        prop::collection::vec((key.clone(), inner), 0..8).prop_map(|entries| {
            serde_json::Value::Object(
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            )
        })
    });
    let text = json.prop_map(|json| json.to_string().into_bytes());
    let cut =
        (text, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(mut text, at, cut)| {
            if cut {
                text.truncate(at.index(text.len()));
            }
            text
        });
    prop_oneof![cut, prop::collection::vec(any::<u8>(), 0..200)]
}

fn header_value() -> impl Strategy<Value = HeaderValue> {
    prop::collection::vec(any::<u8>(), 0..40)
        .prop_filter_map("not a header", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

proptest! {
    #[test]
    fn no_response_panics_or_yields_an_empty_token(
        status in 100_u16..1000,
        success in any::<bool>(),
        headers in prop::collection::vec(header_value(), 4),
        body in body(),
    ) {
        let status = if success { 200 } else { status };
        let mut response = Response::builder().status(status).body(body).unwrap();
        let names =
            [header::CONTENT_TYPE, header::RETRY_AFTER, header::DATE, header::LOCATION];
        for (name, value) in names.into_iter().zip(headers) {
            response.headers_mut().insert(name, value);
        }
        for server in servers() {
            server.read_answer(&response);
            for call in calls() {
                match server.read(&call, &response, AT, &credentials()) {
                    Answer::Token(granted) => {
                        prop_assert!(call.takes_credentials() && (200..300).contains(&status));
                        prop_assert!(!granted.token.expose().trim().is_empty());
                        prop_assert!(!granted.token.expose().contains(char::is_control));
                        prop_assert!(granted.expires_at().is_none_or(|end| end >= AT));
                    }
                    Answer::NoToken(_) => prop_assert_eq!(&call, &Call::Refetch),
                    Answer::Active => {
                        prop_assert!(matches!(call, Call::Validate(_)) && (200..300).contains(&status));
                    }
                    Answer::Inactive => prop_assert!(matches!(call, Call::Validate(_))),
                    Answer::Revoked => prop_assert!(matches!(call, Call::Revoke(_))),
                    Answer::NotRevoked(error) => {
                        prop_assert!(matches!(call, Call::Revoke(_)) && !error.detail().is_empty());
                    }
                    Answer::Failed(error) => prop_assert!(!error.detail().is_empty()),
                }
            }
        }
    }
}

#[test]
fn a_megabyte_of_invalid_json_is_an_error() {
    for body in [vec![b'['; 1 << 20], vec![b'{'; 1 << 20], vec![0xff; 1 << 20], vec![b'"'; 1 << 20]]
    {
        let response = Response::new(body);
        for server in servers() {
            let answer = server.read(&Call::Login, &response, AT, &credentials());
            assert!(matches!(answer, Answer::Failed(_)));
        }
    }
}
