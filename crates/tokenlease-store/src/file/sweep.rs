//! Removes files that no process needs, once a day: expired records, lock files without a record,
//! and files that processes left behind when they ended.

use std::{
    fs,
    io::{self, Seek as _, Write as _},
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
    if folder.reads_only || !is_due(&folder.join(MARK)) {
        return;
    }
    if mark(folder).is_ok() {
        sweep(folder, clock);
    }
}

/// Sets the time of the mark. A write does so for every user of a group, not just for the file's owner.
fn mark(folder: &Folder) -> io::Result<()> {
    let mut file = folder.open_or_make(MARK)?;
    file.rewind()?;
    file.write_all(b"\n")
}

pub(super) fn sweep(folder: &Folder, clock: &BootClock) {
    let Ok(now) = clock.now(folder) else { return };
    for name in folder.names("").unwrap_or_default() {
        let path = folder.join(&name);
        let is_old = |than| age(&path).is_some_and(|age| age >= than);
        if let Some(key) = name.strip_suffix(RECORD_END) {
            let lock_name = format!("{key}{}", lock::END);
            let expired = || Header::read(folder, &name).is_some_and(|header| header.until <= now);
            if expired()
                && let Ok(_kernel_lock) = lock::acquire(folder, &lock_name)
                && expired()
            {
                remove(&path);
            }
        } else if let Some(key) = name.strip_suffix(lock::END) {
            // A process that opened the file meanwhile notices that its name is another file's now.
            if is_old(DAY)
                && !folder.join(&format!("{key}{RECORD_END}")).exists()
                && let Ok(file) = folder.open_to_change(&name)
                && file.try_lock().is_ok()
                && lock::is_still(&file, &path)
            {
                remove(&path);
            }
        } else if name.ends_with(lock::OWNER_END) {
            if is_old(HOUR)
                && let Ok(file) = folder.open_file(&name)
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
    let modified = fs::symlink_metadata(path).and_then(|meta| meta.modified()).ok()?;
    SystemTime::now().duration_since(modified).ok()
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(target: "tokenlease", "{} can't be removed: {error}", path.display());
    }
}
