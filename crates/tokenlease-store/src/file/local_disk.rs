//! Whether a folder can be opened on the caller's thread: it is on a disk of this host, the kernel has its
//! path in memory, and opening it only reads small files. Otherwise a thread opens it, because a path on
//! a network file system may take seconds.

use std::path::Path;

#[cfg(target_os = "linux")]
pub(super) fn is_on_local_disk(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags, openat2, statx};

    // Neither call waits for a server: the first fails if a part of the path is not in memory, and the
    // second takes what is in memory.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(folder) = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED) else {
        return false;
    };
    // AT_STATX_DONT_SYNC of linux/fcntl.h, which rustix lacks with musl.
    let flags = AtFlags::EMPTY_PATH | AtFlags::from_bits_retain(0x4000);
    // File systems without a device, such as those of networks, have the major number 0.
    statx(folder, "", flags, StatxFlags::TYPE).is_ok_and(|stat| stat.stx_dev_major != 0)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_on_local_disk(_: &Path) -> bool {
    false
}
