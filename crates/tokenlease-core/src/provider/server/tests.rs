//! Tests of the interface between the exchanges and the state machine.

mod arbitrary;
mod discovered;
mod encodings;
mod extra;

use ::http::{HeaderValue, Response, header};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::*;
use crate::{
    provider::{Answer, Call},
    time::Timestamp,
    token::Token,
};

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

/// A server of each kind that reads responses in its own way.
fn servers() -> [Server; 4] {
    let introspecting = oauth2("").with_introspection_path("/introspect").unwrap();
    [winkas(), wyn(), oauth2("u"), introspecting.with_revocation_path("/revoke").unwrap()]
}

fn error(server: &Server, call: &Call) -> Error {
    server.request(call, &credentials()).unwrap_err()
}

#[test]
fn each_provider_has_its_documented_calls() {
    let can = |server: &Server| {
        (server.can_refetch(), server.can_validate(), server.can_revoke(), server.states_ends())
    };
    assert_eq!(can(&winkas()), (true, true, false, false));
    assert_eq!(can(&wyn()), (false, true, true, true));
    // The discovery document, which was not read yet, may name both calls.
    assert_eq!(can(&oauth2("u")), (false, true, true, true));
    let server = oauth2("u").with_token_path("/t").unwrap();
    assert_eq!(can(&server), (false, false, false, true));
    let server = oauth2("u").with_introspection_path("/i").unwrap();
    assert_eq!(can(&server.with_revocation_path("/r").unwrap()), (false, true, true, true));
    assert_eq!((winkas().token_kind(), wyn().token_kind()), (TokenKind::Winkas, TokenKind::Bearer));
    assert!(
        !wyn().new_token_ends_old() && wyn().with_new_token_ends_old(true).new_token_ends_old()
    );
}

#[test]
fn each_call_is_sent_to_its_documented_address() {
    let [login, refetch, validate, revoke] = calls();
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
            &validate,
            "GET https://air.winkas.net/api/Authentication/Validate?token=tok%7Cen-_canary",
        ),
        (wyn(), &login, "POST http://localhost:51980/connect/token"),
        (wyn(), &validate, "GET http://localhost:51980/connect/userinfo"),
        (wyn(), &revoke, "POST http://localhost:51980/connect/revocation"),
        (oauth2("u"), &login, "POST https://id.example/realm/token"),
        (introspecting.clone(), &login, "POST https://id.example/realm/t"),
        (introspecting.clone(), &validate, "POST https://id.example/realm/i"),
        (introspecting, &revoke, "POST https://id.example/realm/r"),
    ] {
        let request = server.request(call, &credentials()).unwrap();
        assert_eq!(format!("{} {}", request.method(), request.uri()), sent);
    }
}

#[test]
fn client_id_and_secret_are_sent_in_one_place_as_the_provider_demands() {
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
fn an_unsupported_call_or_option_is_an_error_that_names_the_alternative() {
    let [_, refetch, validate, revoke] = calls();
    for (error, says) in [
        (error(&winkas(), &revoke), "`forget`"),
        (error(&wyn(), &refetch), "log in for a new token"),
        (error(&oauth2("u"), &validate), "userinfo path"),
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
fn a_bad_option_is_a_config_error_that_names_it() {
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
fn missing_credentials_are_named_before_a_request_is_built() {
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
        assert!(error.detail().starts_with(&format!("no {missing} is set")), "{error}");
        assert_eq!(server.request(&Call::Login, credentials).unwrap_err().detail(), error.detail());
    }
    for (server, credentials) in [
        (winkas(), &password),
        (oauth2("u"), &password),
        (oauth2(""), &Credentials::client_secret("s")),
    ] {
        assert!(server.check(credentials).is_ok());
    }
    // A validation needs no credentials.
    let [_, _, validate, _] = calls();
    assert!(winkas().request(&validate, &none).is_ok() && wyn().request(&validate, &none).is_ok());
}

/// Rule: Validation: where introspection and userinfo are configured, introspection is asked.
#[test]
fn introspection_is_asked_where_a_userinfo_path_is_set_too() {
    let [_, _, validate, _] = calls();
    let both = wyn().with_introspection_path("/connect/introspect").unwrap();
    let inactive = Response::new(r#"{"active":false}"#);
    assert!(matches!(both.read(&validate, &inactive, AT, &credentials()), Answer::Inactive));
    let path = |server: &Server| {
        server.request(&validate, &credentials()).unwrap().uri().path().to_owned()
    };
    assert_eq!(path(&both), "/connect/introspect");
    assert_eq!(path(&both.clone().with_introspection_path("").unwrap()), wyn::USERINFO_PATH);
    assert_eq!(path(&both.with_userinfo_path("").unwrap()), "/connect/introspect");
}

/// Rule: Validation: the error of an endpoint that does not answer about the token names the endpoint's
/// path and the status.
#[test]
fn the_error_of_a_refused_question_names_the_path_and_the_status() {
    let [_, _, validate, revoke] = calls();
    let refused = |status: u16| Response::builder().status(status).body("no").unwrap();
    let introspecting = oauth2("").with_introspection_path("/i").unwrap();
    let introspecting = introspecting.with_revocation_path("/r").unwrap();
    for (server, call, status, place) in [
        (wyn(), &validate, 401, "userinfo at /connect/userinfo: "),
        (wyn(), &validate, 404, "userinfo at /connect/userinfo: "),
        (introspecting.clone(), &validate, 401, "introspection at /i: "),
        (introspecting.clone(), &validate, 404, "introspection at /i: "),
        (introspecting, &revoke, 404, "revocation at /r: "),
    ] {
        let answer = server.read(call, &refused(status), AT, &credentials());
        let (Answer::Failed(error) | Answer::NotRevoked(error)) = answer else {
            panic!("{answer:?}")
        };
        assert!(error.detail().starts_with(place), "{error}");
        assert!(error.to_string().contains(&format!("(HTTP {status})")), "{error}");
    }
}

#[test]
fn login_and_refetch_take_credentials() {
    assert_eq!(calls().map(|call| call.takes_credentials()), [true, true, false, false]);
}

/// Rule: Secrets: Debug of calls and answers shows no token.
#[test]
fn debug_of_calls_and_answers_shows_no_token() {
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

/// The secrets of a request in the encodings in which a server may echo them.
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
            secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
            secret.bytes().map(|byte| format!("&#{byte};")).collect(),
            secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
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

/// Rule: Secrets: no error and no Debug text contains a secret that a server echoes, in any encoding.
///
/// Reported as seanmonstar/reqwest#2971.
#[test]
fn an_error_contains_no_secret_that_a_server_echoes() {
    for (server, call) in servers().iter().flat_map(|server| calls().map(|call| (server, call))) {
        // A login sends no token.
        let secrets: &[_] =
            if call.takes_credentials() { &[PASSWORD, SECRET] } else { &[PASSWORD, SECRET, TOKEN] };
        let echoes = echoes(secrets, server.identity().client());
        let bodies = echoing_bodies(&echoes.join(" "));
        // A header contains one echo at a time, because a longer text would be cut.
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
