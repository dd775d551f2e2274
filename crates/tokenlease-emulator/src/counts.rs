//! The counts and the log of the calls.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::fault::Endpoint;

/// The number of calls of each endpoint, including faulted ones and ones with a wrong method.
///
/// `GET /_emulator/counts` returns this struct as JSON.
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
    /// The calls of `/api/Authentication/Authenticate`.
    pub login: u64,
    /// The calls of `/api/authentication/refetchToken/`.
    pub refetch: u64,
    /// The calls of `/api/Authentication/Validate`.
    pub validate: u64,
    /// The calls of `/api/Report/Echo` and `/api/Report/Forbidden`.
    pub api: u64,
    /// The calls of `api` that were rejected because their token was inactive or missing.
    pub rejected: u64,
}

/// The calls of the Wyn Enterprise side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WynCounts {
    /// The calls of `/connect/token`.
    pub login: u64,
    /// The calls of `/connect/revocation`.
    pub revoke: u64,
    /// The calls of `/connect/userinfo`.
    pub userinfo: u64,
    /// The calls of `/api/v2/me` and `/api/v2/forbidden`.
    pub api: u64,
    /// The calls of `api` that were rejected because their token was inactive or missing.
    pub rejected: u64,
}

/// Further figures for tests. `GET /_emulator/details` returns this struct as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Details {
    /// The `WinKAS` Air side.
    pub winkas: ProviderDetails,
    /// The Wyn Enterprise side.
    pub wyn: ProviderDetails,
}

/// The [`Details`] of one provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProviderDetails {
    /// The accepted TCP connections, including those of control calls.
    pub connections: u64,
    /// The distinct tokens that were issued, including those whose answer a fault dropped.
    pub tokens_issued: u64,
    /// The calls with a wrong user, password, contract, client or secret.
    pub wrong_credentials: u64,
    /// The calls of `/connect/introspect`; 0 at `WinKAS`.
    pub introspect: u64,
}

/// The provider of an address or a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the emulator has these two providers")]
pub enum Provider {
    /// `WinKAS` Air.
    Winkas,
    /// Wyn Enterprise.
    Wyn,
}

/// A received request, without its query and body, which may contain tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// The provider whose address received it.
    pub provider: Provider,
    /// The method as received.
    pub method: String,
    /// The path as received, without the query.
    pub path: String,
    /// The endpoint of the path, if it takes faults.
    pub endpoint: Option<Endpoint>,
    /// The time by the emulator's clock, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The latest requests. Older ones are dropped, so that a load test does not exhaust the memory.
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
