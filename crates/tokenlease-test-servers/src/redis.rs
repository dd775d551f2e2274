//! Redis or Valkey, alone, in a cluster or behind a sentinel.

use std::{
    cell::RefCell,
    fs,
    net::TcpListener,
    process::{Command, Stdio},
};

use crate::{
    certificate::certify,
    place::Place,
    process::{Running, found, free_port, start_server},
};

/// Starts an empty Redis or Valkey with a password, in real time. `None`: it is not installed.
pub fn redis() -> Option<Running> {
    redis_at(&Place::here())
}

/// Starts an empty Redis or Valkey as a node of a cluster, with a password. It has no slots yet.
///
/// # Panics
/// If the server does not start.
pub fn redis_of_cluster() -> Option<Running> {
    // A cluster's nodes talk on the port 10000 higher, so ports of connections are too high.
    let address = Place::here().address;
    let ports = || std::iter::repeat_with(|| free_port(address) % 20_000 + 20_000);
    let is_free = |port: &u16| {
        [*port, port + 10_000].iter().all(|port| TcpListener::bind((address, *port)).is_ok())
    };
    let port = ports().find(is_free)?;
    start(&Place::here(), port, &["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"])
}

/// Starts a sentinel with the password `sentinel`, which watches the server under that name.
///
/// # Panics
/// If the sentinel does not start.
pub fn sentinel(of: &Running, name: &str) -> Option<Running> {
    let program = found(&["redis-server", "valkey-server"])?;
    let (folder, address) = (tempfile::tempdir().unwrap(), Place::here().address);
    let (port, watched) = (free_port(address), of.port());
    let config = format!(
        "port {port}\nbind {address}\nrequirepass sentinel\nsentinel monitor {name} {address} \
         {watched} 1\nsentinel auth-pass {name} canary\n\
         sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 2000\n"
    );
    let path = folder.path().join("sentinel.conf");
    fs::write(&path, config).unwrap();
    let mut command = Command::new(program);
    command.arg(&path).arg("--sentinel").current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let command = RefCell::new(command);
    let start = Box::new(move || start_server(&command, (address, port), || true));
    let process = RefCell::new(start());
    let url = format!("redis://:sentinel@{address}:{port}");
    let (secure_url, authority) = (url.clone(), String::new());
    Some(Running { process, start, url, secure_url, authority, folder })
}

/// Starts an empty Redis or Valkey with a password at that place.
///
/// # Panics
/// If the server does not start.
pub fn redis_at(place: &Place) -> Option<Running> {
    start(place, free_port(place.address), &[])
}

fn start(place: &Place, port: u16, options: &[&str]) -> Option<Running> {
    let program = found(&["redis-server", "valkey-server"])?;
    let (folder, address) = (tempfile::tempdir().unwrap(), place.address);
    let secure = free_port(address);
    let authority = certify(folder.path(), None);
    let mut command = Command::new(program);
    command
        .args(["--port", &port.to_string(), "--bind", &address.to_string(), "--save", ""])
        .args(["--tls-port", &secure.to_string(), "--tls-auth-clients", "no"])
        .args(["--tls-cert-file", "server.crt", "--tls-key-file", "server.key"])
        .args(["--tls-ca-cert-file", "server.crt"])
        .args(["--appendonly", "no", "--requirepass", "canary", "--daemonize", "no"])
        .args(["--masterauth", "canary"])
        .args(options)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    place.offset_wall_clock(&mut command)?;
    let command = RefCell::new(command);
    let start = Box::new(move || start_server(&command, (address, port), || true));
    let process = RefCell::new(start());
    let url = format!("redis://:canary@{address}:{port}/1");
    let secure_url = format!("rediss://:canary@{address}:{secure}/1");
    Some(Running { process, start, url, secure_url, authority, folder })
}
