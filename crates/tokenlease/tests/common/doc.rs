// Included by the examples in the documentation: a client of an emulated provider on loopback.

use tokenlease_emulator::Emulator;

/// Starts the emulator, and makes a client of the emulated WinKAS Air with a new registry.
#[allow(dead_code, reason = "each example uses one of these")]
async fn winkas() -> (Emulator, tokenlease::Client) {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = winkas_client(&emulator);
    (emulator, client)
}

/// As `winkas`, for examples that block.
#[allow(dead_code, reason = "each example uses one of these")]
fn winkas_blocking() -> (Emulator, tokenlease::Client) {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let client = winkas_client(&emulator);
    (emulator, client)
}

#[allow(dead_code, reason = "each example uses one of these")]
fn winkas_client(emulator: &Emulator) -> tokenlease::Client {
    let w = emulator.winkas();
    let identity = tokenlease::core::Identity::winkas(&w.server(), &w.user(), &w.contract());
    let server = tokenlease::core::provider::Server::new(identity.unwrap());
    let credentials = tokenlease::core::Credentials::password(w.password());
    let registry = tokenlease::Registry::builder().build().unwrap();
    tokenlease::Client::builder(server, credentials).registry(&registry).build().unwrap()
}

/// Starts the emulator, and makes a client of the emulated Wyn Enterprise with a new registry.
#[allow(dead_code, reason = "each example uses one of these")]
async fn wyn() -> (Emulator, tokenlease::Client) {
    let emulator = Emulator::builder().start().await.unwrap();
    let w = emulator.wyn();
    let identity = tokenlease::core::Identity::wyn(&w.server(), &w.user(), w.client_id());
    let server = tokenlease::core::provider::Server::new(identity.unwrap());
    let credentials = tokenlease::core::Credentials::password(w.password());
    let credentials = credentials.with_client_secret(w.client_secret());
    let registry = tokenlease::Registry::builder().build().unwrap();
    let client = tokenlease::Client::builder(server, credentials).registry(&registry).build();
    (emulator, client.unwrap())
}
