//! The texts of the errors: of responses to each exchange, and of options.

use std::fmt::Write as _;

use http::Response;
use tokenlease_core::{
    Credentials, Error, Identity, Timestamp, Token, TokenKind,
    provider::{Answer, Call, ClientAuth, Grant, Server},
};

fn winkas() -> Server {
    Server::new(Identity::winkas("https://air.winkas.net", "NAME", "CODE").unwrap())
}

fn wyn() -> Server {
    Server::new(Identity::wyn("https://wyn.example", "admin", "integration").unwrap())
}

fn oauth2(user: &str) -> Server {
    Server::new(Identity::oauth2("https://id.example", user, "app").unwrap())
}

fn introspecting() -> Server {
    oauth2("").with_introspection_path("/introspect").unwrap()
}

fn credentials() -> Credentials {
    Credentials::password("PASSWORD").with_client_secret("SECRET")
}

fn calls(kind: TokenKind) -> [(&'static str, Call); 4] {
    let token = || Token::new(kind, "TOKEN");
    [
        ("login", Call::Login),
        ("refetch", Call::Refetch),
        ("validate", Call::Validate(token())),
        ("revoke", Call::Revoke(token())),
    ]
}

/// Responses of all kinds: status and body.
const RESPONSES: [(u16, &str); 25] = [
    (200, ""),
    (200, "<html>PASSWORD</html>"),
    (200, "{}"),
    (200, r#"{"access_token":7,"Token":7,"WinKasData":{"CurrentToken":7},"active":7}"#),
    (200, r#"{"access_token":"t","token_type":"mac"}"#),
    (200, r#"{"access_token":"t","expires_in":"soon"}"#),
    (200, r#"{"Token":null,"WinkasErrorCode":0,"AuthenticationMessage":"Maybe"}"#),
    (
        200,
        r#"{"WinkasErrorCode":17,"WinKasMessage":"Wrong: PASSWORD","WinKasStatusString":"Error"}"#,
    ),
    (200, r#"{"WinKasStatus":2}"#),
    (302, ""),
    (400, r#"{"error":"invalid_grant","error_description":"Wrong: PASSWORD"}"#),
    (400, r#"{"error":"invalid_grant"}"#),
    (400, r#"{"error":"invalid_request"}"#),
    (400, r#"{"error":"invalid_scope"}"#),
    (400, r#"{"error":"unauthorized_client"}"#),
    (400, r#"{"error":"unsupported_grant_type"}"#),
    (400, r#"{"error":"unsupported_token_type"}"#),
    (400, r#"{"error":"slow_down"}"#),
    (401, r#"{"error":"invalid_client"}"#),
    (401, ""),
    (403, ""),
    (404, ""),
    (407, ""),
    (429, ""),
    (503, ""),
];

#[test]
fn the_errors_of_all_exchanges_are_those_of_the_snapshot() {
    let mut texts = String::new();
    let servers =
        [("winkas", winkas()), ("wyn", wyn()), ("oauth2 with introspection", introspecting())];
    for (name, server) in servers {
        for (call_name, call) in calls(server.token_kind()) {
            if server.request(&call, &credentials()).is_err() {
                continue;
            }
            writeln!(texts, "{name}: {call_name}").unwrap();
            for (status, body) in RESPONSES {
                let response = Response::builder().status(status).header("location", "/login");
                let response = response.body(body).unwrap();
                let answer = server.read(&call, &response, Timestamp(0), &credentials());
                if let Answer::Failed(error) | Answer::NoToken(error) | Answer::NotRevoked(error) =
                    answer
                {
                    writeln!(
                        texts,
                        "  {status} {}\n    {error}",
                        if body.is_empty() { "(empty)" } else { body }
                    )
                    .unwrap();
                }
            }
        }
    }
    assert!(
        !texts.replace("<html>PASSWORD", "").replace("Wrong: PASSWORD\"", "").contains("PASSWORD")
    );
    insta::assert_snapshot!(texts);
}

#[test]
fn the_errors_of_options_are_those_of_the_snapshot() {
    let hour = std::time::Duration::from_secs(3600);
    let errors: Vec<Error> = vec![
        Identity::winkas("air.winkas.net", "NAME", "CODE").unwrap_err(),
        Identity::winkas("ftp://air.winkas.net", "NAME", "CODE").unwrap_err(),
        Identity::winkas("https://u:p@air.winkas.net", "NAME", "CODE").unwrap_err(),
        Identity::winkas("https://air.winkas.net/?x", "NAME", "CODE").unwrap_err(),
        Identity::winkas("https://air.winkas.net", "NAME", "").unwrap_err(),
        Identity::oauth2("https://id.example", "", "").unwrap_err(),
        winkas().with_lifetime(hour).unwrap_err(),
        oauth2("").with_lifetime(hour).unwrap_err(),
        wyn().with_lifetime(hour / 3_600_000).unwrap_err(),
        winkas().with_grant(Grant::Password).unwrap_err(),
        wyn().with_grant(Grant::ClientCredentials).unwrap_err(),
        oauth2("").with_grant(Grant::Password).unwrap_err(),
        oauth2("NAME").with_grant(Grant::ClientCredentials).unwrap_err(),
        winkas().with_client_auth(ClientAuth::Body).unwrap_err(),
        winkas().with_token_path("/token").unwrap_err(),
        wyn().with_token_path("").unwrap_err(),
        wyn().with_userinfo_path("userinfo").unwrap_err(),
        winkas().check(&Credentials::default()).unwrap_err(),
        wyn().check(&Credentials::password("p")).unwrap_err(),
        Token::read(TokenKind::Bearer, "a\n").unwrap_err(),
        "mac".parse::<TokenKind>().unwrap_err(),
    ];
    let unsupported = [winkas(), wyn(), oauth2("")].into_iter().flat_map(|server| {
        let errors =
            calls(server.token_kind()).map(|(_, call)| server.request(&call, &credentials()).err());
        errors.into_iter().flatten()
    });
    let texts: Vec<_> =
        errors.into_iter().chain(unsupported).map(|error| error.to_string()).collect();
    insta::assert_snapshot!(texts.join("\n"));
}
