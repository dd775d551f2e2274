//! Clears away, once a day, what nobody will ask for again: records that ended, lock files without
//! a record, and what dead processes left behind.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use super::{
    boot::BootClock,
    folder::{self, Folder},
    lock, record,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What is younger may be in use by somebody who is just about to lock it.
const HOUR: Duration = Duration::from_secs(60 * 60);
const MARK: &str = "swept";

/// Sweeps if nobody did for a day. What fails is left to the next day.
pub(super) fn sweep_daily(folder: &Folder, clock: &BootClock) {
    let mark = folder.join(MARK);
    if age(&mark).is_some_and(|age| age < DAY) {
        return;
    }
    let marked = folder.open_or_make(MARK).and_then(|file| file.set_modified(SystemTime::now()));
    if marked.is_ok() {
        sweep(folder, clock);
    }
}

pub(super) fn sweep(folder: &Folder, clock: &BootClock) {
    let Ok(now) = clock.now(folder) else { return };
    for name in folder.names("").unwrap_or_default() {
        let path = folder.join(&name);
        let is_old = |than| age(&path).is_some_and(|age| age >= than);
        if let Some(key) = name.strip_suffix(record::END) {
            let lock_name = format!("{key}{}", lock::END);
            let ended = || record::header_of(&path).is_some_and(|header| header.until <= now);
            if ended()
                && let Ok(_only_one) = lock::acquire(folder, &lock_name)
                && ended()
            {
                remove(&path);
            }
        } else if let Some(key) = name.strip_suffix(lock::END) {
            // Who opened it meanwhile sees that its name means another file, or none.
            if cfg!(unix)
                && is_old(DAY)
                && !folder.join(&format!("{key}{}", record::END)).exists()
                && let Ok(file) = File::options().read(true).write(true).open(&path)
                && file.try_lock().is_ok()
                && lock::is_still(&file, &path)
            {
                remove(&path);
            }
        } else if name.ends_with(lock::OWNER_END) {
            if is_old(HOUR)
                && let Ok(file) = File::open(&path)
                && file.try_lock().is_ok()
            {
                remove(&path);
            }
        } else if name.ends_with(folder::TEMPORARY_END) && is_old(HOUR)
            || clock.is_of_another_boot(&name) && is_old(30 * DAY)
        {
            remove(&path);
        }
    }
}

fn age(path: &Path) -> Option<Duration> {
    let modified = fs::metadata(path).and_then(|meta| meta.modified()).ok()?;
    SystemTime::now().duration_since(modified).ok()
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(target: "tokenlease", "{} can't be removed: {error}", path.display());
    }
}
