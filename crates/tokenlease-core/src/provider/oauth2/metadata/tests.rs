use super::*;

const SERVER: &str = "https://id.example/realms/a";

fn parse(server: &str, status: u16, body: &str) -> Result<Option<Metadata>> {
    let response = Response::builder().status(status).body(body.to_owned()).unwrap();
    Discover { server, at: WellKnown::OpenId }.parse(&response)
}

fn document(issuer: &str, token: &str) -> String {
    format!(r#"{{"issuer":"{issuer}","token_endpoint":"{token}"}}"#)
}

/// Rule: Discovery: the document of a server with a path is at the address that each standard names.
#[test]
fn the_document_of_a_server_with_a_path_is_where_each_standard_says() {
    let of = |server| WellKnown::ALL.map(|at| Discover { server, at }.address());
    assert_eq!(
        of(SERVER),
        [
            "https://id.example/realms/a/.well-known/openid-configuration",
            "https://id.example/.well-known/oauth-authorization-server/realms/a",
        ]
    );
    assert_eq!(
        of("http://[::1]:8080"),
        [
            "http://[::1]:8080/.well-known/openid-configuration",
            "http://[::1]:8080/.well-known/oauth-authorization-server",
        ]
    );
    let request = Discover { server: SERVER, at: WellKnown::OAuth }.request().unwrap();
    assert_eq!((request.method(), request.body().as_bytes()), (&Method::GET, &b""[..]));
    assert!(!request.headers().contains_key("authorization"));
}

/// Rule: Discovery: the document's issuer is the server address. A trailing slash, the case of the
/// host and the default port do not matter.
///
/// Reported as DuendeArchive/IdentityModel.OidcClient#46 and achtungsoftware/alarik#14.
#[test]
fn a_document_of_another_issuer_is_refused() {
    for issuer in [SERVER, "https://id.example/realms/a/", "https://ID.example:443/realms/a"] {
        let found = parse(SERVER, 200, &document(issuer, "https://id.example/t")).unwrap().unwrap();
        assert_eq!(found.issuer(), issuer);
    }
    for issuer in [
        "https://id.example",
        "https://id.example/realms/b",
        "https://id.example/realms/A",
        "https://other.example/realms/a",
        "https://id.example:444/realms/a",
        "http://id.example/realms/a",
        "id.example",
        "",
    ] {
        let error = parse(SERVER, 200, &document(issuer, "https://id.example/t")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.contains(&format!("is of the issuer {issuer}")), "{text}");
        assert!(text.contains("token_path") && text.contains(SERVER), "{text}");
    }
}

/// Rule: Discovery: a token endpoint at another scheme, host or port is refused with an error that says
/// what to set. Such another endpoint is not used.
///
/// Reported as modelcontextprotocol/typescript-sdk#616.
#[test]
fn an_endpoint_at_another_host_is_refused() {
    for (endpoint, at) in [
        ("https://token.example/t", "is at https://token.example, and not at https://id.example"),
        ("http://id.example/t", "is at http://id.example, and not at https://id.example"),
        ("https://id.example:8443/t", "is at https://id.example:8443"),
        ("https://id.example.evil.example/t", "is at https://id.example.evil.example"),
        ("https://u:canary@id.example/t", "is not a URL"),
        ("https://id.example/t#canary", "is not a URL"),
        ("/t", "is not a URL"),
        ("data:canary", "is not a URL"),
    ] {
        let error = parse(SERVER, 200, &document(SERVER, endpoint)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.contains(at) && text.contains("the option token_path"), "{text}");
        assert!(!text.contains("canary"), "{text}");

        let body = document(SERVER, "https://id.example/t");
        let body = body.replace('{', &format!(r#"{{"revocation_endpoint":"{endpoint}","#));
        let found = parse(SERVER, 200, &body).unwrap().unwrap();
        let error = found.endpoint(Endpoint::Revocation).unwrap_err().to_string();
        assert!(error.contains("revocation_endpoint") && error.contains(at), "{error}");
        assert!(error.contains("revocation_path"), "{error}");
    }
    let error = parse(SERVER, 200, &format!(r#"{{"issuer":"{SERVER}"}}"#)).unwrap_err();
    assert!(error.to_string().contains("names no token_endpoint"), "{error}");
    let long = format!("https://id.example/{}", "x".repeat(MAX_ADDRESS));
    parse(SERVER, 200, &document(SERVER, &long)).unwrap_err();
}

/// Rule: Discovery: a page, a redirect or a status such as 404 at the document's address means that
/// there is no document.
#[test]
fn an_answer_that_is_no_document_means_that_there_is_none() {
    for status in [301, 302, 307, 400, 401, 403, 404, 405, 410] {
        assert_eq!(parse(SERVER, status, "canary").unwrap(), None, "{status}");
    }
    for body in ["", "<html>", "{}", "[]", r#"{"issuer":7}"#, r#"{"error":"not_found"}"#] {
        assert_eq!(parse(SERVER, 200, body).unwrap(), None, "{body}");
    }
}

/// Rule: Discovery: a server that fails to answer, and a document of more than 64 KiB, are errors that
/// name the address and the option that makes discovery unnecessary.
#[test]
fn a_failure_is_an_error_that_names_the_address() {
    for (status, kind) in [
        (407, ErrorKind::Unavailable),
        (408, ErrorKind::Unavailable),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
    ] {
        let error = parse(SERVER, status, &document(SERVER, "https://id.example/t")).unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        let text = error.to_string();
        assert!(text.contains("/realms/a/.well-known/openid-configuration"), "{text}");
        assert!(text.contains("token_path"), "{text}");
    }
    let body = document(SERVER, "https://id.example/t") + &" ".repeat(MAX_DOCUMENT);
    let error = parse(SERVER, 200, &body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
}

#[test]
fn a_byte_order_mark_and_other_fields_do_not_matter() {
    let body = r#"{"token_endpoint":"https://id.example/a","x":{"issuer":[1]},"issuer":"https://id.example",
        "userinfo_endpoint":"","token_endpoint":"https://id.example/t?p=1"}"#;
    let found = parse("https://id.example", 200, &format!("\u{feff}{body}")).unwrap().unwrap();
    assert_eq!(found.endpoint(Endpoint::Token).unwrap(), Some("https://id.example/t?p=1"));
    assert_eq!(found.endpoint(Endpoint::Userinfo).unwrap(), None);
    assert_eq!(found.client_auth(), None);
}

/// Rule: Discovery: where a document says that the token endpoint takes the client's secret in the body
/// alone, it is sent there.
#[test]
fn the_client_is_sent_in_the_body_if_the_document_names_nothing_else() {
    for (methods, auth) in [
        (r#"["client_secret_post"]"#, Some(ClientAuth::Body)),
        (r#"["private_key_jwt","client_secret_post"]"#, Some(ClientAuth::Body)),
        (r#"["client_secret_post","client_secret_basic"]"#, None),
        (r#"["private_key_jwt"]"#, None),
        ("[]", None),
        ("7", None),
    ] {
        let body = document(SERVER, "https://id.example/t")
            .replace('}', &format!(r#","token_endpoint_auth_methods_supported":{methods}}}"#));
        assert_eq!(parse(SERVER, 200, &body).unwrap().unwrap().client_auth(), auth, "{methods}");
    }
}
