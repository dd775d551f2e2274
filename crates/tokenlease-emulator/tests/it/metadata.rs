//! The discovery document of the emulated Wyn.

use tokenlease_emulator::Quirk;

use crate::client::{get, start};

#[test]
fn quirks_of_the_metadata_change_its_issuer_its_token_endpoint_and_its_status() {
    let emulator = start();
    let server = emulator.wyn().server();
    let with = |quirk| {
        emulator.options(|o| o.quirks = [quirk].into());
        get(&server, "/.well-known/openid-configuration", &[])
    };
    assert_eq!(with(Quirk::OtherIssuer).json()["issuer"], "https://issuer.example");
    let body = with(Quirk::ForeignEndpoint).json();
    assert_eq!(body["token_endpoint"], "https://token.example/connect/token");
    // The rest follows the address that the client calls.
    let issuer = body["issuer"].as_str().unwrap();
    assert_eq!(body["revocation_endpoint"], format!("{issuer}/connect/revocation"));
    assert_eq!(with(Quirk::Discovery503).status, 503);
}
