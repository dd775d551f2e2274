//! A server with its discovery document.

use std::sync::Arc;

use super::*;
use crate::provider::oauth2::{Discover, Metadata, WellKnown};

const HOST: &str = "https://id.example";

fn metadata(fields: &str) -> Arc<Metadata> {
    let body =
        format!(r#"{{"issuer":"{HOST}/realm","token_endpoint":"{HOST}/oauth/token?p=1"{fields}}}"#);
    let discover = Discover { server: "https://id.example/realm", at: WellKnown::OpenId };
    Arc::new(discover.parse(&Response::new(body)).unwrap().unwrap())
}

fn all() -> Arc<Metadata> {
    metadata(&format!(
        r#","revocation_endpoint":"{HOST}/r","introspection_endpoint":"{HOST}/i","userinfo_endpoint":"{HOST}/u""#
    ))
}

fn address(server: &Server, call: &Call) -> String {
    server
        .request(call, &credentials())
        .map_or_else(|error| error.to_string(), |request| request.uri().to_string())
}

/// Rule: Discovery: a server address alone is enough: calls go to the endpoints that the discovery
/// document names.
#[test]
fn calls_go_to_the_discovered_endpoints() {
    let [login, _, validate, revoke] = calls();
    assert!(
        oauth2("u").needs_discovery() && oauth2("u").can_revoke() && oauth2("u").can_validate()
    );
    let server = oauth2("u").with_metadata(Some(all())).unwrap();
    assert!(!server.needs_discovery());
    assert_eq!(address(&server, &login), "https://id.example/oauth/token?p=1");
    assert_eq!(address(&server, &validate), "https://id.example/i");
    assert_eq!(address(&server, &revoke), "https://id.example/r");

    let server = oauth2("u").with_metadata(Some(metadata(""))).unwrap();
    assert!(!server.can_revoke() && !server.can_validate());
    assert_eq!(error(&server, &revoke).kind(), ErrorKind::Unsupported);
}

/// Rule: Discovery: an explicit path wins over the document, also one that is empty. With an explicit
/// token path no document is read.
#[test]
fn an_explicit_path_wins() {
    let [_, _, validate, revoke] = calls();
    let server = oauth2("u").with_revocation_path("/mine").unwrap();
    let server = server.with_userinfo_path("/me").unwrap().with_metadata(Some(all())).unwrap();
    assert_eq!(address(&server, &revoke), "https://id.example/realm/mine");
    assert_eq!(address(&server, &validate), "https://id.example/realm/me");
    let server = oauth2("u").with_revocation_path("").unwrap();
    let server = server.with_introspection_path("").unwrap();
    let server = server.with_metadata(Some(all())).unwrap();
    assert!(!server.can_revoke() && !server.can_validate());

    let server = oauth2("u").with_token_path("/t").unwrap();
    assert!(!server.needs_discovery() && !server.can_revoke() && !server.can_validate());
    for server in [server, wyn(), winkas()] {
        let same = server.clone().with_metadata(Some(all())).unwrap();
        assert!(!same.needs_discovery());
        assert_eq!(address(&same, &calls()[0]), address(&server, &calls()[0]));
    }
}

/// Rule: Discovery: userinfo is asked about a user's token with the scope `openid`; every other token is
/// introspected.
#[test]
fn a_discovered_userinfo_is_for_tokens_of_a_user_with_the_scope_openid() {
    let validate = &calls()[2];
    let of = |user: &str, scope: &str| {
        let identity = Identity::oauth2("https://id.example/realm", user, "app").unwrap();
        let server = Server::new(identity.with_scope(scope)).with_metadata(Some(all())).unwrap();
        address(&server, validate)
    };
    assert_eq!(of("u", "openid api"), "https://id.example/u");
    assert_eq!(of("u", "api"), "https://id.example/i");
    assert_eq!(of("", "openid"), "https://id.example/i");
}

/// Rule: Identity: a discovered endpoint changes no identity.
#[test]
fn a_discovered_endpoint_changes_no_identity() {
    let server = oauth2("u").with_metadata(Some(all())).unwrap();
    assert_eq!(server.identity(), oauth2("u").identity());
    let name = server.identity().of_server();
    assert_eq!(name, oauth2("v").identity().of_server());
    assert_ne!(name.key(), server.identity().key());
    assert_eq!(name.to_string(), "oauth2:[discovery]@https://id.example/realm");
}

/// Rule: Discovery: without a document the default path `/token` is used. If that is missing, the error
/// names the addresses that were tried and the option to set.
#[test]
fn without_a_document_the_default_path_is_used() {
    let login = &calls()[0];
    let server = oauth2("u").with_metadata(None).unwrap();
    assert_eq!(address(&server, login), "https://id.example/realm/token");
    assert!(!server.can_revoke() && !server.can_validate());
    let response = Response::builder().status(404).body("").unwrap();
    let Answer::Failed(error) = server.read(login, &response, AT, &credentials()) else { panic!() };
    let text = error.to_string();
    for part in [
        "https://id.example/realm/.well-known/openid-configuration",
        "https://id.example/.well-known/oauth-authorization-server/realm",
        "set the option token_path",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_document_of_another_server_is_not_applied() {
    let other = Identity::oauth2("https://id.example/other", "u", "app").unwrap();
    let error = Server::new(other).with_metadata(Some(all())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[test]
fn the_client_is_sent_where_the_document_says_unless_that_is_set() {
    let login = &calls()[0];
    let body = || metadata(r#","token_endpoint_auth_methods_supported":["client_secret_post"]"#);
    let in_header = |server: &Server| {
        let request = server.request(login, &credentials()).unwrap();
        request.headers().contains_key(header::AUTHORIZATION)
    };
    assert!(!in_header(&oauth2("u").with_metadata(Some(body())).unwrap()));
    let basic = oauth2("u").with_client_auth(ClientAuth::Basic).unwrap();
    assert!(in_header(&basic.with_metadata(Some(body())).unwrap()));
}
