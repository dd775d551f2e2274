//! The status of a call: success, or the kind of its error.

use std::ffi::{CStr, c_char};

use tokenlease::ErrorKind;

/// The result of a call. The meaning of a number never changes. Later versions may add numbers, so
/// treat an unknown one like TOKENLEASE_INTERNAL.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_status {
    /// The call succeeded.
    TOKENLEASE_OK = 0,
    /// An option, an address or a scope is wrong. Correct the configuration.
    TOKENLEASE_CONFIG = 1,
    /// The provider rejected the user, the password, the contract or the client. Correct the
    /// credentials, then call tokenlease_client_unblock.
    TOKENLEASE_CREDENTIALS_REJECTED = 2,
    /// The provider rejects the token itself, or the client waits before it logs in again because of
    /// rejected tokens.
    TOKENLEASE_TOKEN_REJECTED = 3,
    /// The provider asks to wait, or a limit that protects the account applies. Retry after
    /// tokenlease_error_until_ms.
    TOKENLEASE_THROTTLED = 4,
    /// The provider cannot answer now. Retry later.
    TOKENLEASE_UNAVAILABLE = 5,
    /// The provider's response could not be parsed. Check the address and the server's version.
    TOKENLEASE_INVALID_RESPONSE = 6,
    /// No response arrived. Check the network, the proxy and the TLS settings.
    TOKENLEASE_TRANSPORT = 7,
    /// The deadline of the call passed.
    TOKENLEASE_DEADLINE_EXCEEDED = 8,
    /// The shared store failed. Check its address, its permissions and its key.
    TOKENLEASE_STORE = 9,
    /// The provider, or its configuration, does not support the call.
    TOKENLEASE_UNSUPPORTED = 10,
    /// The process was forked after the client was made. Make a new client in the child.
    TOKENLEASE_FORKED = 11,
    /// A bug in tokenlease. Please report it.
    TOKENLEASE_INTERNAL = 12,
    /// The provider accepted the revocation of a token, but calls it active afterwards. The token stays
    /// in use. Use the client that received it.
    TOKENLEASE_NOT_REVOKED = 13,
    /// tokenlease_client_interrupt ended the wait. Call again to wait again.
    TOKENLEASE_INTERRUPTED = 14,
    /// An argument was NULL, not valid UTF-8, or out of range. Correct the program.
    TOKENLEASE_BAD_ARGUMENT = 100,
    /// The buffer is too small for the text. The call wrote the length that it needs.
    TOKENLEASE_BUFFER_TOO_SMALL = 101,
    /// The function of tokenlease_client_call returned a number other than 0.
    TOKENLEASE_CALL_FAILED = 102,
}

use tokenlease_status::{
    TOKENLEASE_BAD_ARGUMENT, TOKENLEASE_BUFFER_TOO_SMALL, TOKENLEASE_CALL_FAILED,
    TOKENLEASE_CONFIG, TOKENLEASE_CREDENTIALS_REJECTED, TOKENLEASE_DEADLINE_EXCEEDED,
    TOKENLEASE_FORKED, TOKENLEASE_INTERNAL, TOKENLEASE_INTERRUPTED, TOKENLEASE_INVALID_RESPONSE,
    TOKENLEASE_NOT_REVOKED, TOKENLEASE_OK, TOKENLEASE_STORE, TOKENLEASE_THROTTLED,
    TOKENLEASE_TOKEN_REJECTED, TOKENLEASE_TRANSPORT, TOKENLEASE_UNAVAILABLE,
    TOKENLEASE_UNSUPPORTED,
};

/// Every status with its name. The names of error kinds are the same in every language.
const ALL: [(tokenlease_status, &CStr); 18] = [
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
    (TOKENLEASE_NOT_REVOKED, c"not_revoked"),
    (TOKENLEASE_INTERRUPTED, c"interrupted"),
    (TOKENLEASE_BAD_ARGUMENT, c"bad_argument"),
    (TOKENLEASE_BUFFER_TOO_SMALL, c"buffer_too_small"),
    (TOKENLEASE_CALL_FAILED, c"call_failed"),
];

/// Returns the name of a status in snake case, such as "credentials_rejected"; "unknown" for an
/// unknown number. The string is static.
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
            ErrorKind::NotRevoked => TOKENLEASE_NOT_REVOKED,
            ErrorKind::Interrupted => TOKENLEASE_INTERRUPTED,
            // A test fails if this table lacks a kind.
            ErrorKind::Internal | _ => TOKENLEASE_INTERNAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(status: i32) -> &'static str {
        // SAFETY: the function returns a static NUL-terminated string.
        unsafe { CStr::from_ptr(tokenlease_status_name(status)) }.to_str().expect("ASCII")
    }

    /// Rule: Languages: each kind of error has its own C status, whose number and name never change.
    #[test]
    fn every_error_kind_has_a_status_with_its_name_and_a_fixed_number() {
        // The numbers are part of the binary interface.
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
    fn a_status_has_the_name_of_its_constant_and_an_unknown_number_is_unknown() {
        for (status, name) in ALL {
            let constant = format!("{status:?}");
            assert_eq!(constant, format!("TOKENLEASE_{}", name.to_str().unwrap().to_uppercase()));
        }
        assert_eq!((name(-1), name(99), name(i32::MAX)), ("unknown", "unknown", "unknown"));
    }
}
