//! Exit codes, and the table from kinds of errors to codes.

use std::{error::Error as _, process::ExitCode};

use tokenlease::{Error, ErrorKind};

/// The exit code of the program: one of the codes below, or that of the command of `exec`. Exit codes of
/// Windows have 32 bits.
pub(crate) type Code = i32;

/// Success.
pub(crate) const SUCCESS: u8 = 0;
/// The token is not active (`validate`), or there is no live token (`status --check`).
pub(crate) const NOT_ACTIVE: u8 = 1;
/// Invalid options or configuration, or a call that the provider does not support.
pub(crate) const USAGE: u8 = 2;
/// The server rejected the credentials.
pub(crate) const CREDENTIALS_REJECTED: u8 = 3;
/// The server is unavailable, throttles, or can't be reached.
pub(crate) const UNAVAILABLE: u8 = 4;
/// The server's response is invalid.
pub(crate) const INVALID_RESPONSE: u8 = 5;
/// The store failed.
pub(crate) const STORE: u8 = 6;
/// The deadline passed.
pub(crate) const DEADLINE_EXCEEDED: u8 = 7;
/// The server rejected the token.
pub(crate) const TOKEN_REJECTED: u8 = 8;
/// The server accepted a revocation, and the token is still active.
pub(crate) const NOT_REVOKED: u8 = 9;
/// A bug in tokenlease, a forked process, or a limit of threads or memory.
pub(crate) const INTERNAL: u8 = 70;
/// `exec` found the command, but can't run it. Shells use the same code.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// `exec` did not find the command. Shells use the same code.
pub(crate) const NOT_FOUND: u8 = 127;

/// The table at the end of each `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0   success
  1   the token is not active (validate), or no token is live (status --check)
  2   invalid options or configuration, or an unsupported call
  3   the server rejected the credentials, now or earlier: correct them, then
      run `tokenlease unblock`
  4   the server is unavailable, throttles, or can't be reached
  5   the server's response is invalid
  6   the store failed
  7   the deadline passed
  8   the server rejected the token
  9   the server accepted the revocation, but the token is still active
  70  a bug in tokenlease, a limit of threads or memory, or a forked process
  exec exits with the code of its command: 126 if the command can't be run, and
  127 if it is not found";

/// Returns the exit code of a command that ended: its own, or 128 and the number of the signal that
/// ended it, as shells do.
pub(crate) fn of_command(status: std::process::ExitStatus) -> Code {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None::<i32>;
    status.code().or_else(|| signal.map(|signal| 128 + signal)).unwrap_or_else(|| INTERNAL.into())
}

/// Returns the code for the end of `main`, or ends the program if its code has more than 8 bits.
pub(crate) fn of_program(code: Code) -> ExitCode {
    u8::try_from(code).map_or_else(|_| std::process::exit(code), ExitCode::from)
}

/// Returns the exit code of an error. If a deadline passed while the client retried, the code is that of
/// the last failure: it says what to correct, and does not depend on when the deadline passed.
pub(crate) fn of(error: &Error) -> u8 {
    let last = error.source().and_then(|source| source.downcast_ref::<Error>());
    match (error.kind(), last) {
        (ErrorKind::DeadlineExceeded, Some(last)) => code(last.kind()),
        (kind, _) => code(kind),
    }
}

/// Returns the exit code of a kind of error.
pub(crate) fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Config | ErrorKind::Unsupported => USAGE,
        ErrorKind::CredentialsRejected => CREDENTIALS_REJECTED,
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Transport => UNAVAILABLE,
        ErrorKind::InvalidResponse => INVALID_RESPONSE,
        ErrorKind::Store => STORE,
        ErrorKind::DeadlineExceeded => DEADLINE_EXCEEDED,
        ErrorKind::TokenRejected => TOKEN_REJECTED,
        ErrorKind::NotRevoked => NOT_REVOKED,
        // A kind that this table lacks is a bug: the enum is non-exhaustive.
        _ => INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Languages: each kind of error has one exit code.
    #[test]
    fn every_kind_of_error_has_an_exit_code() {
        for kind in ErrorKind::ALL {
            let expected = match kind.as_str() {
                "config" | "unsupported" => 2,
                "credentials_rejected" => 3,
                "throttled" | "unavailable" | "transport" => 4,
                "invalid_response" => 5,
                "store" => 6,
                "deadline_exceeded" => 7,
                "token_rejected" => 8,
                "not_revoked" => 9,
                // The program has no call that interrupts.
                "forked" | "internal" | "interrupted" => 70,
                new => panic!("{new} has no exit code: give it one, and a line in the help"),
            };
            assert_eq!(code(kind), expected, "{kind}");
        }
    }

    /// Rule: Languages: the exit code of a command whose deadline passed is that of the last failure, whenever
    /// the deadline passes.
    #[test]
    fn the_exit_code_follows_the_cause() {
        let late = Error::new(ErrorKind::DeadlineExceeded, "no token came in time");
        assert_eq!(of(&late), DEADLINE_EXCEEDED);
        for (kind, expected) in [
            (ErrorKind::Transport, UNAVAILABLE),
            (ErrorKind::Store, STORE),
            (ErrorKind::DeadlineExceeded, DEADLINE_EXCEEDED),
        ] {
            let last = Error::new(kind, "the last failure");
            assert_eq!(of(&late.clone().with_source(last.clone())), expected);
            assert_eq!(of(&last), expected);
        }
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        for code in [
            SUCCESS,
            NOT_ACTIVE,
            USAGE,
            CREDENTIALS_REJECTED,
            UNAVAILABLE,
            INVALID_RESPONSE,
            STORE,
            DEADLINE_EXCEEDED,
            TOKEN_REJECTED,
            NOT_REVOKED,
            INTERNAL,
        ] {
            assert!(HELP.contains(&format!("\n  {code:<4}")), "{code}");
        }
        assert!(HELP.contains(&format!("{NOT_EXECUTABLE} if")));
        assert!(HELP.contains(&format!("{NOT_FOUND} if")));
    }
}
