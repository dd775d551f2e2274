//! `store check` and `store init`: whether a store does what it must, and making it ready.

use std::time::Duration;

use serde_json::json;
use tokenlease_store::Check;

use tokenlease_config::{Options, Shared, store};

use crate::{
    args::{StoreArgs, StoreCommand},
    output::{Failure, Output},
    session,
    settings::{self, Environment},
};

pub(crate) fn run(
    command: &StoreCommand,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    match command {
        StoreCommand::Check(args) => check(&options(args, environment)?, output),
        StoreCommand::Init(args) => init(&options(args, environment)?, output),
    }
}

fn check(options: &Options, output: Output) -> Result<(), Failure> {
    let shared = Shared::of(options)?;
    let checked = session::block_on(async {
        let opened = store::open(&shared).await?;
        tokenlease_store::check(&*opened.store).await
    })?;
    let Check { connect, lock, write, read, remove, unlock, clock_ahead_ms, .. } = checked;
    let ms = |took: Duration| (took.as_secs_f64() * 1e6).round() / 1e3;
    output.result(
        &format!("store    {}\n{checked}", shared.url),
        &json!({
            "store": shared.url.to_string(),
            "connect_ms": ms(connect),
            "lock_ms": ms(lock),
            "write_ms": ms(write),
            "read_ms": ms(read),
            "remove_ms": ms(remove),
            "unlock_ms": ms(unlock),
            "clock_ahead_ms": clock_ahead_ms,
        }),
    )
}

fn init(options: &Options, output: Output) -> Result<(), Failure> {
    let shared = Shared::of(options)?;
    session::block_on(async {
        store::init(&shared).await?;
        // Whatever else it needs, a folder or a key, is there as well.
        store::open(&shared).await
    })?;
    let text = format!("ready: {}", shared.url);
    output.result(&text, &json!({ "store": shared.url.to_string(), "ready": true }))
}

/// The options about the store, from the command line, the environment and a profile.
fn options(args: &StoreArgs, environment: Environment<'_>) -> tokenlease::Result<Options> {
    let why = "others on this machine can read the command line";
    store::check_place(args.url.as_ref(), "the address", why)?;
    let given = Options {
        store: args.url.clone(),
        store_key_file: args.store_key_file.clone(),
        ca: args.ca.clone(),
        ..Options::default()
    };
    settings::merged(given, &args.connection(), environment)
}
