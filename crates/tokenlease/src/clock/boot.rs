//! The name of this start of the host.

use std::sync::OnceLock;

/// Returns the name of this start of the host, of letters, digits, `-` and `_`. Processes in a time
/// namespace with another clock get another name.
pub(super) fn name() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| read().filter(|name| is_plain(name))).as_deref()
}

/// Returns whether the name can be a part of a file's name.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.chars().all(plain)
}

#[cfg(target_os = "linux")]
fn read() -> Option<String> {
    use std::fs;

    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let shift = fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
    let shift: Vec<_> = shift
        .lines()
        .filter_map(|line| line.strip_prefix("boottime"))
        .flat_map(str::split_whitespace)
        .filter(|number| *number != "0")
        .collect();
    let parts: Vec<_> = std::iter::once(boot.trim()).chain(shift).collect();
    Some(parts.join("_"))
}

#[cfg(target_os = "macos")]
fn read() -> Option<String> {
    use sysctl::Sysctl as _;

    sysctl::Ctl::new("kern.bootsessionuuid").ok()?.value_string().ok()
}

/// Names the start by the time at which its first process of this user made a volatile key in the
/// registry, which Windows forgets at shutdown. Windows' own number (`BootId`) is missing on some hosts,
/// and does not change where a write filter discards all changes of the disk.
///
/// Reported as boostorg/interprocess#96.
#[cfg(windows)]
fn read() -> Option<String> {
    use winsafe::{FILETIME, HKEY, RegistryValue, co};

    // Keys below it would be volatile, too, so it has no general name.
    let (key, _) = HKEY::CURRENT_USER
        .RegCreateKeyEx(
            r"Software\tokenlease-boot",
            None,
            co::REG_OPTION::VOLATILE,
            co::KEY::QUERY_VALUE,
            None,
        )
        .ok()?;
    // Nothing writes to the key, so that this is the time at which it was made.
    let mut made = FILETIME::default();
    key.RegQueryInfoKey(None, None, None, None, None, None, None, None, Some(&mut made)).ok()?;
    // Two hosts may make their keys in one tick of the clock.
    let flags = co::RRF::RT_REG_SZ | co::RRF::SUBKEY_WOW6464KEY;
    let machine = HKEY::LOCAL_MACHINE.RegGetValue(
        Some(r"SOFTWARE\Microsoft\Cryptography"),
        Some("MachineGuid"),
        flags,
    );
    let machine = match machine {
        Ok(RegistryValue::Sz(machine)) if is_plain(&machine) => machine,
        _ => "host".to_owned(),
    };
    Some(format!("{machine}_{:08x}{:08x}", made.dwHighDateTime, made.dwLowDateTime))
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn read() -> Option<String> {
    None
}

#[cfg(all(test, any(target_os = "linux", target_os = "macos", windows)))]
mod tests {
    use super::*;

    /// Rule: Clocks: each start of a host has one name, on Linux, macOS and Windows.
    #[test]
    fn a_start_of_the_host_has_one_name() {
        let name = name().expect("a name");
        assert!(is_plain(name), "{name}");
        assert_eq!(read().as_deref(), Some(name));
    }
}
