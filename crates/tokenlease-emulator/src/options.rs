//! What the providers leave undocumented, as options.

use serde::{Deserialize, Serialize};

/// What the providers leave undocumented, and what differs between servers.
///
/// Set at the start with [`Builder::options`](crate::Builder::options), later with
/// [`Emulator::options`](crate::Emulator::options) or `POST /_emulator/options`, whose JSON has the
/// names of the fields: `{"winkas":{"authenticate":"running"}}` changes that field alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Options {
    /// The options of the `WinKAS` Air side.
    pub winkas: WinkasOptions,
    /// The options of the Wyn Enterprise side.
    pub wyn: WynOptions,
}

/// The options of the `WinKAS` Air side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct WinkasOptions {
    /// What Authenticate does with a token that is still active.
    pub authenticate: Authenticate,
    /// How refetch answers when no token is active.
    pub refetch_none: RefetchNone,
    /// Whether refetch, when no token is active, returns the last one that has ended instead.
    pub refetch_returns_ended: bool,
    /// How refetch answers a wrong password.
    pub refetch_wrong_password: RefetchWrongPassword,
    /// How Validate answers for a token that is not active.
    pub validate_rejection: ValidateRejection,
    /// After how many wrong passwords in a row the account is locked; `None`: never. 3 by default.
    pub lockout_failures: Option<u32>,
    /// After how many seconds a locked account opens; `None`, the default: only by a call.
    pub lockout_s: Option<u32>,
    /// Whether a wrong password at refetch counts for the lock-out as well. It does by default.
    pub lockout_counts_refetch: bool,
    /// The lifetime of a new token in seconds. 12 hours by default.
    pub lifetime_s: u32,
    /// Whether the numbers in envelopes are written as strings (`"WinKasStatus":"0"`).
    pub numbers_as_strings: bool,
    /// Whether Authenticate fills `UserName`, `UserPassword` and `UserContractCode` of its answer.
    pub echo_credentials: bool,
}

impl Default for WinkasOptions {
    fn default() -> Self {
        Self {
            authenticate: Authenticate::default(),
            refetch_none: RefetchNone::default(),
            refetch_returns_ended: false,
            refetch_wrong_password: RefetchWrongPassword::default(),
            validate_rejection: ValidateRejection::default(),
            lockout_failures: Some(3),
            lockout_s: None,
            lockout_counts_refetch: true,
            lifetime_s: 43_200,
            numbers_as_strings: false,
            echo_credentials: false,
        }
    }
}

/// The options of the Wyn Enterprise side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct WynOptions {
    /// Whether a new token ends the older ones of the same client.
    pub new_token_ends_older: bool,
    /// The lifetime in seconds of a token asked for without `access-token-lifetime`. 315360000
    /// (10 years) by default.
    pub lifetime_s: u32,
    /// Whether the answer leaves out `expires_in`, which RFC 6749 section 5.1 only recommends.
    pub omit_expires_in: bool,
    /// Whether `invalid_client` is answered with 401 and `WWW-Authenticate`, as other servers of
    /// the standard do (RFC 6749 section 5.2), instead of with 400.
    pub invalid_client_401: bool,
    /// Whether the client may use `grant_type=client_credentials` (RFC 6749 section 4.4), as other
    /// servers of the standard let it. `unauthorized_client` by default.
    pub client_credentials: bool,
    /// After how many wrong passwords in a row the account is locked; `None`: never. 3 by default.
    pub lockout_failures: Option<u32>,
    /// After how many seconds a locked account opens; `None`, the default: only by a call.
    pub lockout_s: Option<u32>,
}

impl Default for WynOptions {
    fn default() -> Self {
        Self {
            new_token_ends_older: false,
            lifetime_s: 315_360_000,
            omit_expires_in: false,
            invalid_client_401: false,
            client_credentials: false,
            lockout_failures: Some(3),
            lockout_s: None,
        }
    }
}

/// What Authenticate does with a token that is still active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Authenticate {
    /// It returns that token (`running`).
    Running,
    /// It issues a new one and ends the older ones (`ends_older`).
    EndsOlder,
    /// It issues a new one and keeps the older ones (`keeps_older`).
    #[default]
    KeepsOlder,
}

/// How refetch answers when no token is active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefetchNone {
    /// `"Token": null` with code and status 0 (`null_token`).
    #[default]
    NullToken,
    /// `"Token": ""` with code and status 0 (`empty_token`).
    EmptyToken,
    /// `"Token": null` with a code and a status other than 0 (`error_code`).
    ErrorCode,
}

/// How refetch answers a wrong password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefetchWrongPassword {
    /// As if no token were active (`like_none`).
    #[default]
    LikeNone,
    /// With a code other than 0 of its own (`error_code`).
    ErrorCode,
}

/// How Validate answers for a token that is not active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ValidateRejection {
    /// `Token validation result is: False`, with code and status 0 (`false`).
    #[default]
    #[serde(rename = "false")]
    SaysFalse,
    /// A code other than 0 and no validation (`error_code`).
    ErrorCode,
}
