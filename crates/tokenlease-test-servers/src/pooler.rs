//! `PgBouncer` in front of PostgreSQL.

use std::{
    cell::RefCell,
    fs,
    net::{IpAddr, Ipv4Addr},
};

use crate::process::{Running, as_nobody, found, free_port, nobody, start_server};

/// Starts a pooler in front of that server, which lends two connections to transactions.
///
/// # Panics
/// If the pooler does not start.
pub fn pooler(of: &Running) -> Option<Running> {
    let program = found(&["pgbouncer"])?;
    let (folder, address) = (tempfile::tempdir().unwrap(), IpAddr::from(Ipv4Addr::LOCALHOST));
    let port = free_port(address);
    let behind = of.url.rsplit_once(':').unwrap().1.split_once('/').unwrap().0;
    let users = folder.path().join("users");
    fs::write(&users, "\"tokens\" \"canary\"\n").unwrap();
    let config = format!(
        "[databases]\npostgres = host=127.0.0.1 port={behind}\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = plain\nauth_file = {}\npool_mode = transaction\n\
         default_pool_size = 2\n",
        users.display()
    );
    let path = folder.path().join("config");
    fs::write(&path, config).unwrap();
    if let Some(nobody) = nobody() {
        for path in [folder.path(), &users, &path] {
            std::os::unix::fs::chown(path, Some(nobody), Some(nobody)).unwrap();
        }
    }
    let mut command = as_nobody(&program);
    command.arg("-q").arg(&path);
    let command = RefCell::new(command);
    let start = Box::new(move || start_server(&command, (address, port), || true));
    let process = RefCell::new(start());
    let url = format!("postgres://tokens:canary@127.0.0.1:{port}/postgres");
    let (secure_url, authority) = (url.clone(), String::new());
    Some(Running { process, start, url, secure_url, authority, folder })
}
