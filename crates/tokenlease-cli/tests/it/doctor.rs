//! `doctor`.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
};

use std::time::Duration;

use serde_json::Value;
use tokenlease_emulator::Quirk;

use crate::support::{emulator, tokenlease, unreachable, winkas, wyn};

fn outcome(steps: &Value, name: &str) -> String {
    let step = steps.as_array().expect("a list").iter().find(|step| step["step"] == name);
    step.map(|step| step["outcome"].as_str().expect("an outcome").to_owned()).unwrap_or_default()
}

/// Rule: Secrets: `doctor` sends no credentials without `--login`.
#[test]
fn doctor_checks_the_server_without_credentials() {
    let emulator = emulator();
    let mut program = wyn(&emulator, "doctor").args(["--output", "json", "--lifetime", "8h"]);
    program.command().env_remove("TOKENLEASE_PASSWORD").env_remove("TOKENLEASE_CLIENT_SECRET");
    let steps = program.run().exits_with(0).json();
    for step in ["settings", "address", "lifetime", "dns", "tcp", "http", "clock", "store"] {
        assert_eq!(outcome(&steps, step), "ok", "{steps:#}");
    }
    for step in ["tls", "login"] {
        assert_eq!(outcome(&steps, step), "skip", "{steps:#}");
    }
    assert_eq!(emulator.counts().wyn.login, 0);
}

#[test]
fn doctor_with_login_logs_in_once() {
    let emulator = emulator();
    let run = winkas(&emulator, "doctor").args(["--login"]).run().exits_with(0);
    assert!(
        run.out.contains("ok    login     the credentials are accepted; token from login, expiry "),
        "{run:?}"
    );
    let run = run.complains("if no token is active, this logs in");
    for token in emulator.winkas().active_tokens() {
        assert!(!run.out.contains(&token) && !run.err.contains(&token));
    }
    assert_eq!(emulator.counts().winkas.login, 1);
    let program = winkas(&emulator, "doctor").args(["--login"]).env("TOKENLEASE_PASSWORD", "wrong");
    let run = program.run().exits_with(3);
    assert!(run.out.contains("fail  login     credentials rejected"), "{run:?}");
}

#[test]
fn doctor_warns_of_insecure_settings_and_a_wrong_clock() {
    let emulator = emulator();
    emulator.advance(Duration::from_secs(3600));
    let run = wyn(&emulator, "doctor")
        .env("TOKENLEASE_CLIENT_SECRET", "eunGKas3Pqd6FMwx9eUpdS7xmz")
        .args(["--tenant", "Org", "--output", "json"])
        .run()
        .exits_with(0);
    let steps = run.json();
    for step in ["tenant", "secret", "lifetime", "clock"] {
        assert_eq!(outcome(&steps, step), "warn", "{steps:#}");
    }
    let lifetime = steps.as_array().expect("a list").iter().find(|step| step["step"] == "lifetime");
    assert!(
        lifetime.expect("a step")["advice"].as_str().expect("advice").contains("--lifetime 8h")
    );
}

#[test]
fn doctor_exits_with_the_code_of_the_first_failure_and_prints_advice() {
    let run =
        tokenlease(["doctor", "--provider", "wyn", "--server", unreachable(), "--user", "u"]).run();
    let run = run.exits_with(4);
    assert!(run.out.contains("\nfail  tcp       no connection"), "{run:?}");
    assert!(run.out.contains("-> check the port in --server"), "{run:?}");

    let run = tokenlease(["doctor", "--provider", "wyn"]).run().exits_with(2);
    assert!(run.out.starts_with("fail  settings  bad configuration: the server"), "{run:?}");

    let emulator = emulator();
    let server = emulator.wyn().server().replace("http:", "https:");
    let args = ["doctor", "--provider", "wyn", "--server", &server, "--user", "u", "--login"];
    let run = tokenlease(args).args(["--output=json"]).run().exits_with(4);
    let steps = run.json();
    assert_eq!(outcome(&steps, "tls"), "fail", "{steps:#}");
    assert_eq!(outcome(&steps, "http"), "", "{steps:#}");
    assert_eq!(outcome(&steps, "login"), "skip", "{steps:#}");
}

/// Rule: Secrets: `doctor` prints a proxy without its password.
#[test]
fn doctor_prints_the_proxy_without_its_password() {
    let run = tokenlease(["doctor", "--provider", "wyn", "--server", "https://wyn.invalid"])
        .args(["--user", "u"])
        .env("HTTPS_PROXY", unreachable().replace("http://", "http://me:canary@"))
        .run()
        .exits_with(4);
    assert!(run.out.contains("requests go through 127.0.0.1:"), "{run:?}");
    assert!(!run.out.contains("canary") && !run.err.contains("canary"), "{run:?}");
}

