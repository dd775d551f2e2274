//! The name of this start of the host.

use std::sync::OnceLock;

/// Returns the name of this start of the host, of letters, digits, `-` and `_`. Processes in a time
/// namespace with another clock get another name.
pub(super) fn name() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(read).as_deref()
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
    let name = parts.join("_");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

#[cfg(not(target_os = "linux"))]
fn read() -> Option<String> {
    None
}
