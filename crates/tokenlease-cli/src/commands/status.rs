//! `status`: lists the store's records without the tokens. Sends no request to a server.

mod check;
mod entry;
mod table;

use std::{fs, path::Path, time::SystemTime};

use serde_json::{Value, json};
use tokenlease::{
    Clock as _, Error, ErrorKind, Result, Store as _, SystemClock,
    core::{
        CredentialsFingerprint, WallTime,
        record::{DecodeError, Record},
    },
    store::RecordName,
};

use self::entry::{Clocks, IdentityStatus};
use tokenlease_config::{StoreUrl, store};

use crate::{
    args::{Connection, Status},
    exit,
    output::{Failure, Output, warn},
    profile, session,
    settings::{self, Environment, Settings},
};

/// The number of digits of a record's name that are printed.
const DIGITS: usize = 12;
/// The size in bytes of a file whose record was removed. The store deletes such files later.
const EMPTY: u64 = 90;

pub(crate) fn run(
    args: &Status,
    output: Output,
    environment: Environment<'_>,
) -> Result<u8, Failure> {
    let connection = &args.connection;
    // --check needs one identity: without it, `resolve` returns the error.
    let has_identity = args.check || settings::names_a_provider(connection, environment)?;
    if has_identity {
        let settings = Settings::resolve(connection, environment)?;
        let known = session::block_on(read(&settings))?;
        if args.check {
            return check::run(&known, args.min_remaining.unwrap_or_default(), output);
        }
        let others = others(&settings.options.store_url(), &[&known]);
        return show(&[(None, known)], &others, output);
    }
    let mut all = Vec::new();
    for (name, settings) in profiles(connection, environment)? {
        match session::block_on(read(&settings)) {
            Ok(known) => all.push((Some(name), known)),
            // One broken profile does not hide the others.
            Err(failure) => warn(format!("profile \"{name}\": {}", failure.error)),
        }
    }
    let options = settings::merged(connection.options.clone(), connection, environment)?;
    let known: Vec<_> = all.iter().map(|(_, known)| known).collect();
    let others = others(&options.store_url(), &known);
    show(&all, &others, output)
}

/// Returns the settings of all profiles that name an identity.
fn profiles(
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<Vec<(String, Settings)>> {
    let mut all = Vec::new();
    for name in profile::names(settings::config_file(connection, environment).as_deref())? {
        let mut connection = connection.clone();
        connection.profile = Some(name.clone());
        match Settings::resolve(&connection, environment) {
            Ok(settings) => all.push((name, settings)),
            Err(error) => warn(format!("profile \"{name}\": {error}")),
        }
    }
    Ok(all)
}

/// Reads the record of the settings' identity.
async fn read(settings: &Settings) -> Result<IdentityStatus> {
    let config = settings.store()?;
    let credentials = settings.known_credentials()?;
    let opened = store::open(&config).await?;
    let name = RecordName::new(settings.identity.clone());
    let loaded = opened.store.load(&name).await.map_err(Error::from)?;
    let record = match &loaded.record {
        // A torn record counts as absent: the next write replaces it.
        Some(stored) => Record::decode(stored.bytes()).or_else(|error| match error {
            DecodeError::Torn => Ok(Record::default()),
            error => Err(Error::new(ErrorKind::Store, error.to_string())),
        })?,
        None => Record::default(),
    };
    Ok(IdentityStatus {
        identity: settings.identity.to_string(),
        record: name.key().to_owned(),
        store: config.url.to_string(),
        own: credentials.map(|credentials| CredentialsFingerprint::of(&opened.key, &credentials)),
        summary: record.summary(loaded.now),
        clocks: Clocks { store: loaded.now, wall: SystemClock.now().wall },
    })
}

/// A record in a folder whose identity is unknown, because its name is a hash.
struct Other {
    store: String,
    record: String,
    written: Option<WallTime>,
}

/// Returns the folder's records that belong to no known identity.
fn others(url: &StoreUrl, known: &[&IdentityStatus]) -> Vec<Other> {
    let Some(folder) = url.folder() else { return Vec::new() };
    let mut others: Vec<_> = records(&folder)
        .into_iter()
        .filter(|(name, _)| known.iter().all(|known| known.record != *name))
        .map(|(name, written)| Other {
            store: url.to_string(),
            record: name.chars().take(DIGITS).collect(),
            written,
        })
        .collect();
    others.sort_by(|one, other| one.record.cmp(&other.record));
    others
}

fn records(folder: &Path) -> Vec<(String, Option<WallTime>)> {
    let written = |meta: &fs::Metadata| {
        let modified = meta.modified().ok()?;
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok().map(WallTime)
    };
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let meta = entry.metadata().ok().filter(|meta| meta.len() > EMPTY)?;
            Some((name.strip_suffix(".record")?.to_owned(), written(&meta)))
        })
        .collect()
}

fn show(
    all: &[(Option<String>, IdentityStatus)],
    others: &[Other],
    output: Output,
) -> Result<u8, Failure> {
    let identities: Vec<Value> =
        all.iter().map(|(profile, known)| known.json(profile.as_deref())).collect();
    let rest: Vec<Value> = others
        .iter()
        .map(|other| {
            json!({
                "store": other.store,
                "record": other.record,
                "written_at": other.written.map(|at| at.to_string()),
            })
        })
        .collect();
    output.result(
        table::of(all, others).trim_end(),
        &json!({ "identities": identities, "others": rest }),
    )?;
    Ok(exit::SUCCESS)
}
