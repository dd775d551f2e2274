//! `store check` and `store init`: test and prepare a store.

use std::time::Duration;

use serde_json::json;
use tokenlease_store::Check;

use tokenlease_config::{Options, StoreConfig, StoreUrl, store};

use crate::{
    args::{StoreArgs, StoreCommand},
    output::{self, Failure, Output},
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
            check(&settings::store(&options, environment)?, output)
        }
        StoreCommand::Init(args) => {
            let options = options(&args.store, environment)?;
            if args.print {
                return print(&options.store_url(), output);
            }
            init(&settings::store(&options, environment)?, output)
        }
    }
}

fn check(config: &StoreConfig, output: Output) -> Result<(), Failure> {
    let checked = session::block_on(async {
        let opened = store::open(config).await?;
        tokenlease_store::check(&opened.store).await
    })?;
    let Check { connect, lock, write, read, remove, unlock, clock_ahead_ms, .. } = checked;
    let ms = |took: Duration| (took.as_secs_f64() * 1e6).round() / 1e3;
    output.result(
        &format!("store    {}\n{checked}", config.url),
        &json!({
            "store": config.url.to_string(),
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

/// Prints the SQL statements that create the store's table.
fn print(url: &StoreUrl, output: Output) -> Result<(), Failure> {
    let Some(migration) = store::migration(url) else {
        return Err(output::config(format!("{url} needs no SQL statements"))
            .expected("the URL of a PostgreSQL server")
            .advice("omit --print to create a folder and its key")
            .into());
    };
    output.result(migration.trim_end(), &json!({ "migration": migration }))
}

fn init(config: &StoreConfig, output: Output) -> Result<(), Failure> {
    session::block_on(async {
        store::init(config).await?;
        // Creates a folder and its key.
        store::open(config).await
    })?;
    let text = format!("ready: {}", config.url);
    output.result(&text, &json!({ "store": config.url.to_string(), "ready": true }))
}

/// Merges the store's options of the command line, the environment and a profile.
fn options(args: &StoreArgs, environment: Environment<'_>) -> tokenlease::Result<Options> {
    settings::merged(args.options()?, &args.connection(), environment)
}
