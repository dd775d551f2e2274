//! Options for behaviour that the providers do not document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::quirk::Quirk;

/// Behaviour that the providers do not document, or that differs between servers.
///
/// [`Builder::options`](crate::Builder::options) sets it at the start,
/// [`Emulator::options`](crate::Emulator::options) and `POST /_emulator/options` change it later. The
/// JSON has the names of the fields: `{"winkas":{"authenticate":"running"}}` changes only that field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Options {
    /// The options of the `WinKAS` Air side.
    pub winkas: WinkasOptions,
    /// The options of the Wyn Enterprise side.
    pub wyn: WynOptions,
    /// The active quirks: behaviour of other servers. Default: none.
    pub quirks: BTreeSet<Quirk>,
}

/// The options of the `WinKAS` Air side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent option")]
pub struct WinkasOptions {
    /// How Authenticate treats a token that is still active.
    pub authenticate: Authenticate,
    /// How refetch answers when no token is active.
    pub refetch_none: RefetchNone,
    /// Whether refetch returns the newest token, which has ended, if no token is active.
    pub refetch_returns_ended: bool,
    /// How refetch answers a wrong password.
    pub refetch_wrong_password: RefetchWrongPassword,
    /// How Validate answers for a token that is not active.
    pub validate_rejection: ValidateRejection,
    /// The number of consecutive wrong passwords that locks the account. `None`: it is never locked.
    /// Default: 3.
    pub lockout_failures: Option<u32>,
    /// The length of a lockout in seconds. `None`, the default: until a call unlocks the account.
    pub lockout_s: Option<u32>,
    /// Whether a wrong password at refetch also counts for the lockout. Default: yes.
    pub lockout_counts_refetch: bool,
    /// The lifetime of a new token in seconds. Default: 43200 (12 hours).
    pub lifetime_s: u32,
    /// Whether the numbers in envelopes are strings (`"WinKasStatus":"0"`).
    pub numbers_as_strings: bool,
    /// Whether Authenticate returns `UserName`, `UserPassword` and `UserContractCode` in its answer.
    pub echo_credentials: bool,
    /// Whether Validate accepts a `|` that is not percent-encoded.
    pub raw_pipe: bool,
    /// Whether the names in requests may be in any case, as with the model binder of ASP.NET.
    pub request_names_in_any_case: bool,
    /// The case of the names in answers.
    pub names: Names,
    /// Whether requests may be `text/json`, and answers are.
    pub text_json: bool,
    /// Whether requests may be in ISO-8859-1, and answers are. The real name of the user then has a byte
    /// that is not UTF-8.
    pub latin1: bool,
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
            raw_pipe: false,
            request_names_in_any_case: false,
            names: Names::default(),
            text_json: false,
            latin1: false,
        }
    }
}

/// The options of the Wyn Enterprise side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent option")]
pub struct WynOptions {
    /// Whether a new token ends the older ones of the same client.
    pub new_token_ends_older: bool,
    /// The lifetime in seconds of a token that is requested without `access-token-lifetime`. Default:
    /// 315360000 (10 years).
    pub lifetime_s: u32,
    /// Whether the answer omits `expires_in`, which RFC 6749 section 5.1 only recommends.
    pub omit_expires_in: bool,
    /// Whether `invalid_client` is answered with 401 and `WWW-Authenticate` instead of 400, as by other
    /// OAuth 2.0 servers (RFC 6749 section 5.2).
    pub invalid_client_401: bool,
    /// Whether the client may use `grant_type=client_credentials` (RFC 6749 section 4.4), as at other
    /// OAuth 2.0 servers. Default: no; the answer is `unauthorized_client`.
    pub client_credentials: bool,
    /// Whether the client may introspect tokens with its own secret, as at other OAuth 2.0 servers.
    /// Default: no, only the API resource may.
    pub clients_introspect: bool,
    /// Whether the revocation endpoint exists. Default: yes. The metadata omits one that does not.
    pub revocation: bool,
    /// Whether the introspection endpoint exists. Default: yes.
    pub introspection: bool,
    /// Whether the userinfo endpoint exists. Default: yes.
    pub userinfo: bool,
    /// Whether the server publishes its metadata. Default: yes.
    pub discovery: bool,
    /// The number of consecutive wrong passwords that locks the account. `None`: it is never locked.
    /// Default: 3.
    pub lockout_failures: Option<u32>,
    /// The length of a lockout in seconds. `None`, the default: until a call unlocks the account.
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
            clients_introspect: false,
            revocation: true,
            introspection: true,
            userinfo: true,
            discovery: true,
            lockout_failures: Some(3),
            lockout_s: None,
        }
    }
}

/// How Authenticate treats a token that is still active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Authenticate {
    /// Returns that token (`running`).
    Running,
    /// Issues a new token and ends the older ones (`ends_older`).
    EndsOlder,
    /// Issues a new token and keeps the older ones active (`keeps_older`).
    #[default]
    KeepsOlder,
}

/// The case of the names in the answers of `WinKAS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Names {
    /// As in the documentation: `WinkasErrorCode` (`documented`).
    #[default]
    Documented,
    /// With a small first letter: `winkasErrorCode` (`camel`).
    Camel,
    /// `winkaserrorcode` (`lower`).
    Lower,
    /// `WINKASERRORCODE` (`upper`).
    Upper,
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
    /// With a separate code other than 0 (`error_code`).
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
    /// A code other than 0 and no result (`error_code`).
    ErrorCode,
}
