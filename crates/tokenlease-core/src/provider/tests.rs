//! Tests of the seam: what the machine is told.

use ::http::{HeaderValue, Response, header};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use proptest::prelude::*;

use super::*;
use crate::token::Token;

const AT: Timestamp = Timestamp(1_000);
const PASSWORD: &str = "pass|w ö/rd-canary";
const SECRET: &str = "cl+ient:sec&ret-canary";
const TOKEN: &str = "tok|en-_canary";

fn winkas() -> Server {
    Server::new(Identity::winkas("https://air.winkas.net", "mj", "42").unwrap())
}

fn wyn() -> Server {
    Server::new(Identity::wyn("http://localhost:51980", "admin", "integration").unwrap())
}

fn oauth2(user: &str) -> Server {
    Server::new(Identity::oauth2("https://id.example/realm", user, "app").unwrap())
}

fn credentials() -> Credentials {
    Credentials::password(PASSWORD).with_client_secret(SECRET)
}

fn calls() -> [Call; 4] {
    let token = || Token::new(TokenKind::Bearer, TOKEN);
    [Call::Login, Call::Refetch, Call::Validate(token()), Call::Revoke(token())]
}

/// Servers of every shape that reads answers in its own way.
fn servers() -> [Server; 4] {
    let introspecting = oauth2("").with_introspection_path("/introspect").unwrap();
    [winkas(), wyn(), oauth2("u"), introspecting.with_revocation_path("/revoke").unwrap()]
}

fn error(server: &Server, call: &Call) -> Error {
    server.request(call, &credentials()).unwrap_err()
}

#[test]
fn each_provider_can_do_what_it_can() {
    let can = |server: &Server| {
        (server.can_refetch(), server.can_validate(), server.can_revoke(), server.states_ends())
    };
    assert_eq!(can(&winkas()), (true, true, false, false));
    assert_eq!(can(&wyn()), (false, true, true, true));
    assert_eq!(can(&oauth2("u")), (false, false, false, true));
    let server = oauth2("u").with_introspection_path("/i").unwrap();
    assert_eq!(can(&server.with_revocation_path("/r").unwrap()), (false, true, true, true));
    assert_eq!((winkas().token_kind(), wyn().token_kind()), (TokenKind::Winkas, TokenKind::Bearer));
    assert!(
        !wyn().new_token_ends_old() && wyn().with_new_token_ends_old(true).new_token_ends_old()
    );
}

#[test]
fn every_call_that_can_be_made_is_sent_to_its_place() {
    let [login, refetch, verify, revoke] = calls();
    let introspecting = oauth2("")
        .with_token_path("/t")
        .and_then(|server| server.with_introspection_path("/i"))
        .and_then(|server| server.with_revocation_path("/r"))
        .unwrap();
    for (server, call, sent) in [
        (winkas(), &login, "POST https://air.winkas.net/api/Authentication/Authenticate"),
        (winkas(), &refetch, "POST https://air.winkas.net/api/authentication/refetchToken/"),
        (
            winkas(),
            &verify,
            "GET https://air.winkas.net/api/Authentication/Validate?token=tok%7Cen-_canary",
        ),
        (wyn(), &login, "POST http://localhost:51980/connect/token"),
        (wyn(), &verify, "GET http://localhost:51980/connect/userinfo"),
        (wyn(), &revoke, "POST http://localhost:51980/connect/revocation"),
        (oauth2("u"), &login, "POST https://id.example/realm/token"),
        (introspecting.clone(), &login, "POST https://id.example/realm/t"),
        (introspecting.clone(), &verify, "POST https://id.example/realm/i"),
        (introspecting, &revoke, "POST https://id.example/realm/r"),
    ] {
        let request = server.request(call, &credentials()).unwrap();
        assert_eq!(format!("{} {}", request.method(), request.uri()), sent);
    }
}

#[test]
fn the_client_stands_in_one_place_as_the_provider_wants_it() {
    let [login, .., revoke] = calls();
    let place = |server: &Server, call: &Call| {
        let request = server.request(call, &credentials()).unwrap();
        let body = String::from_utf8_lossy(request.body().as_bytes()).into_owned();
        (request.headers().contains_key(header::AUTHORIZATION), body.contains("client_secret"))
    };
    assert_eq!(place(&wyn(), &login), (false, true));
    assert_eq!(place(&wyn(), &revoke), (true, false));
    assert_eq!(place(&oauth2("u"), &login), (true, false));
    assert_eq!(place(&oauth2(""), &login), (true, false));
    let body = wyn().with_client_auth(ClientAuth::Body).unwrap();
    assert_eq!((place(&body, &login), place(&body, &revoke)), ((false, true), (false, true)));
}

