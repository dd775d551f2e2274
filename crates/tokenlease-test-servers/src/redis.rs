//! Redis or Valkey.

use std::{
    cell::RefCell,
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

/// Starts an empty Redis or Valkey with a password at that place.
///
/// # Panics
/// If the server does not start.
pub fn redis_at(place: &Place) -> Option<Running> {
    let program = found(&["redis-server", "valkey-server"])?;
    let (folder, address) = (tempfile::tempdir().unwrap(), place.address);
    let (port, secure) = (free_port(address), free_port(address));
    let authority = certify(folder.path(), None);
    let mut command = Command::new(program);
    command
        .args(["--port", &port.to_string(), "--bind", &address.to_string(), "--save", ""])
        .args(["--tls-port", &secure.to_string(), "--tls-auth-clients", "no"])
        .args(["--tls-cert-file", "server.crt", "--tls-key-file", "server.key"])
        .args(["--tls-ca-cert-file", "server.crt"])
        .args(["--appendonly", "no", "--requirepass", "canary", "--daemonize", "no"])
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
