//! Exit codes, and the only place that says which error has which.

use tokenlease::ErrorKind;

/// It worked.
pub(crate) const SUCCESS: u8 = 0;
/// The token is not active (`validate`), or no live one stands (`status --check`).
pub(crate) const NOT_ACTIVE: u8 = 1;
/// A wrong option, a bad configuration, or something this provider has not.
pub(crate) const USAGE: u8 = 2;
/// The provider rejected the credentials.
pub(crate) const CREDENTIALS_REJECTED: u8 = 3;
/// The provider can't answer now, asks to wait, or can't be reached.
pub(crate) const UNAVAILABLE: u8 = 4;
/// The provider's answer could not be understood.
pub(crate) const INVALID_RESPONSE: u8 = 5;
/// The store of shared leases failed.
pub(crate) const STORE: u8 = 6;
/// The deadline passed.
pub(crate) const DEADLINE: u8 = 7;
/// The provider says no to the token itself.
pub(crate) const TOKEN_REJECTED: u8 = 8;
/// A fault of tokenlease.
pub(crate) const INTERNAL: u8 = 70;
/// `exec` found the command, but it can't be run, as shells say it.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// `exec` did not find the command, as shells say it.
pub(crate) const NOT_FOUND: u8 = 127;

/// The table that every `--help` ends with.
pub(crate) const HELP: &str = "\
Exit codes:
  0   it worked
  1   the token is not active (validate), or no live one stands (status --check)
  2   a wrong option or configuration, or the provider has no such call
  3   the provider rejected the credentials (status --check: some time ago); mend them, then `unblock`
  4   the provider is unavailable, asks to wait, or can't be reached
  5   the provider's answer could not be understood
  6   the store of shared leases failed
  7   the deadline passed
  8   the provider rejected the token
  70  a fault of tokenlease, or the process was forked
  exec ends with the code of the command it ran; 126: the command can't be run, 127: not found";

/// The exit code of an error.
pub(crate) fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Config | ErrorKind::Unsupported => USAGE,
        ErrorKind::CredentialsRejected => CREDENTIALS_REJECTED,
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Transport => UNAVAILABLE,
        ErrorKind::InvalidResponse => INVALID_RESPONSE,
        ErrorKind::Store => STORE,
        ErrorKind::DeadlineExceeded => DEADLINE,
        ErrorKind::TokenRejected => TOKEN_REJECTED,
        // The kinds may grow; until this table knows one, it is a fault of ours.
        _ => INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_its_exit_code() {
        for kind in ErrorKind::ALL {
            let expected = match kind.as_str() {
                "config" | "unsupported" => 2,
                "credentials_rejected" => 3,
                "throttled" | "unavailable" | "transport" => 4,
                "invalid_response" => 5,
                "store" => 6,
                "deadline_exceeded" => 7,
                "token_rejected" => 8,
                "forked" | "internal" => 70,
                new => panic!("{new} has no exit code: give it one, and a line in the help"),
            };
            assert_eq!(code(kind), expected, "{kind}");
        }
    }

    #[test]
    fn the_help_names_every_exit_code() {
        for code in [
            SUCCESS,
            NOT_ACTIVE,
            USAGE,
            CREDENTIALS_REJECTED,
            UNAVAILABLE,
            INVALID_RESPONSE,
            STORE,
            DEADLINE,
            TOKEN_REJECTED,
            INTERNAL,
        ] {
            assert!(HELP.contains(&format!("\n  {code:<4}")), "{code}");
        }
        assert!(HELP.contains(&format!("{NOT_EXECUTABLE}:")));
        assert!(HELP.contains(&format!("{NOT_FOUND}:")));
    }
}
