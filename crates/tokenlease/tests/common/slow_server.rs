//! A server whose logins are answered one by one, and clients of it.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(unreachable_pub, reason = "a module of several tests")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, channel, sync_channel},
    },
    time::Duration,
};

use tokenlease::{
    Client, CredentialsSource, HttpOptions, MemoryStore, Registry, Result, SteeredClock,
    core::{Credentials, Identity, Key, Token, lifecycle::OnStoreOutage, provider::Server},
};

/// A login that arrived, which is answered when this is dropped.
pub struct Login {
    pub user: String,
    _answer: SyncSender<()>,
}

/// A server whose logins are answered one by one.
pub struct Slow {
    address: String,
    pub logins: Receiver<Login>,
    /// The most logins that were at the server at once.
    pub most: Arc<AtomicUsize>,
}

fn read(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).unwrap_or(0);
        text.extend_from_slice(&part[..read]);
        let so_far = String::from_utf8_lossy(&text).to_ascii_lowercase();
        let (head, body) = so_far.split_once("\r\n\r\n").unwrap_or((&so_far, ""));
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.map_or(usize::MAX, |length| length.parse().unwrap());
        if head.starts_with("get ") && so_far.ends_with("\r\n\r\n") {
            return Some(String::new());
        }
        if read == 0 {
            return None;
        }
        if body.len() >= length {
            return Some(body.to_owned());
        }
    }
}

pub fn slow_server() -> Slow {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, logins) = channel();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let highest = most.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender, now, most) =
                (stream.unwrap(), sender.clone(), now.clone(), highest.clone());
            std::thread::spawn(move || {
                while let Some(body) = read(&mut stream) {
                    if body.is_empty() {
                        // A validation is answered at once.
                        let active =
                            b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"sub\":\"u\"}";
                        stream.write_all(active).unwrap();
                        continue;
                    }
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let user = body.split("username=").nth(1).unwrap_or_default();
                    let user = user.split('&').next().unwrap().to_owned();
                    let (answer, answered) = sync_channel(0);
                    if sender.send(Login { user: user.clone(), _answer: answer }).is_ok() {
                        let _ = answered.recv();
                    }
                    now.fetch_sub(1, Ordering::SeqCst);
                    let body = format!(
                        r#"{{"access_token":"t-{user}","token_type":"Bearer","expires_in":3600}}"#
                    );
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    if stream.write_all((head + &body).as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    Slow { address, logins, most }
}

impl Slow {
    pub fn client(
        &self,
        registry: &Registry,
        user: &str,
        credentials: impl Into<CredentialsSource>,
    ) -> Client {
        let identity = Identity::wyn(&self.address, user, "integration").unwrap();
        Client::builder(Server::new(identity), credentials)
            .registry(registry)
            // Without it nothing is sent while the store is away.
            .on_store_outage(OnStoreOutage::LoginWithinBudget)
            .build()
            .unwrap()
    }

    pub fn user(&self, registry: &Registry, user: &str) -> Client {
        self.client(registry, user, credentials())
    }

    /// Waits for the next login on a thread on which that is allowed.
    pub fn next(&self) -> Login {
        tokio::task::block_in_place(|| self.logins.recv_timeout(Duration::from_secs(60)).unwrap())
    }
}

pub fn credentials() -> Credentials {
    Credentials::password("p").with_client_secret("s")
}

pub fn registry(logins: usize, clock: &SteeredClock, store: &Arc<MemoryStore>) -> Registry {
    let http = HttpOptions::new().without_proxy().with_max_concurrent_logins(logins);
    Registry::builder()
        .http(http)
        .clock(Arc::new(clock.clone()))
        .store(store.clone(), Key::new([7; 32]))
        .build()
        .unwrap()
}

pub fn new_store(clock: &SteeredClock) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(Arc::new(clock.clone())))
}

pub fn start(client: &Client) -> tokio::task::JoinHandle<Result<Token>> {
    let client = client.clone();
    tokio::spawn(async move { client.token().await })
}

pub async fn until(mut done: impl FnMut() -> bool) {
    let waits = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waits).await.expect("it happens");
}
