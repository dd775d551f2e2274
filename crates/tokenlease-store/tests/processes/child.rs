//! One process with one client. It reads orders from its standard input, one a line, and answers
//! each with a line.

use std::{
    io::{BufRead as _, Write as _},
    time::Duration,
};

use tokenlease::{
    Client, Registry, Result,
    core::{Credentials, Identity, Secret, vendor::Server},
};
use tokenlease_store::{KeySource, StoreOptions, open_blocking};

/// Says that a process is to be a child, and of what store.
pub(crate) const STORE: &str = "TOKENLEASE_TEST_STORE";
/// Answers begin with it, so that they are told from the test runner's own lines.
pub(crate) const MARK: &str = "child: ";

/// No test: the beginning of a child.
#[test]
fn child() {
    let Ok(store) = std::env::var(STORE) else { return };
    let answer = |text: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{MARK}{text}").and_then(|()| out.flush()).unwrap();
    };
    let client = match client(&store) {
        Ok(client) => client.blocking(),
        Err(error) => return answer(format!("error {} {error}", error.kind().as_str())),
    };
    answer("ready".into());
    for order in std::io::stdin().lock().lines() {
        let order = order.unwrap();
        let done = match order.split_once(' ').unwrap_or((&order, "")) {
            ("token", _) => client
                .lease()
                .map(|served| format!("token {:?} {}", served.rung, served.lease.token().expose())),
            ("refuse", _) => client
                .token()
                .and_then(|token| client.refuse(&token))
                .map(|refusal| format!("refused {refusal:?}")),
            ("forget", _) => client.forget().map(|()| "forgotten".into()),
            ("explain", _) => Ok(client.explain()),
            _ => panic!("what is {order:?}?"),
        };
        let error = |error: tokenlease::Error| format!("error {} {error}", error.kind().as_str());
        answer(done.unwrap_or_else(error));
    }
    // The parent closed the pipe: nothing is left half done.
    let _ = client.close();
}

fn client(store: &str) -> Result<Client> {
    let of = |name: &str| std::env::var(format!("TOKENLEASE_TEST_{name}")).unwrap_or_default();
    let mut options = StoreOptions::new();
    if let Some(key) = Some(of("KEY")).filter(|key| !key.is_empty()) {
        options = options.with_key(KeySource::from_text(&key)?);
    }
    let opened = open_blocking(store, &options)?;
    let registry = Registry::builder().store(opened.store, opened.key).build()?;
    let credentials = Credentials::password(Secret::from(of("PASSWORD")));
    let (identity, credentials) = match &*of("VENDOR") {
        "winkas" => (Identity::winkas(&of("SERVER"), &of("USER"), &of("REALM"))?, credentials),
        _ => (
            Identity::wyn(&of("SERVER"), &of("USER"), &of("CLIENT"))?.with_tenant(&of("REALM")),
            credentials.with_client_secret(Secret::from(of("SECRET"))),
        ),
    };
    let millis = |name| of(name).parse().map(Duration::from_millis);
    let mut builder = Client::builder(Server::new(identity), credentials).registry(&registry);
    if let Ok(refresh) = millis("REFRESH") {
        builder = builder.store_refresh(refresh);
    }
    if let Ok(life) = millis("LOCK") {
        builder = builder.lock_life(life);
    }
    if let Ok(wait) = millis("DEADLINE") {
        builder = builder.deadline(wait);
    }
    builder.build()
}
