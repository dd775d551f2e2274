//! `history`: shows the last logins, refetches and rejections of an identity, and why each was sent. Sends
//! no request to a server.

mod svg;
mod table;

use std::{fs, path::Path};

use serde_json::Value;
use tokenlease::{
    Clock as _, Error, ErrorKind, History, Result, Store as _, SystemClock, core::WallTime,
    store::RecordName,
};
use tokenlease_config::store;

use crate::{
    args, exit,
    output::{Failure, Output, config},
    session,
    settings::{Environment, Settings},
};

/// The history of an identity, as it was read.
struct Known {
    identity: String,
    store: String,
    history: History,
    /// When it was read.
    now: WallTime,
}

pub(crate) fn run(
    args: &args::History,
    output: Output,
    environment: Environment<'_>,
) -> Result<u8, Failure> {
    let settings = Settings::resolve(&args.connection, environment)?;
    let known = session::block_on(read(&settings))?;
    if let Some(path) = &args.svg {
        write(path, &svg::of(&known))?;
    }
    output.result(table::of(&known).trim_end(), &json(&known, &settings)?)?;
    Ok(exit::SUCCESS)
}

/// Reads the record of the settings' identity.
async fn read(settings: &Settings) -> Result<Known> {
    let config = settings.store()?;
    let name = RecordName::new(settings.identity.clone());
    let read = async {
        let opened = store::open(&config).await?;
        opened.store.load(&name).await.map_err(Error::from)
    };
    let loaded = settings.deadline().bound("the store was read", read).await?;
    let now = SystemClock.now().wall;
    Ok(Known {
        identity: settings.identity.to_string(),
        store: config.url.to_string(),
        history: History::read(&loaded, now)?,
        now,
    })
}

fn json(known: &Known, settings: &Settings) -> Result<Value> {
    let broken = |_| Error::new(ErrorKind::Internal, "the history is no JSON object");
    let mut json: Value = serde_json::from_str(&known.history.to_json()).map_err(broken)?;
    if let Some(fields) = json.as_object_mut() {
        let name = RecordName::new(settings.identity.clone());
        fields.insert("identity".into(), known.identity.clone().into());
        fields.insert("store".into(), known.store.clone().into());
        let digits: String = name.key().chars().take(super::status::DIGITS).collect();
        fields.insert("record".into(), digits.into());
    }
    Ok(json)
}

fn write(path: &Path, svg: &str) -> Result<()> {
    fs::write(path, svg).map_err(|error| {
        config(format!("{} can't be written: {error}", path.display()))
            .expected("a file in a folder that you may write to")
    })
}
