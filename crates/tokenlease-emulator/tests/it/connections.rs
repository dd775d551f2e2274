use std::io::ErrorKind;
use std::net::TcpStream;

use tokenlease_emulator::Emulator;

use crate::client::{Client, get, start, winkas_token};

#[test]
fn a_connection_serves_several_calls() {
    let emulator = start();
    let mut client = Client::connect(&emulator.wyn().server());
    for _ in 0..3 {
        assert_eq!(client.send("GET", "/connect/userinfo", &[], "").unwrap().status, 401);
    }
    assert_eq!(emulator.details().wyn.connections, 1);
}

#[test]
fn a_thousand_connections_are_served_concurrently() {
    raise_open_files();
    let emulator = start();
    let server = emulator.wyn().server();
    let mut clients: Vec<_> = (0..1000).map(|_| Client::connect(&server)).collect();
    for _ in 0..2 {
        for client in &mut clients {
            client.write("GET", "/connect/userinfo", &[], "").unwrap();
        }
        for client in &mut clients {
            assert_eq!(client.read().unwrap().status, 401);
        }
    }
    assert_eq!(emulator.counts().wyn.userinfo, 2000);
    assert_eq!(emulator.details().wyn.connections, 1000);
}

#[test]
fn dropping_the_handle_closes_connections_and_frees_the_port() {
    let emulator = start();
    let server = emulator.wyn().server();
    let mut client = Client::connect(&server);
    client.send("GET", "/connect/userinfo", &[], "").unwrap();
    drop(emulator);
    assert!(client.send("GET", "/connect/userinfo", &[], "").is_err());
    let rejected = TcpStream::connect(server.strip_prefix("http://").unwrap()).err().unwrap();
    assert_eq!(rejected.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_port_in_use_is_an_error_and_not_a_panic() {
    let emulator = start();
    let addr = emulator.wyn().server().strip_prefix("http://").unwrap().parse().unwrap();
    let error = Emulator::builder().wyn_addr(addr).start_blocking().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn the_emulator_runs_beside_the_callers_runtime_until_a_future_completes() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let emulator = Emulator::builder()
            .winkas_credentials("u", "p", "c")
            .wyn_credentials("u2", "p2", "s2")
            .options(|o| o.winkas.lifetime_s = 60)
            .start()
            .await
            .unwrap();
        // A blocking call here does not block the emulator, which has its own thread.
        winkas_token(&emulator);
        let server = emulator.wyn().server();
        assert_eq!(get(&server, "/_emulator/counts", &[]).status, 200);
        emulator.serve_until(async {}).await;
        assert!(TcpStream::connect(server.strip_prefix("http://").unwrap()).is_err());
    });
}

#[test]
fn a_request_body_of_more_than_a_mebibyte_is_rejected() {
    let emulator = start();
    let mut client = Client::connect(&emulator.wyn().server());
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let long = "x".repeat((1 << 20) + 1);
    assert_eq!(client.send("POST", "/connect/token", &form, &long).unwrap().status, 413);
}

#[test]
fn the_handle_is_sync_and_its_debug_text_contains_no_credentials() {
    fn assert_shared<T: Send + Sync>(_: &T) {}
    let emulator = start();
    assert_shared(&emulator);
    let text = format!("{emulator:?}");
    assert!(text.contains("127.0.0.1:") && !text.contains(&emulator.winkas().user()));
}

/// Raises the limit of open files, because both ends of each connection are in this process.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = Some(maximum.map_or(4096, |most| most.min(4096)));
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

#[cfg(not(unix))]
fn raise_open_files() {}
