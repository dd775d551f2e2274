//! Golden vectors: identities, fingerprints and records are the same bytes in every version and language.
//! A change of them is a new format. Their files keep the field names of their first version.

use std::fs;

use serde_json::Value;
use tokenlease_core::{
    Credentials, CredentialsFingerprint, Identity, Key, Token, TokenFingerprint, TokenKind,
    record::Record,
};

fn vectors(name: &str) -> Value {
    let path = tokenlease_tests::fixtures().join("vectors").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn key(vector: &Value) -> Key {
    Key::new(unhex(vector["key"].as_str().unwrap()).try_into().unwrap())
}

/// Rule: Formats: the canonical bytes and the name of an identity never change.
#[test]
fn identities_are_the_same_bytes_in_every_language() {
    for vector in vectors("identity.json").as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap_or_default();
        let identity = match text("vendor") {
            "winkas" => Identity::winkas(text("server"), text("user"), text("contract")),
            "wyn" => Identity::wyn(text("server"), text("user"), text("client")),
            _ => Identity::oauth2(text("server"), text("user"), text("client")),
        };
        let mut identity = identity.unwrap();
        if text("vendor") == "wyn" {
            identity = identity.with_tenant(text("tenant"));
        }
        if text("vendor") != "winkas" {
            identity = identity.with_scope(text("scope"));
        }
        for field in vector["extra"].as_array().into_iter().flatten() {
            let (name, value) = (field[0].as_str().unwrap(), field[1].as_str().unwrap());
            identity = identity.with_extra(name, value).unwrap();
        }
        assert_eq!(hex(&identity.canonical()), text("canonical"), "{vector}");
        assert_eq!(identity.key(), text("name"), "{vector}");
    }
}

/// Rule: Formats: the fingerprints of credentials and tokens never change.
#[test]
fn fingerprints_are_the_same_bytes_in_every_language() {
    for vector in vectors("proof.json").as_array().unwrap() {
        let secret = |name: &str| vector[name].as_str().map(Into::into);
        let mut credentials = Credentials {
            password: secret("password"),
            client_secret: secret("client_secret"),
            ..Credentials::default()
        };
        for field in vector["extra_secrets"].as_array().into_iter().flatten() {
            let (name, value) = (field[0].as_str().unwrap(), field[1].as_str().unwrap());
            credentials = credentials.with_extra_secret(name, value);
        }
        let credentials_fingerprint = CredentialsFingerprint::of(&key(vector), &credentials);
        assert_eq!(
            hex(credentials_fingerprint.as_bytes()),
            vector["proof"].as_str().unwrap(),
            "{vector}"
        );
    }
    for vector in vectors("fingerprint.json").as_array().unwrap() {
        let token = Token::new(TokenKind::Bearer, vector["token"].as_str().unwrap());
        let fingerprint = TokenFingerprint::of(&key(vector), &token).to_string();
        assert_eq!(fingerprint, vector["fingerprint"].as_str().unwrap(), "{vector}");
    }
}

/// Rule: Formats: records of all versions are read; one of the current version is written again as the same
/// bytes.
#[test]
fn records_of_all_versions_are_read_and_current_ones_keep_their_bytes() {
    for vector in vectors("record.json").as_array().unwrap() {
        let bytes = unhex(vector["bytes"].as_str().unwrap());
        let record = Record::decode(&bytes).unwrap();
        assert_eq!(record.generation(), vector["generation"].as_u64().unwrap());
        if bytes[0] == record.encode()[0] {
            assert_eq!(hex(&record.encode()), hex(&bytes));
        }
    }
}
