//! PostgreSQL.

use std::{cell::RefCell, fs, process::Stdio};

use crate::{
    certificate::certify,
    place::Place,
    process::{Running, as_nobody, found, free_port, nobody, start_server},
};

/// Starts an empty PostgreSQL cluster, in real time. `None`: it is not installed.
pub fn postgres() -> Option<Running> {
    postgres_at(&Place::here())
}

/// Starts an empty PostgreSQL cluster at that place.
///
/// # Panics
/// If the server does not start.
pub fn postgres_at(place: &Place) -> Option<Running> {
    let program = found(&["postgres"])?;
    let initdb = found(&["initdb"])?;
    let (folder, address) = (tempfile::tempdir().unwrap(), place.address);
    if let Some(nobody) = nobody() {
        std::os::unix::fs::chown(folder.path(), Some(nobody), Some(nobody)).unwrap();
    }
    let data = folder.path().join("data");
    let made = as_nobody(&initdb)
        .arg("-D")
        .arg(&data)
        .args(["-U", "tokens", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    // The first rule that matches counts. A test that makes the role `app` needs its password.
    let rules = fs::read_to_string(data.join("pg_hba.conf")).unwrap();
    let others = if address.is_loopback() { "" } else { "host all all 0.0.0.0/0 trust\n" };
    let rules = format!("host all app all scram-sha-256\n{rules}{others}");
    fs::write(data.join("pg_hba.conf"), rules).unwrap();
    let authority = certify(&data, nobody());
    let port = free_port(address);
    let mut command = as_nobody(&program);
    command
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-c", &format!("listen_addresses={address}")])
        .args(["-c", "fsync=off", "-c", "ssl=on"])
        .args(["-c", "unix_socket_directories=", "-c", "max_connections=200"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    place.offset_wall_clock(&mut command)?;
    let command = RefCell::new(command);
    let start = Box::new(move || {
        let status = data.join("postmaster.pid");
        start_server(&command, (address, port), || {
            fs::read_to_string(&status).is_ok_and(|text| text.contains("ready"))
        })
    });
    let process = RefCell::new(start());
    let url = format!("postgres://tokens:canary@{address}:{port}/postgres?sslmode=disable");
    let secure_url = url.replace("disable", "verify-full");
    Some(Running { process, start, url, secure_url, authority, folder })
}
