//! `credential kubernetes`: an `ExecCredential` for clients of Kubernetes.
//!
//! Source: [the client authentication API](https://kubernetes.io/docs/reference/config-api/client-authentication.v1/).

use serde_json::{Value, json};
use tokenlease::Result;
use zeroize::Zeroizing;

use crate::{
    args::Connection,
    output::{Failure, config, line},
    settings::Environment,
};

/// The versions that have the same members as `v1`. The first one is the default.
const VERSIONS: [&str; 2] =
    ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
/// The variable in which the client passes its own object.
const INFO: &str = "KUBERNETES_EXEC_INFO";

pub(super) fn run(connection: &Connection, environment: Environment<'_>) -> Result<(), Failure> {
    let api_version = api_version(environment)?;
    let settings = super::settings(connection, environment)?;
    let leased = super::lease(&settings)?;
    let mut credential = json!({
        "apiVersion": api_version,
        "kind": "ExecCredential",
        "status": { "token": leased.token.expose() },
    });
    // Without it, the client keeps the token until the server rejects it.
    if let Some(until) = leased.served_until() {
        credential["status"]["expirationTimestamp"] = until.to_string().into();
    }
    line(&Zeroizing::new(credential.to_string()))
}

/// Returns the version of the client's object, which that of the answer must equal.
fn api_version(environment: Environment<'_>) -> Result<&'static str> {
    let Some(info) = environment(INFO).filter(|info| !info.is_empty()) else {
        return Ok(VERSIONS[0]);
    };
    let parsed: Option<Value> = info.to_str().and_then(|info| serde_json::from_str(info).ok());
    let is_ours = |info: &Value| info["kind"] == "ExecCredential";
    let Some(info) = parsed.filter(is_ours) else {
        return Err(config(format!("the variable {INFO} has no ExecCredential"))
            .expected("the JSON object that clients of Kubernetes set"));
    };
    let wanted = info["apiVersion"].as_str().unwrap_or_default();
    VERSIONS.into_iter().find(|version| *version == wanted).ok_or_else(|| {
        config(format!("the client asks for {wanted:?}"))
            .expected(VERSIONS.join(" or "))
            .advice(format!("set `apiVersion: {}` under `exec` in the kubeconfig", VERSIONS[0]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(info: &str) -> Result<&'static str> {
        api_version(&|name| (name == INFO).then(|| info.into()))
    }

    #[test]
    fn the_version_of_the_answer_is_that_of_the_question() {
        let of = |version: &str| {
            json!({ "apiVersion": version, "kind": "ExecCredential", "spec": {} }).to_string()
        };
        assert_eq!(api_version(&|_| None).unwrap(), VERSIONS[0]);
        assert_eq!(version("").unwrap(), VERSIONS[0]);
        for known in VERSIONS {
            assert_eq!(version(&of(known)).unwrap(), known);
        }
        for unknown in ["client.authentication.k8s.io/v1alpha1", "v1", ""] {
            let error = version(&of(unknown)).unwrap_err().to_string();
            assert!(error.contains("apiVersion: client.authentication.k8s.io/v1"), "{error}");
        }
        for invalid in ["{", "[]", "{\"kind\":\"Pod\"}"] {
            let error = version(invalid).unwrap_err().to_string();
            assert!(error.contains("has no ExecCredential"), "{error}");
        }
    }
}
