//! The variables of the environment that name proxies, read once in a process.
//!
//! The environment of a process has no lock that C programs take: a read beside a `setenv` of another
//! thread may crash. So the library reads it when the program makes its first registry, as early as it
//! can, and never again.

use std::{collections::BTreeMap, sync::OnceLock};

/// All variables that are read.
const NAMES: [&str; 9] = [
    "REQUEST_METHOD",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// Returns a variable as it was at the first call.
pub(super) fn variable(name: &str) -> Option<String> {
    static READ: OnceLock<BTreeMap<&str, String>> = OnceLock::new();
    let read = || {
        // Text that is no Unicode is not ignored: it cannot be read as a URL.
        let set = |name| Some((name, std::env::var_os(name)?.to_string_lossy().into_owned()));
        NAMES.into_iter().filter_map(set).collect()
    };
    debug_assert!(NAMES.contains(&name), "{name} is not read");
    READ.get_or_init(read).get(name).cloned()
}
