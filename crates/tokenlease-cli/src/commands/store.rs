//! `store check` and `store init`: test and prepare a store.

use std::time::Duration;

use serde_json::json;
use tokenlease::{Error, core::Identity, store::RecordName};
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
            // Without an identity only the store is checked.
            let identity = options.provider.and_then(|_| options.identity().ok());
            check(&settings::store(&options, environment)?, identity, output)
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

fn check(config: &StoreConfig, identity: Option<Identity>, output: Output) -> Result<(), Failure> {
    let (checked, record) = session::block_on(async {
        let opened = store::open(config).await?;
        let checked = tokenlease_store::check(&opened.store).await?;
        let Some(identity) = identity else { return Ok((checked, None)) };
        let name = RecordName::new(identity);
        let exists = tokenlease_store::check_record(&opened.store, &name).await?;
        Ok::<_, Error>((checked, Some((name, exists))))
    })?;
    let line = record.as_ref().map(|(name, exists)| {
        let state = if *exists { "can be read and locked" } else { "does not exist yet" };
        format!("\nrecord   of {} {state}", name.identity())
    });
    let Check { connect, lock, write, read, remove, unlock, clock_ahead_ms, .. } = checked;
    let ms = |took: Duration| (took.as_secs_f64() * 1e6).round() / 1e3;
    output.result(
        &format!("store    {}\n{checked}{}", config.url, line.unwrap_or_default()),
        &json!({
            "store": config.url.to_string(),
            "connect_ms": ms(connect),
            "lock_ms": ms(lock),
            "write_ms": ms(write),
            "read_ms": ms(read),
            "remove_ms": ms(remove),
            "unlock_ms": ms(unlock),
            "clock_ahead_ms": clock_ahead_ms,
            "record": record.map(|(name, exists)| json!({
                "identity": name.identity().to_string(),
                "exists": exists,
            })),
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
