//! A token request, and the world that answers it.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls_platform_verifier::BuilderVerifierExt;
use serde::Deserialize;
use tokenlease::{
    Client, HttpOptions, Registry, SteeredClock, Transport,
    core::{
        Credentials, Identity, Timestamp,
        provider::{Answer as ProviderAnswer, Call, Server},
    },
};
use tokenlease_emulator::Emulator;
use tokio::runtime::Runtime;

use crate::figure::{Figure, Wanted};

/// Requests a turn.
const LOOPS: u32 = 200;
const TURNS: usize = 31;

/// An emulator, and clients of it whose clock is steered.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) clock: SteeredClock,
    pub(crate) runtime: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            emulator: Emulator::builder().start_blocking().expect("a free port"),
            clock: SteeredClock::new(),
            runtime: Runtime::new().expect("a runtime"),
        }
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::builder().clock(Arc::new(self.clock.clone())).build().expect("a registry")
    }

    /// A client of Wyn's side.
    pub(crate) fn client(&self, registry: &Registry) -> Client {
        let (server, credentials) = self.wyn();
        Client::builder(server, credentials).registry(registry).build().expect("a client")
    }

    fn wyn(&self) -> (Server, Credentials) {
        let wyn = self.emulator.wyn();
        let identity = Identity::wyn(&wyn.server(), &wyn.user(), wyn.client_id()).expect("one");
        let credentials =
            Credentials::password(wyn.password()).with_client_secret(wyn.client_secret());
        (Server::new(identity), credentials)
    }

    /// A client with the system's clock that has its token.
    pub(crate) fn warm_client(&self) -> Client {
        let client = self.client(&Registry::builder().build().expect("a registry"));
        self.runtime.block_on(client.token()).expect("a token");
        client
    }

    /// Tells a program of Wyn's side: where it is as an argument, who asks as variables.
    pub(crate) fn told<'a>(&self, program: &'a mut Command) -> &'a mut Command {
        let wyn = self.emulator.wyn();
        program
            .arg(wyn.server())
            .env("LOGIN", wyn.user())
            .env("PASSWORD", wyn.password())
            .env("CLIENT", wyn.client_id())
            .env("CLIENT_SECRET", wyn.client_secret())
    }

    /// What a program by hand sends.
    pub(crate) fn form(&self) -> [(&'static str, String); 5] {
        let wyn = self.emulator.wyn();
        [
            ("grant_type", "password".into()),
            ("username", wyn.user()),
            ("password", wyn.password()),
            ("client_id", wyn.client_id().into()),
            ("client_secret", wyn.client_secret()),
        ]
    }
}

/// What a program by hand reads.
#[derive(Deserialize)]
pub(crate) struct Answer {
    pub(crate) access_token: String,
}

/// A token asked for by hand.
pub(crate) async fn bare(
    http: &reqwest::Client,
    url: &str,
    form: &[(&'static str, String)],
) -> String {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let answer = http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .expect("an answer");
    let bytes = answer.bytes().await.expect("a body");
    serde_json::from_slice::<Answer>(&bytes).expect("a token").access_token
}

/// What a program by hand sends with.
pub(crate) fn http() -> reqwest::Client {
    http_options().build().expect("a client")
}

pub(crate) fn http_options() -> reqwest::ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .expect("the platform's trust")
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy()
}

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    if !wanted.has("request_reused") {
        return Vec::new();
    }
    let world = World::new();
    let (form, http) = (world.form(), http());
    let url = format!("{}/connect/token", world.emulator.wyn().server());
    let transport = Transport::new(&HttpOptions::default()).expect("a transport");
    let (server, credentials) = world.wyn();
    let ours = || {
        world.runtime.block_on(async {
            let began = Instant::now();
            for _ in 0..LOOPS {
                exchange(&transport, &server, &credentials).await;
            }
            began.elapsed().as_secs_f64() * 1e6 / f64::from(LOOPS)
        })
    };
    let limit = || {
        world.runtime.block_on(async {
            let began = Instant::now();
            for _ in 0..LOOPS {
                bare(&http, &url, &form).await;
            }
            began.elapsed().as_secs_f64() * 1e6 / f64::from(LOOPS)
        })
    };
    vec![Figure::measure("request_reused", "µs", TURNS, ours, limit).at_most(1.1)]
}

/// A token request as a client sends it: built, sent and read.
async fn exchange(transport: &Transport, server: &Server, credentials: &Credentials) {
    let request = server.request(&Call::Login, credentials).expect("a request");
    let sent = transport.send(request, Duration::from_secs(10)).await;
    let answer = server.read(&Call::Login, &sent.expect("an answer"), Timestamp(0), credentials);
    assert!(matches!(answer, ProviderAnswer::Token(_)), "{answer:?}");
}
