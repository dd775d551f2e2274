//! What the emulator has seen.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::fault::Endpoint;

/// How many calls each endpoint received, faulted ones and ones with a wrong method included.
///
/// `GET /_emulator/counts` answers with this struct as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// The calls of the `WinKAS` Air side.
    pub winkas: WinkasCounts,
    /// The calls of the Wyn Enterprise side.
    pub wyn: WynCounts,
}

/// The calls of the `WinKAS` Air side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WinkasCounts {
    /// Calls of `/api/Authentication/Authenticate`.
    pub login: u64,
    /// Calls of `/api/authentication/refetchToken/`.
    pub refetch: u64,
    /// Calls of `/api/Authentication/Validate`.
    pub validate: u64,
    /// Calls of `/api/Report/Echo` and `/api/Report/Forbidden`.
    pub api: u64,
    /// Those of `api` that were rejected because their token was not active, or not there.
    pub rejected: u64,
}

/// The calls of the Wyn Enterprise side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WynCounts {
    /// Calls of `/connect/token`.
    pub login: u64,
    /// Calls of `/connect/revocation`.
    pub revoke: u64,
    /// Calls of `/connect/userinfo`.
    pub userinfo: u64,
    /// Calls of `/api/v2/me` and `/api/v2/forbidden`.
    pub api: u64,
    /// Those of `api` that were rejected because their token was not active, or not there.
    pub rejected: u64,
}

/// What tests ask beyond [`Counts`]. `GET /_emulator/details` answers with this struct as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Details {
    /// The `WinKAS` Air side.
    pub winkas: ProviderDetails,
    /// The Wyn Enterprise side.
    pub wyn: ProviderDetails,
}

/// One provider's part of [`Details`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProviderDetails {
    /// TCP connections accepted, those of steering calls included.
    pub connections: u64,
    /// Distinct tokens issued to callers, answers that were lost to a fault included.
    pub tokens_issued: u64,
    /// Calls that named a wrong user, password, contract, client or secret.
    pub wrong_credentials: u64,
    /// Calls of `/connect/introspect`; 0 at `WinKAS`.
    pub introspect: u64,
}

/// Which provider an address or a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the emulator is of these two")]
pub enum Provider {
    /// `WinKAS` Air.
    Winkas,
    /// Wyn Enterprise.
    Wyn,
}

/// One request that was received. It holds no query and no body: tokens stand there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// Whose address it came to.
    pub provider: Provider,
    /// The method, as received.
    pub method: String,
    /// The path as received, without the query.
    pub path: String,
    /// The endpoint that the path names, if it is one that takes faults.
    pub endpoint: Option<Endpoint>,
    /// When it came, on the emulator's clock, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The latest requests; older ones go, so that a long load run does not fill the memory.
#[derive(Default)]
pub(crate) struct Log(VecDeque<LogEntry>);

impl Log {
    pub(crate) fn push(&mut self, entry: LogEntry) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.0.iter().cloned().collect()
    }

    pub(crate) const KEPT: usize = 10_000;
}

impl Counts {
    pub(crate) fn count(&mut self, details: &mut Details, endpoint: Endpoint) {
        *match endpoint {
            Endpoint::WinkasLogin => &mut self.winkas.login,
            Endpoint::WinkasRefetch => &mut self.winkas.refetch,
            Endpoint::WinkasValidate => &mut self.winkas.validate,
            Endpoint::WinkasApi => &mut self.winkas.api,
            Endpoint::WynLogin => &mut self.wyn.login,
            Endpoint::WynRevoke => &mut self.wyn.revoke,
            Endpoint::WynUserinfo => &mut self.wyn.userinfo,
            Endpoint::WynIntrospect => &mut details.wyn.introspect,
            Endpoint::WynApi => &mut self.wyn.api,
        } += 1;
    }
}

impl Details {
    pub(crate) fn of(&mut self, provider: Provider) -> &mut ProviderDetails {
        match provider {
            Provider::Winkas => &mut self.winkas,
            Provider::Wyn => &mut self.wyn,
        }
    }
}
