//! Where a server listens, and how its wall clock is offset.

use std::{
    ffi::OsString,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    process::Command,
};

/// The address that a server listens on, and the file with its clock's offset.
#[derive(Clone, Debug)]
pub struct Place {
    pub(crate) address: IpAddr,
    clock_offset: Option<PathBuf>,
}

impl Place {
    /// Loopback, in real time.
    pub fn here() -> Self {
        Self::at(Ipv4Addr::LOCALHOST, None)
    }

    /// An address, and the file with the offset of the server's wall clock.
    pub fn at(address: Ipv4Addr, clock_offset: Option<PathBuf>) -> Self {
        Self { address: address.into(), clock_offset }
    }

    /// Applies the offset to a command's wall clock, and to no other clock. `None` if libfaketime
    /// is not installed.
    pub(crate) fn offset_wall_clock(&self, command: &mut Command) -> Option<()> {
        let Some(offset) = &self.clock_offset else { return Some(()) };
        for (name, value) in fake_time()? {
            command.env(name, value);
        }
        command.env("FAKETIME_TIMESTAMP_FILE", offset).env("FAKETIME_NO_CACHE", "1");
        Some(())
    }
}

/// Returns the environment that fakes a process's wall clock and leaves its monotonic clocks alone.
pub fn fake_time() -> Option<Vec<(&'static str, OsString)>> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let library = folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists());
    let Some(library) = library else {
        println!("skipped: libfaketime is not installed");
        return None;
    };
    // Redis' allocator reads a clock before it can allocate, and libfaketime allocates to read a
    // clock. With the C library loaded first, the allocator gets the C library's clock.
    let mut libraries = library.into_os_string();
    libraries.push(":libc.so.6");
    Some(vec![
        ("LD_PRELOAD", libraries),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("DONT_FAKE_MONOTONIC", "1".into()),
        ("FAKETIME_DISABLE_SHM", "1".into()),
    ])
}
