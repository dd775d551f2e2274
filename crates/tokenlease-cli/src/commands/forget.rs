//! `forget`: removes a token from the store, without revoking it.

use std::sync::Arc;

use serde_json::json;
use tokenlease::{Result, SystemClock};
use tokenlease_store::FileStore;

use crate::{
    args::Forget,
    output::{self, Failure, Output},
    session::{self, Session},
    settings::{self, Environment},
};

pub(crate) fn run(
    args: &Forget,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    let (forgotten, text) = match &args.record {
        Some(name) => (by_name(args, name, environment)?, "the store has no record of this name"),
        None => (
            super::with_login(&args.connection, environment, Session::forget)?,
            "the store has no token of these credentials",
        ),
    };
    let text = if forgotten {
        "forgotten: the token is no longer in the store; it stays active until it expires"
    } else {
        text
    };
    output.result(text, &json!({ "forgotten": forgotten }))
}

/// Removes a record of a folder by its name, and returns whether there was one.
fn by_name(args: &Forget, name: &str, environment: Environment<'_>) -> Result<bool, Failure> {
    let connection = &args.connection;
    connection.check()?;
    let options = settings::merged(connection.options.clone(), connection, environment)?;
    let url = options.store_url();
    let Some(folder) = url.folder() else {
        return Err(output::config(format!("{url} has no names of records"))
            .expected("a folder, --store file:/path")
            .advice("give the profile or the identity instead of --record")
            .into());
    };
    if !folder.exists() {
        return Ok(false);
    }
    session::block_on(async {
        let clock = Arc::new(SystemClock);
        FileStore::with_access(folder, options.folder_access(), clock)?.remove(name).await
    })
}
