//! The version of the library.

use std::ffi::{CStr, c_char};

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };

/// Returns the version of the loaded library, such as "0.1.0". Compare it with TOKENLEASE_VERSION,
/// the version of this header. The string is static.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Returns the version of the loaded library as a number that grows with it: 2003004 is 2.3.4.
/// Compare it with TOKENLEASE_VERSION_NUMBER, the version of this header.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_version_number() -> i32 {
    NUMBER
}

/// Three decimal digits each for the minor version and the patch.
const NUMBER: i32 = {
    let (major, minor, patch) = (
        decimal(env!("CARGO_PKG_VERSION_MAJOR")),
        decimal(env!("CARGO_PKG_VERSION_MINOR")),
        decimal(env!("CARGO_PKG_VERSION_PATCH")),
    );
    assert!(minor < 1000 && patch < 1000);
    major * 1_000_000 + minor * 1000 + patch
};

const fn decimal(text: &str) -> i32 {
    match i32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("a version has numbers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_returns_its_version() {
        assert_eq!(VERSION.to_str(), Ok(env!("CARGO_PKG_VERSION")));
    }
}
