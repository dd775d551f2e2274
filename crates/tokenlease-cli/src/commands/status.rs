//! `status`: what the store holds, without the tokens. Nothing is sent to any provider.

mod check;
mod entry;
mod table;

use std::{fs, path::Path, time::SystemTime};

use serde_json::{Value, json};
use tokenlease::{
    Clock as _, Error, ErrorKind, Result, SystemClock,
    core::{
        CredentialsFingerprint, WallTime,
        record::{DecodeError, Record},
    },
    store::RecordName,
};

use self::entry::{Clocks, Known};
use tokenlease_config::{StoreUrl, store};

use crate::{
    args::{Connection, Status},
    exit,
    output::{Failure, Output, warn},
    profile, session,
    settings::{self, Environment, Settings},
};

/// How many digits of a record's name are shown.
const DIGITS: usize = 12;
/// A record's file without a record: one that was removed leaves that much until it is swept away.
const EMPTY: u64 = 90;

pub(crate) fn run(
    args: &Status,
    output: Output,
    environment: Environment<'_>,
) -> Result<u8, Failure> {
    let connection = &args.connection;
    // A monitor asks for one identity; without one, that is the error.
    let is_named = args.check || settings::names_a_provider(connection, environment)?;
    if is_named {
        let settings = Settings::resolve(connection, environment)?;
        let known = session::block_on(look(&settings))?;
        if args.check {
            return check::run(&known, args.min_remaining.unwrap_or_default(), output);
        }
        let others = others(&StoreUrl::of(&settings.options), &[&known]);
        return show(&[(None, known)], &others, output);
    }
    let mut all = Vec::new();
    for (name, settings) in profiles(connection, environment)? {
        match session::block_on(look(&settings)) {
            Ok(known) => all.push((Some(name), known)),
            // The others are of use all the same.
            Err(failure) => warn(format!("profile \"{name}\": {}", failure.error)),
        }
    }
    let options = settings::merged(connection.options.clone(), connection, environment)?;
    let known: Vec<_> = all.iter().map(|(_, known)| known).collect();
    let others = others(&StoreUrl::of(&options), &known);
    show(&all, &others, output)
}

/// All profiles of the configuration file that name an identity.
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

/// Looks at the record of the settings' identity.
async fn look(settings: &Settings) -> Result<Known> {
    let shared = settings.shared()?;
    let credentials = settings.known_credentials()?;
    let opened = store::open(&shared).await?;
    let name = RecordName::new(settings.identity.clone());
    let loaded = opened.store.load(&name).await.map_err(Error::from)?;
    let record = match &loaded.record {
        // A torn one is none: the next write replaces it.
        Some(stored) => Record::decode(stored.bytes()).or_else(|error| match error {
            DecodeError::Torn => Ok(Record::default()),
            error => Err(Error::new(ErrorKind::Store, error.to_string())),
        })?,
        None => Record::default(),
    };
    Ok(Known {
        identity: settings.identity.to_string(),
        key: name.key().to_owned(),
        store: shared.url.to_string(),
        mine: credentials.map(|credentials| CredentialsFingerprint::of(&opened.key, &credentials)),
        summary: record.summary(loaded.now),
        clocks: Clocks { store: loaded.now, wall: SystemClock.now().wall },
    })
}

/// A record in a folder whose identity nobody named: its name is a hash.
struct Other {
    store: String,
    key: String,
    written: Option<WallTime>,
}

/// The records of the folder, but for those that are known.
fn others(url: &StoreUrl, known: &[&Known]) -> Vec<Other> {
    let Some(folder) = url.folder() else { return Vec::new() };
    let mut others: Vec<_> = records(&folder)
        .into_iter()
        .filter(|(key, _)| known.iter().all(|known| known.key != *key))
        .map(|(key, written)| Other {
            store: url.to_string(),
            key: key.chars().take(DIGITS).collect(),
            written,
        })
        .collect();
    others.sort_by(|one, other| one.key.cmp(&other.key));
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

fn show(all: &[(Option<String>, Known)], others: &[Other], output: Output) -> Result<u8, Failure> {
    let identities: Vec<Value> =
        all.iter().map(|(profile, known)| known.json(profile.as_deref())).collect();
    let rest: Vec<Value> = others
        .iter()
        .map(|other| {
            json!({
                "store": other.store,
                "key": other.key,
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
