//! `emulate`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::Stdio,
};

use serde_json::Value;

use crate::support::tokenlease;

#[cfg(unix)]
#[test]
fn emulate_prints_one_line_when_ready_and_exits_with_0_on_a_signal() {
    for signal in ["TERM", "INT"] {
        let mut program = tokenlease(["emulate"]);
        let command = program.command().stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let line = lines.next().expect("a line").expect("UTF-8");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let of = |provider: &str, key: &str| ready[provider][key].as_str().expect(key).to_owned();

        let token =
            tokenlease(["token", "--provider", "winkas", "--server", &of("winkas", "server")])
                .args(["--user", &of("winkas", "user"), "--contract", &of("winkas", "contract")])
                .env("TOKENLEASE_PASSWORD", of("winkas", "password"))
                .run();
        token.exits_with(0);
        let token = tokenlease(["token", "--provider", "wyn", "--server", &of("wyn", "server")])
            .args(["--user", &of("wyn", "user"), "--client-id", &of("wyn", "client_id")])
            .env("TOKENLEASE_PASSWORD", of("wyn", "password"))
            .env("TOKENLEASE_CLIENT_SECRET", of("wyn", "client_secret"))
            .run();
        token.exits_with(0);

        let id = child.id().to_string();
        let kill = std::process::Command::new("kill").args(["-s", signal, &id]).status();
        assert!(kill.expect("kill").success());
        assert_eq!(child.wait().expect("its end").code(), Some(0), "{signal}");
        assert!(lines.next().is_none(), "it prints nothing else");
    }
}

#[test]
fn an_address_that_emulate_cannot_listen_on_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let run = tokenlease(["emulate", "--wyn", &address]).run().exits_with(2);
    run.complains(&address).complains("port 0");
}

/// Rule: Languages: `emulate --quirk` answers as other servers do, and lists the names it knows.
#[test]
fn emulate_answers_with_the_quirks_of_its_options() {
    let mut program =
        tokenlease(["emulate", "--quirk", "running-token", "--quirk", "wrong-content-type"]);
    let command = program.command().stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    let server = ready["wyn"]["server"].as_str().expect("an address");
    let address = server.strip_prefix("http://").expect("a plain address");
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    let request = "GET /_emulator/options HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    child.kill().expect("its end");
    child.wait().expect("its end");
    let quirks = r#""quirks":["running-token","wrong-content-type"]"#;
    assert!(answer.contains(quirks), "{answer}");

    let run = tokenlease(["emulate", "--quirk", "magic"]).run().exits_with(2);
    run.complains("magic").complains("running-token");
}
