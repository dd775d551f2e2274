//! What a call answers: done, or the kind of its error.

use std::ffi::{CStr, c_char};

use tokenlease::ErrorKind;

/// What came of a call. Numbers never change their meaning; later versions may add some, so treat
/// one that you do not know like TOKENLEASE_INTERNAL.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_status {
    /// It was done.
    TOKENLEASE_OK = 0,
    /// An option, an address or a scope is wrong: mend the configuration.
    TOKENLEASE_CONFIG = 1,
    /// The provider rejected user, password, contract or client: mend the credentials, then call
    /// tokenlease_client_unblock.
    TOKENLEASE_CREDENTIALS_REJECTED = 2,
    /// The provider says no to the token itself, or rejections of it are being spaced.
    TOKENLEASE_TOKEN_REJECTED = 3,
    /// The provider, or a limit that protects the account, asks to wait: come back after
    /// tokenlease_error_until_ms.
    TOKENLEASE_THROTTLED = 4,
    /// The provider can't answer now: try later.
    TOKENLEASE_UNAVAILABLE = 5,
    /// The provider's answer could not be understood: look at the address and the version.
    TOKENLEASE_INVALID_RESPONSE = 6,
    /// No answer came: look at network, proxy and TLS.
    TOKENLEASE_TRANSPORT = 7,
    /// The caller's own deadline passed.
    TOKENLEASE_DEADLINE_EXCEEDED = 8,
    /// The store of shared leases failed: look at its address, rights and key.
    TOKENLEASE_STORE = 9,
    /// This provider, or this configuration, has no such call.
    TOKENLEASE_UNSUPPORTED = 10,
    /// The process was forked after the client was made: make a new one in the child.
    TOKENLEASE_FORKED = 11,
    /// A fault of tokenlease: please report it.
    TOKENLEASE_INTERNAL = 12,
    /// An argument was NULL, no UTF-8, or out of its range: mend the program.
    TOKENLEASE_BAD_ARGUMENT = 100,
    /// The buffer can't hold the text: see the length that was written.
    TOKENLEASE_BUFFER_TOO_SMALL = 101,
}

use tokenlease_status::{
    TOKENLEASE_BAD_ARGUMENT, TOKENLEASE_BUFFER_TOO_SMALL, TOKENLEASE_CONFIG,
    TOKENLEASE_CREDENTIALS_REJECTED, TOKENLEASE_DEADLINE_EXCEEDED, TOKENLEASE_FORKED,
    TOKENLEASE_INTERNAL, TOKENLEASE_INVALID_RESPONSE, TOKENLEASE_OK, TOKENLEASE_STORE,
    TOKENLEASE_THROTTLED, TOKENLEASE_TOKEN_REJECTED, TOKENLEASE_TRANSPORT, TOKENLEASE_UNAVAILABLE,
    TOKENLEASE_UNSUPPORTED,
};

/// All of them with their names: those of the kinds are the same in every language.
const ALL: [(tokenlease_status, &CStr); 15] = [
    (TOKENLEASE_OK, c"ok"),
    (TOKENLEASE_CONFIG, c"config"),
    (TOKENLEASE_CREDENTIALS_REJECTED, c"credentials_rejected"),
    (TOKENLEASE_TOKEN_REJECTED, c"token_rejected"),
    (TOKENLEASE_THROTTLED, c"throttled"),
    (TOKENLEASE_UNAVAILABLE, c"unavailable"),
    (TOKENLEASE_INVALID_RESPONSE, c"invalid_response"),
    (TOKENLEASE_TRANSPORT, c"transport"),
    (TOKENLEASE_DEADLINE_EXCEEDED, c"deadline_exceeded"),
    (TOKENLEASE_STORE, c"store"),
    (TOKENLEASE_UNSUPPORTED, c"unsupported"),
    (TOKENLEASE_FORKED, c"forked"),
    (TOKENLEASE_INTERNAL, c"internal"),
    (TOKENLEASE_BAD_ARGUMENT, c"bad_argument"),
    (TOKENLEASE_BUFFER_TOO_SMALL, c"buffer_too_small"),
];

/// A status' name in snake case, such as "credentials_rejected"; "unknown" for a number that is
/// none. It lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_status_name(status: i32) -> *const c_char {
    let found = ALL.iter().find(|(known, _)| *known as i32 == status);
    found.map_or(c"unknown", |(_, name)| *name).as_ptr()
}

impl From<ErrorKind> for tokenlease_status {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Config => TOKENLEASE_CONFIG,
            ErrorKind::CredentialsRejected => TOKENLEASE_CREDENTIALS_REJECTED,
            ErrorKind::TokenRejected => TOKENLEASE_TOKEN_REJECTED,
            ErrorKind::Throttled => TOKENLEASE_THROTTLED,
            ErrorKind::Unavailable => TOKENLEASE_UNAVAILABLE,
            ErrorKind::InvalidResponse => TOKENLEASE_INVALID_RESPONSE,
            ErrorKind::Transport => TOKENLEASE_TRANSPORT,
            ErrorKind::DeadlineExceeded => TOKENLEASE_DEADLINE_EXCEEDED,
            ErrorKind::Store => TOKENLEASE_STORE,
            ErrorKind::Unsupported => TOKENLEASE_UNSUPPORTED,
            ErrorKind::Forked => TOKENLEASE_FORKED,
            // A kind that this table lacks fails a test before it gets here.
            ErrorKind::Internal | _ => TOKENLEASE_INTERNAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(status: i32) -> &'static str {
        // SAFETY: it answers a text that ends with a NUL and lives as long as the library.
        unsafe { CStr::from_ptr(tokenlease_status_name(status)) }.to_str().expect("ASCII")
    }

    #[test]
    fn every_kind_of_error_has_a_status_of_its_name_and_number() {
        // The numbers are part of the binary interface: they never change.
        let numbers: Vec<_> = ErrorKind::ALL
            .iter()
            .map(|kind| (kind.as_str(), tokenlease_status::from(*kind)))
            .inspect(|(kind, status)| assert_eq!(name(*status as i32), *kind))
            .map(|(kind, status)| (status as i32, kind))
            .collect();
        let expected: Vec<_> = (1..).zip(ErrorKind::ALL.map(ErrorKind::as_str)).collect();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_status_is_called_by_its_constants_name_and_a_strange_number_is_unknown() {
        for (status, name) in ALL {
            let constant = format!("{status:?}");
            assert_eq!(constant, format!("TOKENLEASE_{}", name.to_str().unwrap().to_uppercase()));
        }
        assert_eq!((name(-1), name(99), name(i32::MAX)), ("unknown", "unknown", "unknown"));
    }
}