#[test]
fn what_a_provider_does_not_have_is_unsupported_and_names_what_there_is() {
    let [_, refetch, verify, revoke] = calls();
    for (error, says) in [
        (error(&winkas(), &revoke), "`forget`"),
        (error(&wyn(), &refetch), "ask for a new one"),
        (error(&oauth2("u"), &verify), "userinfo path"),
        (error(&oauth2("u"), &revoke), "revocation path"),
        (winkas().with_lifetime(Duration::from_secs(60)).unwrap_err(), "WinKAS"),
        (oauth2("u").with_lifetime(Duration::from_secs(60)).unwrap_err(), "OAuth2"),
        (winkas().with_grant(Grant::Password).unwrap_err(), "WinKAS"),
        (wyn().with_grant(Grant::ClientCredentials).unwrap_err(), "Wyn"),
        (winkas().with_client_auth(ClientAuth::Body).unwrap_err(), "WinKAS"),
        (winkas().with_token_path("/t").unwrap_err(), "WinKAS"),
        (winkas().with_userinfo_path("/u").unwrap_err(), "WinKAS"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn bad_options_are_config_errors_that_name_them() {
    for (error, says) in [
        (wyn().with_lifetime(Duration::from_millis(1500)).unwrap_err(), "lifetime"),
        (wyn().with_lifetime(Duration::ZERO).unwrap_err(), "lifetime"),
        (wyn().with_token_path("").unwrap_err(), "token path"),
        (wyn().with_token_path("connect/token").unwrap_err(), "token path"),
        (wyn().with_userinfo_path("/a?b").unwrap_err(), "userinfo path"),
        (wyn().with_revocation_path("/a b").unwrap_err(), "revocation path"),
        (wyn().with_introspection_path("/å").unwrap_err(), "introspection path"),
        (oauth2("").with_grant(Grant::Password).unwrap_err(), "user name"),
        (oauth2("u").with_grant(Grant::ClientCredentials).unwrap_err(), "user"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn missing_credentials_are_named_before_anything_is_sent() {
    let (none, password) = (Credentials::default(), Credentials::password("p"));
    for (server, credentials, missing) in [
        (winkas(), &none, "password"),
        (winkas(), &Credentials::password(""), "password"),
        (wyn(), &none, "password"),
        (wyn(), &password, "client secret"),
        (oauth2("u"), &Credentials::client_secret("s"), "password"),
        (oauth2(""), &password, "client secret"),
    ] {
        let error = server.check(credentials).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.detail().starts_with(&format!("no {missing} is given")), "{error}");
        assert_eq!(server.request(&Call::Login, credentials).unwrap_err().detail(), error.detail());
    }
    for (server, credentials) in [
        (winkas(), &password),
        (oauth2("u"), &password),
        (oauth2(""), &Credentials::client_secret("s")),
    ] {
        assert!(server.check(credentials).is_ok());
    }
    // A token alone is enough to ask about it.
    let [_, _, verify, _] = calls();
    assert!(winkas().request(&verify, &none).is_ok() && wyn().request(&verify, &none).is_ok());
}

#[test]
fn introspection_is_the_validation_where_its_path_is_set_and_userinfo_is_not() {
    let [_, _, verify, _] = calls();
    let both = wyn().with_introspection_path("/connect/introspect").unwrap();
    let one = both.clone().with_userinfo_path("").unwrap();
    let no = Response::new(r#"{"active":false}"#);
    let read = |server: &Server| server.read(&verify, &no, AT, &credentials());
    assert!(matches!(read(&both), Answer::Active));
    assert!(matches!(read(&one), Answer::Inactive));
    assert_eq!(one.request(&verify, &credentials()).unwrap().uri().path(), "/connect/introspect");
}

#[test]
fn lesson_28_an_api_answer_is_a_rejection_only_where_it_says_so() {
    let read = |server: &Server, status: u16, body: &'static str| {
        server.read_api(&Response::builder().status(status).body(body).unwrap())
    };
    for server in servers() {
        assert_eq!(read(&server, 401, "?"), ApiAnswer::Rejected);
        assert_eq!(read(&server, 403, r#"{"WinkasErrorCode":1}"#), ApiAnswer::NotRejected);
        assert_eq!(read(&server, 200, "not JSON"), ApiAnswer::NotRejected);
    }
    let failed = r#"{"Data":[1],"WinkasErrorCode":"7"}"#;
    assert_eq!(read(&winkas(), 200, failed), ApiAnswer::Ask);
    assert_eq!(read(&winkas(), 200, r#"{"WinkasErrorCode":0}"#), ApiAnswer::NotRejected);
    assert_eq!(read(&wyn(), 200, failed), ApiAnswer::NotRejected);
}

#[test]
fn lesson_28_an_empty_403_of_an_api_is_asked_about_where_the_server_can_be_asked() {
    let silent = Response::builder().status(403).body("").unwrap();
    assert_eq!(wyn().read_api(&silent), ApiAnswer::Ask);
    // Without an answer it would cost logins.
    assert_eq!(wyn().with_userinfo_path("").unwrap().read_api(&silent), ApiAnswer::NotRejected);
    assert_eq!(winkas().read_api(&silent), ApiAnswer::NotRejected);
    let challenge = r#"Bearer error="insufficient_scope""#;
    let telling = Response::builder().status(403).header("www-authenticate", challenge);
    assert_eq!(wyn().read_api(&telling.body("").unwrap()), ApiAnswer::NotRejected);
}

#[test]
fn calls_that_take_credentials_are_the_logins() {
    assert_eq!(calls().map(|call| call.takes_credentials()), [true, true, false, false]);
}

#[test]
fn lesson_2_debug_shows_no_token() {
    let answer = winkas().read(
        &Call::Refetch,
        &Response::new(format!(r#"{{"Token":"{TOKEN}"}}"#)),
        AT,
        &credentials(),
    );
    assert!(matches!(answer, Answer::Token(_)));
    let text = format!("{answer:?} {:?} {:?}", calls(), servers());
    assert_clean(&text, &echoes(&[PASSWORD, SECRET, TOKEN], "app"));
}

/// What a server may say of what it was sent.
fn echoes(secrets: &[&str], client: &str) -> Vec<String> {
    let form = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut echoes = Vec::new();
    for secret in secrets {
        let encoded = form(secret);
        echoes.extend([
            (*secret).to_owned(),
            encoded.replace('+', "%20"),
            encoded.to_ascii_lowercase(),
            encoded,
            BASE64.encode(secret),
        ]);
    }
    echoes.push(BASE64.encode(format!("{client}:{SECRET}")));
    echoes.push(BASE64.encode(format!("{client}:{}", form(SECRET))));
    echoes
}

fn assert_clean(text: &str, echoes: &[String]) {
    for echo in echoes {
        assert!(!text.contains(echo), "{echo} in {text}");
    }
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn lesson_1_no_secret_that_a_server_echoes_is_in_an_error() {
    for (server, call) in servers().iter().flat_map(|server| calls().map(|call| (server, call))) {
        // A login sends no token.
        let secrets: &[_] =
            if call.takes_credentials() { &[PASSWORD, SECRET] } else { &[PASSWORD, SECRET, TOKEN] };
        let echoes = echoes(secrets, server.identity().client());
        let bodies = echoing_bodies(&echoes.join(" "));
        // A header holds one echo at a time: more would be cut.
        for (echo, status) in echoes.iter().flat_map(|echo| [200, 302, 400, 503].map(|n| (echo, n)))
        {
            for body in &bodies {
                let mut response = Response::builder().status(status).body(body).unwrap();
                for name in [header::CONTENT_TYPE, header::LOCATION, header::RETRY_AFTER] {
                    let value = HeaderValue::from_bytes(echo.as_bytes()).unwrap();
                    response.headers_mut().insert(name, value);
                }
                let answer = server.read(&call, &response, AT, &credentials());
                if let Answer::Failed(error) | Answer::NoToken(error) = &answer {
                    assert_clean(&error.to_string(), &echoes);
                }
                assert_clean(&format!("{answer:?}"), &echoes);
            }
        }
    }
}

fn echoing_bodies(words: &str) -> [String; 10] {
    let words = serde_json::to_string(words).unwrap();
    [
        format!(r#"{{"error":"invalid_grant","error_description":{words}}}"#),
        format!(r#"{{"error":{words}}}"#),
        format!(r#"{{"access_token":"t","token_type":{words}}}"#),
        format!(r#"{{"access_token":"t","expires_in":{words}}}"#),
        format!(r#"{{"WinkasErrorCode":{words},"WinKasMessage":{words}}}"#),
        format!(r#"{{"WinkasErrorCode":1,"WinKasStatusString":{words},"WinKasMessage":{words}}}"#),
        format!(r#"{{"WinkasErrorCode":0,"AuthenticationMessage":{words}}}"#),
        format!("<html>{words}"),
        format!(r#"{{"access_token":{words},"#),
        words,
    ]
}

/// Bodies that are nearly right, beside those that are anything.
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
    fn no_answer_panics_or_gives_an_empty_token(
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
            server.read_api(&response);
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
                    Answer::Failed(error) => prop_assert!(!error.detail().is_empty()),
                }
            }
        }
    }
}

#[test]
fn a_megabyte_of_rubbish_is_an_error() {
    for body in [vec![b'['; 1 << 20], vec![b'{'; 1 << 20], vec![0xff; 1 << 20], vec![b'"'; 1 << 20]]
    {
        let response = Response::new(body);
        for server in servers() {
            let answer = server.read(&Call::Login, &response, AT, &credentials());
            assert!(matches!(answer, Answer::Failed(_)));
        }
    }
}
