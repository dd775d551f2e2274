//! Removes files that no process needs, once a day: expired records, lock files without a record,
//! and files that processes left behind when they ended.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use super::{
    boot::BootClock,
    folder::{self, Folder},
    header::{Header, RECORD_END},
    lock,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A process may be just about to lock a younger file.
const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const MARK: &str = "swept";

/// Returns whether no process swept the folder of that mark for a day.
pub(super) fn is_due(mark: &Path) -> bool {
    age(mark).is_none_or(|age| age >= DAY)
}

/// Sweeps if no process did so for a day. A file that can't be removed stays until the next sweep.
pub(super) fn sweep_daily(folder: &Folder, clock: &BootClock) {
    if !is_due(&folder.join(MARK)) {
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
        if let Some(key) = name.strip_suffix(RECORD_END) {
            let lock_name = format!("{key}{}", lock::END);
            let expired = || Header::read(&path).is_some_and(|header| header.until <= now);
            if expired()
                && let Ok(_kernel_lock) = lock::acquire(folder, &lock_name)
                && expired()
            {
                remove(&path);
            }
        } else if let Some(key) = name.strip_suffix(lock::END) {
            // A process that opened the file meanwhile notices that its name is another file's now.
            if cfg!(unix)
                && is_old(DAY)
                && !folder.join(&format!("{key}{RECORD_END}")).exists()
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
