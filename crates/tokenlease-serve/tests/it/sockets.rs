//! Unix sockets.

use std::path::Path;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use crate::support::{Running, consumers};

async fn get(socket: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// Rule: Secrets: over a Unix socket, `serve` knows a consumer by its user, without a secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_is_known_by_its_user() {
    let own = rustix::process::geteuid().as_raw();
    let text = format!("{}[consumer.own]\nuids = [{own}]\nprofiles = [\"erp\"]\n", consumers());
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let running = Running::with(&text, |settings, _| settings.unix = Some(socket.clone())).await;
    let answer = get(&socket, "/token/erp").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("access_token"), "{answer}");
    assert!(get(&socket, "/token/bi").await.starts_with("HTTP/1.1 403 "));
    let document = get(&socket, "/.well-known/oauth-authorization-server").await;
    assert!(document.contains("\"http://localhost/token\""), "{document}");
    // The same request over the port has no user.
    let port = running.http.get(running.url("/token/erp")).send().await.unwrap();
    assert_eq!(port.status(), 401);
    running.stop().await;
    assert!(!socket.exists());
}

/// Rule: Secrets: `serve` closes the Unix connections of users that its configuration does not name.
#[tokio::test(flavor = "multi_thread")]
async fn another_user_gets_no_answer() {
    // Only root can connect as another user.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for program in ["setpriv", "curl"] {
        if std::process::Command::new(program).arg("--version").output().is_err() {
            println!("skipped: there is no {program}");
            return;
        }
    }
    let text = format!("{}[consumer.other]\nuids = [4242]\nprofiles = [\"erp\"]\n", consumers());
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let running = Running::with(&text, |settings, _| settings.unix = Some(socket.clone())).await;
    let by = |user: &'static str| {
        let mut command = tokio::process::Command::new("setpriv");
        command.args([
            &format!("--reuid={user}"),
            "--clear-groups",
            "curl",
            "-sS",
            "--unix-socket",
        ]);
        command.arg(&socket).arg("http://localhost/token/erp");
        async move { command.output().await.unwrap() }
    };
    let named = by("4242").await;
    assert!(String::from_utf8_lossy(&named.stdout).contains("access_token"), "{named:?}");
    let other = by("4243").await;
    assert!(!other.status.success() && other.stdout.is_empty(), "{other:?}");
    assert!(running.get("/metrics").await.1.contains("rejected_users_total 1\n"));
}
