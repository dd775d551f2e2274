//! Tests of whole logins at servers whose answers break rules of HTTP, or break off.

mod common;

use std::{sync::Arc, time::Duration};

use common::World;
use tokenlease::{
    Client, ErrorKind, HttpOptions, MemoryStore, Registry, TokenOptions,
    core::{Credentials, Key},
};
use tokenlease_emulator::Quirk;

const HOUR: Duration = Duration::from_secs(3600);

/// Rule: Login: one login gets a token from a server whose answers break rules of HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn one_login_gets_a_token_from_a_server_whose_answers_break_rules() {
    for quirk in [
        Quirk::Gzip,
        Quirk::Deflate,
        Quirk::WrongContentType,
        Quirk::LongBody,
        Quirk::HeaderSpace,
        Quirk::HeaderFolding,
        Quirk::BareLf,
        Quirk::ManyHeaders,
        Quirk::TokenType,
        Quirk::Latin1,
        Quirk::Utf16,
    ] {
        let world = World::start().await;
        world.emulator.options(|options| {
            options.quirks.insert(quirk);
        });
        let registry = world.registry();
        let winkas = world.winkas(&registry, &world.emulator.winkas().password());
        let wyn = world.wyn(&registry, HOUR);
        for client in [&winkas, &wyn] {
            client.token().await.unwrap_or_else(|error| panic!("{quirk}: {error}"));
            client.validate(&client.token().await.unwrap()).await.unwrap();
        }
        let counts = world.emulator.counts();
        assert_eq!((counts.winkas.login, counts.wyn.login), (1, 1), "{quirk}");
    }
}

/// Two processes that share a store.
fn two(world: &World) -> [Registry; 2] {
    let store = Arc::new(MemoryStore::new(Arc::new(world.clock.clone())));
    [(); 2].map(|()| {
        Registry::builder()
            .clock(Arc::new(world.clock.clone()))
            .store(store.clone(), Key::new([7; 32]))
            .build()
            .unwrap()
    })
}

fn soon() -> TokenOptions {
    TokenOptions::default().with_deadline(Duration::from_secs(1))
}

async fn fails(client: &Client) -> ErrorKind {
    client.token_with(soon()).await.unwrap_err().kind()
}

/// Rule: Login: an answer that breaks off costs one login, and the next one is sent 10 s later by one
/// process, then after 20 s.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_costs_one_login_and_one_more_ten_seconds_later() {
    let world = World::start().await;
    world.emulator.options(|options| {
        options.quirks.insert(Quirk::CutOff);
    });
    let clients = two(&world).map(|registry| world.wyn(&registry, HOUR));
    let logins = || world.emulator.counts().wyn.login;
    for (wait, expected) in [(0, 1), (8, 1), (3, 2), (9, 2), (9, 2), (4, 3)] {
        world.pass(Duration::from_secs(wait));
        for client in clients.iter().chain(&clients) {
            fails(client).await;
        }
        assert_eq!(logins(), expected, "after {wait} s");
    }
    world.emulator.options(|options| options.quirks.clear());
    world.pass(Duration::from_secs(60));
    for client in &clients {
        client.token().await.unwrap();
    }
    assert_eq!(logins(), 4);
}

/// Rule: Login: an answer that is longer than 1 MiB backs off all processes for a minute and longer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_long_backs_off_all_processes() {
    let world = World::start().await;
    let server = raw::server(|| {
        let body = format!("{{\"access_token\":\"{}\"}}", "x".repeat(2 << 20));
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    });
    let clients = two(&world).map(|registry| server.client(&registry));
    assert_eq!(fails(&clients[0]).await, ErrorKind::InvalidResponse);
    for (wait, expected) in [(0, 1), (50, 1), (15, 2), (100, 2), (30, 3)] {
        world.clock.advance(Duration::from_secs(wait));
        for client in clients.iter().chain(&clients) {
            fails(client).await;
        }
        assert_eq!(server.logins(), expected, "after {wait} s");
    }
}

/// Rule: Circuit: a rejection whose body breaks off is a rejection: it is sent once.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_whose_body_breaks_off_is_sent_once() {
    let world = World::start().await;
    let server = raw::server(|| {
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000\r\n\r\n{\"error\":\"invalid_cl".to_vec()
    });
    let clients = two(&world).map(|registry| server.client(&registry));
    for _ in 0..20 {
        for client in &clients {
            assert_eq!(fails(client).await, ErrorKind::CredentialsRejected);
        }
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(server.logins(), 1);
}

/// Rule: Circuit: a rejection whose body does not come is a rejection: it is sent once.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_whose_body_does_not_come_is_sent_once() {
    let world = World::start().await;
    let server = raw::server_that_hangs(|| {
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000\r\n\r\n{\"error\":".to_vec()
    });
    let http = HttpOptions::new().without_proxy().with_timeout(Duration::from_secs(2));
    let clock = Arc::new(world.clock.clone());
    let client = server.client(&Registry::builder().http(http).clock(clock).build().unwrap());
    for _ in 0..20 {
        let error = client.token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(server.logins(), 1);
}

/// Servers that answer byte for byte.
mod raw {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokenlease::core::{Identity, provider::Server};

    use super::*;

    pub(super) struct Raw {
        address: String,
        logins: Arc<AtomicUsize>,
    }

    /// Answers each connection's first request with these bytes, and closes it.
    pub(super) fn server(answer: impl Fn() -> Vec<u8> + Send + 'static) -> Raw {
        serve(answer, false)
    }

    /// As [`server`], but leaves the connections open.
    pub(super) fn server_that_hangs(answer: impl Fn() -> Vec<u8> + Send + 'static) -> Raw {
        serve(answer, true)
    }

    fn serve(answer: impl Fn() -> Vec<u8> + Send + 'static, hangs: bool) -> Raw {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let logins = Arc::new(AtomicUsize::new(0));
        let count = logins.clone();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut text, mut part) = (Vec::new(), [0; 4096]);
                // The form ends with the user's name.
                while !String::from_utf8_lossy(&text).contains("password=p") {
                    match stream.read(&mut part) {
                        Ok(read) if read > 0 => text.extend_from_slice(&part[..read]),
                        _ => break,
                    }
                }
                if text.starts_with(b"POST /connect/token") {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                // The client may have disconnected.
                let _ = stream.write_all(&answer());
                if hangs {
                    open.push(stream);
                }
            }
        });
        Raw { address, logins }
    }

    impl Raw {
        pub(super) fn client(&self, registry: &Registry) -> Client {
            let identity = Identity::wyn(&self.address, "u", "integration").unwrap();
            let credentials = Credentials::password("p").with_client_secret("s");
            Client::builder(Server::new(identity), credentials).registry(registry).build().unwrap()
        }

        pub(super) fn logins(&self) -> usize {
            self.logins.load(Ordering::SeqCst)
        }
    }
}
