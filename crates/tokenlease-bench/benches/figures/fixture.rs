//! An emulator with clients of it, and the same request without tokenlease.

use std::{process::Command, sync::Arc};

use rustls_platform_verifier::BuilderVerifierExt;
use serde::Deserialize;
use tokenlease::{
    Client, Registry, SteeredClock,
    core::{Credentials, Identity, provider::Server},
};
use tokenlease_emulator::Emulator;
use tokio::runtime::Runtime;

/// An emulator, and clients of it on a clock that the benchmark moves.
pub(crate) struct Fixture {
    pub(crate) emulator: Emulator,
    pub(crate) clock: SteeredClock,
    pub(crate) runtime: Runtime,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            emulator: Emulator::builder().start_blocking().expect("a free port"),
            clock: SteeredClock::new(),
            runtime: Runtime::new().expect("a runtime"),
        }
    }

    /// Returns a new registry with an empty store in memory.
    pub(crate) fn registry(&self) -> Registry {
        Registry::builder().clock(Arc::new(self.clock.clone())).build().expect("a registry")
    }

    /// Returns a new client of the emulated Wyn Enterprise.
    pub(crate) fn client(&self, registry: &Registry) -> Client {
        let (server, credentials) = self.wyn();
        Client::builder(server, credentials).registry(registry).build().expect("a client")
    }

    /// Returns the emulated Wyn Enterprise, and credentials for it.
    pub(crate) fn wyn(&self) -> (Server, Credentials) {
        let wyn = self.emulator.wyn();
        let identity =
            Identity::wyn(&wyn.server(), &wyn.user(), wyn.client_id()).expect("an identity");
        let credentials =
            Credentials::password(wyn.password()).with_client_secret(wyn.client_secret());
        (Server::new(identity), credentials)
    }

    /// Returns a client on the system's clock with a cached token.
    pub(crate) fn warm_client(&self) -> Client {
        let client = self.client(&Registry::builder().build().expect("a registry"));
        self.runtime.block_on(client.token()).expect("a token");
        client
    }

    /// Gives a program the address of the emulated Wyn Enterprise as an argument, and the
    /// credentials as environment variables.
    pub(crate) fn pass_wyn_to<'a>(&self, program: &'a mut Command) -> &'a mut Command {
        let wyn = self.emulator.wyn();
        program
            .arg(wyn.server())
            .env("LOGIN", wyn.user())
            .env("PASSWORD", wyn.password())
            .env("CLIENT", wyn.client_id())
            .env("CLIENT_SECRET", wyn.client_secret())
    }

    /// Returns the form of a login without tokenlease.
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

/// The fields that a program without tokenlease reads.
#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
}

/// Logs in with reqwest and serde, without tokenlease.
pub(crate) async fn plain_login(
    http: &reqwest::Client,
    url: &str,
    form: &[(&'static str, String)],
) -> String {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let response = http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .expect("a response");
    let bytes = response.bytes().await.expect("a body");
    serde_json::from_slice::<TokenResponse>(&bytes).expect("a token").access_token
}

/// Returns a reqwest client that trusts the platform's certificates.
pub(crate) fn plain_http() -> reqwest::Client {
    plain_http_builder().build().expect("a client")
}

pub(crate) fn plain_http_builder() -> reqwest::ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .expect("the platform's certificates")
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy()
}
