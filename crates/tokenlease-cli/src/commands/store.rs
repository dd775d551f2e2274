//! `store check` and `store init`: whether a store does what it must, and making it ready.

use std::time::Duration;

use serde_json::json;
use tokenlease_store::Check;

use tokenlease_config::{Options, Shared, StoreUrl, store};

use crate::{
    args::{StoreArgs, StoreCommand},
    output::{Failure, Output, config},
    session,
    settings::{self, Environment},
};

pub(crate) fn run(
    command: &StoreCommand,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    match command {
        StoreCommand::Check(args) => {
            let options = options(args, environment)?;
            check(&settings::shared(&options, environment)?, output)
        }
        StoreCommand::Init(args) => {
            let options = options(&args.store, environment)?;
            if args.print {
                return print(&StoreUrl::of(&options), output);
            }
            init(&settings::shared(&options, environment)?, output)
        }
    }
}

fn check(shared: &Shared, output: Output) -> Result<(), Failure> {
    let checked = session::block_on(async {
        let opened = store::open(shared).await?;
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

/// Prints what makes a store ready, for those who apply it themselves.
fn print(url: &StoreUrl, output: Output) -> Result<(), Failure> {
    let Some(migration) = store::migration(url) else {
        return Err(config(format!("{url} needs no statements to be made ready"))
            .expected("the address of a PostgreSQL server")
            .advice("leave --print away to have a folder and its key made")
            .into());
    };
    output.result(migration.trim_end(), &json!({ "migration": migration }))
}

fn init(shared: &Shared, output: Output) -> Result<(), Failure> {
    session::block_on(async {
        store::init(shared).await?;
        // Whatever else it needs, a folder or a key, is there as well.
        store::open(shared).await
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
        store_key: args.store_key,
        store_key_file: args.store_key_file.clone(),
        store_passphrase_file: args.store_passphrase_file.clone(),
        ca: args.ca.clone(),
        ..Options::default()
    };
    settings::merged(given, &args.connection(), environment)
}
