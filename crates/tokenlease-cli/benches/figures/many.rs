//! Many clients of one registry.

use std::collections::HashMap;

use tokenlease::{
    Client, Registry,
    core::{Credentials, Identity, Token, TokenKind, vendor::Server},
};

use crate::{
    figure::{Figure, Wanted, nanoseconds},
    request::{World, http},
};

const TURNS: usize = 31;
/// How many identities are cached.
const MANY: u32 = 100_000;

fn client(registry: &Registry, number: u32) -> Client {
    let identity = Identity::wyn("https://wyn.example.com", &format!("user-{number:07}"), "app");
    let credentials = Credentials::password("password").with_client_secret("secret");
    Client::builder(Server::new(identity.expect("an identity")), credentials)
        .registry(registry)
        .build()
        .expect("a client")
}

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    let mut figures = Vec::new();
    if wanted.has("client_further") {
        let registry = Registry::builder().build().expect("a registry");
        let ours = || nanoseconds(100, || client(&registry, 7)) / 1e3;
        let limit = || nanoseconds(10, http) / 1e3;
        figures
            .push(Figure::measure("client_further", "µs", TURNS, ours, limit).at_most(1.0 / 30.0));
    }
    if wanted.has("identity_bytes") {
        figures.push(bytes());
    }
    figures
}

/// What an identity with a cached token takes, beyond its texts.
fn bytes() -> Figure {
    let world = World::new();
    let registry = Registry::builder().build().expect("a registry");
    let mut cached = HashMap::with_capacity(MANY as usize);
    let before = resident();
    let mut texts = 0_usize;
    world.runtime.block_on(async {
        for number in 0..MANY {
            let client = client(&registry, number);
            let text = format!("{number:064}");
            texts += text.len() + "https://wyn.example.comuser-0000000app/".len();
            let token = Token::new(TokenKind::Bearer, text);
            client.adopt(token, None).await.expect("adopted");
            client.token().await.expect("a token");
            cached.insert(number, client);
        }
    });
    let after = resident();
    #[expect(clippy::cast_precision_loss, reason = "bytes")]
    let each = ((after - before) as f64 - texts as f64) / f64::from(MANY);
    Figure::measure("identity_bytes", "B", 1, || each, || 400.0).at_most(1.0)
}

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("pages") * 4096
}
