//! `credential process`: the format of AWS' `credential_process`.
//!
//! The format is for a pair of keys, with which AWS' libraries sign requests; they send no bearer token of
//! another server. So the token is the session token, and the secret key, which the format requires.
//!
//! Source: [the process credential provider](https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).

use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    args::Connection,
    output::{Failure, line},
    settings::Environment,
};

/// The key's name. It is sent in plain text, and must not be empty.
const ACCESS_KEY_ID: &str = "tokenlease";

pub(super) fn run(connection: &Connection, environment: Environment<'_>) -> Result<(), Failure> {
    let settings = super::settings(connection, environment)?;
    let leased = super::lease(&settings)?;
    let token = leased.token.expose();
    let mut credentials = json!({
        "Version": 1,
        "AccessKeyId": ACCESS_KEY_ID,
        "SecretAccessKey": token,
        "SessionToken": token,
    });
    // Without it, the caller never asks again.
    if let Some(until) = leased.served_until() {
        credentials["Expiration"] = until.to_string().into();
    }
    line(&Zeroizing::new(credentials.to_string()))
}
