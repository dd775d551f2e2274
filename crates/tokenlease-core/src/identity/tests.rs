use super::*;

/// Rule: Identity: addresses that mean the same are one identity.
#[test]
fn addresses_that_mean_the_same_are_one_identity() {
    let of = |server| Identity::wyn(server, "u", "integration").unwrap();
    assert_eq!(of("HTTPS://Wyn.Example:443/"), of("https://wyn.example"));
    assert_eq!(of("https://wyn.example/Base/"), of("https://wyn.example/Base"));
    assert_ne!(of("https://wyn.example/base"), of("https://wyn.example/Base"));
    assert_ne!(of("https://wyn.example:444"), of("https://wyn.example"));
    assert_ne!(of("http://wyn.example"), of("https://wyn.example"));
}

/// Rule: Identity: identities that differ in any part, tenant and client included, never share a
/// record.
///
/// Reported as Colin-b/httpx_auth#97 and AzureAD/microsoft-authentication-library-for-dotnet#4359.
#[test]
fn identities_that_differ_in_any_part_have_different_keys() {
    let wyn = |user, client| Identity::wyn("https://h", user, client).unwrap();
    let all = [
        wyn("u", "c"),
        wyn("U", "c"),
        wyn("u", "d"),
        wyn("uc", "c"),
        wyn("u", "c").with_tenant("/Org"),
        wyn("u", "c").with_tenant("/org"),
        wyn("u", "c").with_scope("a"),
        wyn("u", "c").with_scope("a b"),
        wyn("u", "c").with_extra("a", "b").unwrap(),
        wyn("u", "c").with_extra("a", "").unwrap(),
        wyn("u", "c").with_extra("ab", "").unwrap(),
        wyn("u", "c").with_extra("a", "b").unwrap().with_extra("a", "").unwrap(),
        Identity::wyn("https://i", "u", "c").unwrap(),
        Identity::oauth2("https://h", "u", "c").unwrap(),
        Identity::winkas("https://h", "u", "c").unwrap(),
        Identity::winkas("https://h", "uc", "c").unwrap(),
    ];
    let keys: BTreeSet<_> = all.iter().map(Identity::key).collect();
    assert_eq!(keys.len(), all.len());
}

#[test]
fn a_scope_is_a_sorted_set_and_an_absent_tenant_is_the_global_one() {
    let wyn = || Identity::wyn("https://h", "u", "c").unwrap();
    assert_eq!(wyn().with_scope("b a  b"), wyn().with_scope("a b"));
    assert_eq!(wyn().with_tenant(""), wyn().with_tenant("/"));
    assert_eq!(wyn(), wyn().with_tenant("/"));
}

/// Rule: Identity: the order of extra fields does not matter, and a repeated name keeps all values.
#[test]
fn extra_fields_are_a_set_of_names_and_values() {
    let of = |fields: &[(&str, &str)]| {
        let app = Identity::oauth2("https://h", "", "app").unwrap();
        fields.iter().fold(app, |app, (name, value)| app.with_extra(name, value).unwrap())
    };
    let (a, b, c) = (("resource", "a"), ("resource", "b"), ("audience", "c"));
    assert_eq!(of(&[a, b, c]), of(&[c, b, a]));
    assert_eq!(of(&[a, b, c]).extra().collect::<Vec<_>>(), [c, a, b]);
    assert_ne!(of(&[a, b]), of(&[a]));
}

/// Rule: Identity: an extra field that the client sends itself is a configuration error.
#[test]
fn an_extra_field_that_the_client_sends_itself_is_an_error() {
    let wyn = || Identity::wyn("https://h", "u", "c").unwrap();
    let oauth2 = || Identity::oauth2("https://h", "u", "c").unwrap();
    for name in ["grant_type", "username", "Password", "client_id", "client_secret", "SCOPE", ""] {
        for identity in [wyn(), oauth2()] {
            let error = identity.with_extra(name, "canary").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{name}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
    for name in ["tenant_path", "access-token-lifetime"] {
        let error = wyn().with_extra(name, "x").unwrap_err().to_string();
        assert!(error.contains("is reserved") && error.contains("set the option"), "{error}");
        oauth2().with_extra(name, "x").unwrap();
    }
    let winkas = Identity::winkas("https://h", "u", "c").unwrap();
    assert_eq!(winkas.with_extra("a", "b").unwrap_err().kind(), ErrorKind::Unsupported);
}

/// Rule: Secrets: an error about an address quotes no password and no token.
#[test]
fn a_bad_address_is_an_error_that_quotes_no_password() {
    for address in
        ["", "air.winkas.net", "ftp://h", "https://u:canary@h", "https://h/?token=canary"]
    {
        let error = Identity::wyn(address, "u", "c").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("canary"));
    }
}