#[test]
fn doctor_uses_the_systems_proxy() {
    // The emulator ignores the host of a request, so it can play the proxy.
    let emulator = emulator();
    let proxy = emulator.wyn().server();
    let args = ["doctor", "--provider", "winkas", "--user", "u", "--contract", "c", "--server"];
    let run = tokenlease(args)
        .args(["http://erp.invalid", "--allow-plain-http", "--output", "json"])
        .env("HTTP_PROXY", &proxy)
        .run()
        .exits_with(0);
    let steps = run.json();
    for step in ["proxy", "dns", "tcp", "http", "clock"] {
        assert_eq!(outcome(&steps, step), "ok", "{steps:#}");
    }
    assert_eq!(outcome(&steps, "address"), "warn", "{steps:#}");

    let run = tokenlease(args).args(["https://erp.invalid"]).env("HTTPS_PROXY", &proxy).run();
    let run = run.exits_with(4);
    let words =
        ["did not connect to the server: it answered 404", "-> check the rules of the proxy"];
    assert!(words.iter().all(|words| run.out.contains(words)), "{run:?}");
    // No proxy is used for a server on this machine.
    let run = wyn(&emulator, "doctor").env("HTTP_PROXY", unreachable()).run().exits_with(0);
    assert!(!run.out.contains("proxy"), "{run:?}");
}

/// Rule: Discovery: `doctor` shows the discovery document, its issuer and each endpoint with the check of
/// its host.
#[test]
fn doctor_shows_what_the_discovery_document_names() {
    let emulator = emulator();
    let server = emulator.wyn().server();
    let doctor = || {
        tokenlease(["doctor", "--provider", "oauth2", "--client-id", "integration"])
            .args(["--server", &server])
    };
    let run = doctor().run().exits_with(0);
    for line in [
        format!("{server}/.well-known/openid-configuration: the issuer {server} is the server"),
        format!("token_endpoint: {server}/connect/token is at the issuer's host"),
        format!("revocation_endpoint: {server}/connect/revocation is at the issuer's host"),
        format!("introspection_endpoint: {server}/connect/introspect is at the issuer's host"),
    ] {
        assert!(run.out.contains(&format!("ok    discovery {line}")), "{run:?}");
    }
    let run = doctor().args(["--revocation-path", "/r"]).run().exits_with(0);
    assert!(run.out.contains("revocation_endpoint: revocation_path is set"), "{run:?}");
    let run = doctor().args(["--token-path", "/t"]).run().exits_with(0);
    assert!(run.out.contains("skip  discovery no document is read"), "{run:?}");

    for (quirk, says) in [
        (Quirk::OtherIssuer, "is of the issuer https://issuer.example"),
        (Quirk::ForeignEndpoint, "is at https://token.example"),
    ] {
        emulator.options(|options| options.quirks = [quirk].into());
        let run = doctor().run().exits_with(2);
        assert!(run.out.contains("fail  discovery ") && run.out.contains(says), "{run:?}");
        let run = doctor().args(["--login"]).run().exits_with(2);
        assert!(run.out.contains("skip  login"), "{run:?}");
    }
    emulator.options(|options| {
        options.quirks = [].into();
        options.wyn.discovery = false;
    });
    let run = doctor().run().exits_with(0);
    assert!(run.out.contains("warn  discovery there is no document at "), "{run:?}");
    assert!(run.out.contains("set --token-path"), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 0);
}

/// Rule: Discovery: the program gets, validates and revokes a token with a server address alone.
#[test]
fn the_program_needs_the_server_address_alone() {
    let (emulator, state) = (emulator(), tempfile::tempdir().expect("a folder"));
    let wyn = emulator.wyn();
    let run = |command: &str, input: &str| {
        tokenlease([command, "--provider", "oauth2", "--server", &wyn.server()])
            .args(["--client-id", wyn.client_id(), "--user", &wyn.user(), "--scope", "openid"])
            .env("TOKENLEASE_CLIENT_SECRET", wyn.client_secret())
            .env("TOKENLEASE_PASSWORD", wyn.password())
            .env("TOKENLEASE_STORE", format!("file:{}", state.path().display()))
            .input(input)
            .run()
    };
    let token = run("token", "").exits_with(0).out;
    assert_eq!(run("token", "").exits_with(0).out, token);
    assert_eq!(run("validate", &token).exits_with(0).out, "active\n");
    assert!(run("revoke", &token).exits_with(0).out.contains("revoked, and proven"));
    assert!(!emulator.token_is_active(token.trim()));
    // All processes share the document.
    let log = emulator.log();
    assert_eq!(log.iter().filter(|entry| entry.path.contains("/.well-known/")).count(), 1);
}

/// Rule: Proxies: `doctor --login` names a captive portal whose page answers each request.
#[test]
fn doctor_names_a_captive_portals_page() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("http://{}", listener.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            // `doctor` also connects without a request.
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let page = "<!DOCTYPE html><title>Hotel Wi-Fi</title><form>canary";
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(format!("{head}{page}").as_bytes());
                let _ = stream.shutdown(Shutdown::Write);
                // Bytes that are left unread would reset the connection.
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    for provider in [
        &["--provider", "winkas", "--contract", "c"][..],
        &["--provider", "wyn"],
        &["--provider", "oauth2", "--client-id", "c", "--token-path", "/token"],
    ] {
        let run = tokenlease(["doctor", "--login", "--user", "u", "--server", &server])
            .args(provider)
            .env("TOKENLEASE_PASSWORD", "p4ssword")
            .env("TOKENLEASE_CLIENT_SECRET", "s3cret")
            .run()
            .exits_with(5);
        for words in ["the answer is a web page", "a page titled \"Hotel Wi-Fi\"", "in a browser"] {
            assert!(run.out.contains(words), "{words}: {run:?}");
        }
        assert!(!run.out.contains("canary"), "{run:?}");
    }
}
