//! Kubernetes' client library with the exec plugin, and the published schema.

use std::{fs, sync::atomic::Ordering};

use serde_json::{Value, json};

use super::{Home, go, run, server::Server};

const COMMAND: [&str; 3] = ["credential", "kubernetes", "--profile"];

/// Rule: Plug-ins: Kubernetes' client sends the token, asks for another one after a rejection, and each process
/// shares it.
#[test]
fn a_client_of_kubernetes_sends_the_token() {
    let Some(client) = go("kubernetes") else { return };
    let home = Home::new("");
    fs::create_dir(home.path().join("served")).expect("a folder");
    let server = Server::start(home.path().join("served"), &home.emulator);
    let url = format!("http://{}/api", server.address);
    let requests = |version: &str| {
        let args = [version, &url, "3", "tokenlease"];
        run(home.command(&client).args(args).args(COMMAND).arg("bi"), "")
    };
    for version in ["v1", "v1beta1"] {
        let sent = requests(version);
        assert_eq!(sent.out, "200\n200\n200\n", "{sent:?}");
        let seen = server.take_seen();
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|seen| seen.scheme == "bearer" && seen.token == home.token()));
    }
    assert_eq!(home.logins(), 1);
    server.rejects.store(true, Ordering::SeqCst);
    assert_eq!(requests("v1").out, "401\n401\n401\n");
    // The plugin reports no rejection: the provider calls the token active.
    assert_eq!(home.logins(), 1);
    home.save("password", "wrong");
    assert_eq!(home.run("tokenlease", &["forget", "--profile", "bi"], "").code, Some(0));
    let failed = requests("v1");
    assert!(failed.err.contains("credentials rejected"), "{failed:?}");
}

/// Rule: Plug-ins: an `ExecCredential` has the members of the published types and no others; it states until when
/// the token is served, if the client knows that.
#[test]
fn an_exec_credential_follows_the_published_types() {
    let home = Home::new("");
    let info = |version: &str| {
        json!({ "apiVersion": format!("client.authentication.k8s.io/{version}"),
                "kind": "ExecCredential", "spec": { "interactive": false } })
    };
    let plugin = |info: Option<Value>| {
        let mut command = home.command("tokenlease");
        command.args(COMMAND).arg("bi");
        if let Some(info) = info {
            command.env("KUBERNETES_EXEC_INFO", info.to_string());
        }
        run(&mut command, "")
    };
    let expires_at = {
        let args = ["token", "--profile", "bi", "--output", "json"];
        let json: Value =
            serde_json::from_str(&home.run("tokenlease", &args, "").out).expect("JSON");
        json["expires_at"].clone()
    };
    for (given, version) in [(None, "v1"), (Some("v1"), "v1"), (Some("v1beta1"), "v1beta1")] {
        let printed = plugin(given.map(info));
        let found: Value = serde_json::from_str(&printed.out).expect("JSON");
        let expected = json!({
            "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "kind": "ExecCredential",
            "status": { "token": home.token(), "expirationTimestamp": expires_at },
        });
        assert_eq!(found, expected);
        let Some(client) = go("kubernetes") else { return };
        let checked = run(home.command(&client).arg("schema"), &printed.out);
        let kind = format!("client.authentication.k8s.io/{version}, Kind=ExecCredential");
        assert!(checked.out.starts_with(&kind), "{checked:?}");
    }
    let old = plugin(Some(info("v1alpha1")));
    assert_eq!((old.code, &*old.out), (Some(2), ""), "{old:?}");
    assert!(old.err.contains("apiVersion: client.authentication.k8s.io/v1"), "{old:?}");
}

/// Rule: Plug-ins: a token whose expiry is not known has none in an `ExecCredential`.
#[test]
fn an_unknown_expiry_is_left_out() {
    let home = Home::new("");
    let winkas = home.emulator.winkas();
    winkas.log_in_elsewhere();
    let args = ["--provider", "winkas", "--user", &winkas.user(), "--contract", &winkas.contract()];
    let mut command = home.command("tokenlease");
    let command = command.args(&COMMAND[..2]).args(args).args(["--server", &winkas.server()]);
    let printed = run(command.env("TOKENLEASE_PASSWORD", winkas.password()), "");
    let found: Value = serde_json::from_str(&printed.out).expect("JSON");
    assert!(found["status"]["token"].is_string(), "{found}");
    assert_eq!(found["status"].get("expirationTimestamp"), None, "{found}");
}
