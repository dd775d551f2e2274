//! `status`: lists the store's records without the tokens. Sends no request to a server.

mod check;
pub(crate) mod entry;
pub(crate) mod nagios;
mod openmetrics;
mod table;

use std::{fs, path::Path, time::SystemTime};

use serde_json::{Value, json};
use tokenlease::{
    Clock as _, Error, Result, Store as _, SystemClock,
    core::{
        StoreTime, WallTime,
        record::{OwnEntries, Record},
    },
    status::StoreClock,
    store::RecordName,
};

use self::{check::Check, entry::IdentityStatus};
use tokenlease_config::{StoreUrl, profile, store};

use crate::{
    args::{Connection, Format, Status},
    exit,
    output::{Failure, Output, config, line, warn},
    session,
    settings::{self, Environment, Settings},
};

/// The number of digits of a record's name that are printed.
pub(super) const DIGITS: usize = 12;
/// The size in bytes of a file whose record was removed. The store deletes such files later.
const EMPTY: u64 = 90;

pub(crate) fn run(
    args: &Status,
    output: Output,
    environment: Environment<'_>,
) -> Result<u8, Failure> {
    let result = checked(args, output).map_err(Failure::from);
    let result = result.and_then(|()| read_and_print(args, output, environment));
    match result {
        Err(failure) if args.format == Some(Format::Nagios) => nagios::unknown(failure.error),
        result => result,
    }
}

/// Rejects options that exclude one another.
fn checked(args: &Status, output: Output) -> Result<()> {
    let format = match args.format {
        Some(Format::Nagios) if !args.check => "--format nagios needs --check",
        Some(Format::Openmetrics) if args.check => "--format openmetrics excludes --check",
        Some(_) if output == Output::Json => "--format excludes --output json",
        _ => return Ok(()),
    };
    Err(config(format).expected("one format: that of --check, of --format or of --output"))
}

fn read_and_print(
    args: &Status,
    output: Output,
    environment: Environment<'_>,
) -> Result<u8, Failure> {
    let connection = &args.connection;
    // --check needs one identity: without it, `resolve` returns the error.
    let has_identity = args.check || settings::names_a_provider(connection, environment)?;
    let (mut all, mut unreadable) = (Vec::new(), Vec::new());
    let url;
    if has_identity {
        let settings = Settings::resolve(connection, environment)?;
        let known = session::block_on(read(&settings))?;
        if args.check {
            let check = Check::of(&known, args.min_remaining.unwrap_or_default());
            return match args.format {
                Some(_) => nagios::run(&check, &known),
                None => check.run(&known, output),
            };
        }
        url = settings.options.store_url();
        all.push((None, known));
    } else {
        for (name, settings) in profiles(connection, environment)? {
            let read = settings
                .map_err(Failure::from)
                .and_then(|settings| session::block_on(read(&settings)));
            match read {
                Ok(known) => all.push((Some(name), known)),
                // One broken profile does not hide the others.
                Err(failure) => {
                    warn(format!("profile \"{name}\": {}", failure.error));
                    unreadable.push(name);
                }
            }
        }
        let options = settings::merged(connection.options.clone(), connection, environment)?;
        url = options.store_url();
    }
    if args.format.is_some() {
        line(&openmetrics::of(&all, &unreadable))?;
        return Ok(exit::SUCCESS);
    }
    let known: Vec<_> = all.iter().map(|(_, known)| known).collect();
    show(&all, &others(&url, &known), output)
}

/// Returns the settings of all profiles.
fn profiles(
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<Vec<(String, Result<Settings>)>> {
    let names = profile::names(settings::config_file(connection, environment).as_deref())?;
    let of_profile = |name: String| {
        let mut connection = connection.clone();
        connection.profile = Some(name.clone());
        (name, Settings::resolve(&connection, environment))
    };
    Ok(names.into_iter().map(of_profile).collect())
}

/// Reads the record of the settings' identity.
async fn read(settings: &Settings) -> Result<IdentityStatus> {
    let config = settings.store()?;
    let credentials = settings.known_credentials()?;
    let name = RecordName::new(settings.identity.clone());
    let read = async {
        let Some(opened) = store::open_existing(&config).await? else { return Ok((None, None)) };
        let loaded = opened.store.load(&name).await.map_err(Error::from)?;
        Ok((Some(opened.key), Some(loaded)))
    };
    let (key, loaded) = settings.deadline().bound("the store was read", read).await?;
    // A store without a record is not opened, so its time is not known.
    let wall = || StoreTime(SystemClock.now().wall.0);
    let clock = StoreClock::at(loaded.as_ref().map_or_else(wall, |loaded| loaded.now));
    let record = loaded.map_or_else(|| Ok(Record::default()), |loaded| loaded.decode())?;
    Ok(IdentityStatus {
        identity: settings.identity.to_string(),
        record: name.key().to_owned(),
        store: config.url.to_string(),
        own: key.and_then(|key| OwnEntries::new(&key, &settings.identity, credentials.as_ref())),
        summary: record.summary(clock.store),
        clock,
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
