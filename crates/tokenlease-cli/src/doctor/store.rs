//! The store, the record that other commands use, and the clocks that it was written by.

use tokenlease::{
    Store as _,
    core::{
        Key,
        record::{OwnEntries, Record},
    },
    status::StoreClock,
    store::{Loaded, RecordName},
};
use tokenlease_config::{duration, store};

use super::Finding;
use crate::{commands::status::entry::parted_text, output::Failure, session, settings::Settings};

/// Opens and tests the store.
pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let checked = session::block_on(async {
        let config = settings.store()?;
        let opened = store::open(&config).await?;
        let checked = tokenlease_store::check(&opened.store).await?;
        let took = duration::show(checked.write);
        // The record that other commands use may belong to another user.
        let name = RecordName::new(settings.identity.clone());
        let exists = tokenlease_store::check_record(&opened.store, &name).await?;
        let record = if exists { "can be read" } else { "does not exist yet" };
        let url = &config.url;
        let works =
            Finding::ok("store", format!("{url} works; a write takes {took}; the record {record}"));
        let loaded = opened.store.load(&name).await.map_err(tokenlease::Error::from)?;
        Ok::<_, Failure>([Some(works), clocks(settings, &opened.key, &loaded)])
    });
    match checked {
        Ok(findings) => findings.into_iter().flatten().collect(),
        Err(failure) => vec![Finding::error("store", &failure.error)],
    }
}

/// Warns if the host's clocks have parted since a token of these credentials was confirmed, or a token of
/// any if the credentials are not known without a prompt.
fn clocks(settings: &Settings, key: &Key, loaded: &Loaded) -> Option<Finding> {
    let clocks = StoreClock::at(loaded.now);
    let own = settings.known_credentials().ok().flatten();
    let own = OwnEntries::new(key, &settings.identity, own.as_ref());
    // A record that can't be read was reported already.
    let record = Record::decode(loaded.record.as_ref()?.bytes()).ok()?;
    let entries = record.summary(loaded.now).entries;
    let entries =
        entries.iter().filter(|entry| own.is_none_or(|own| own.contains(entry.credentials)));
    let leases = entries.filter_map(|entry| entry.lease);
    let by = leases.filter_map(|lease| clocks.parted(&lease)).max_by_key(|by| by.unsigned_abs())?;
    Some(Finding::warn(
        "clocks",
        format!("{} since the token was confirmed", parted_text(by)),
        "if the wall clock is wrong, correct it (NTP); otherwise the host was frozen, and the next \
         `tokenlease token` validates the token first, where the server can validate tokens",
    ))
}
