//! The history of an identity: its last logins, refetches and rejections, and the logins above the minimum.

use serde_json::{Value, json};
use tokenlease_core::{
    Error, Result, StoreTime, WallTime,
    record::{HistoryEntry, LoginCount},
    time::Moment as _,
};

use crate::{
    client::Client,
    store::{Loaded, Store as _},
};

/// The last 32 logins, refetches and rejections of an identity, by all processes that share the store.
///
/// It contains no secret: of tokens and credentials it has the beginnings of their fingerprints.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct History {
    /// The entries, the oldest first.
    pub entries: Vec<HistoryEntry<WallTime>>,
    /// The logins among them, and those above one for each lifetime of a token.
    pub logins: LoginCount,
}

impl History {
    /// Reads the history in what a store returned at the wall time `now`.
    ///
    /// # Errors
    /// `Store` if a newer version wrote the record.
    pub fn read(loaded: &Loaded, now: WallTime) -> Result<Self> {
        let entries = loaded.decode()?.history();
        let logins = LoginCount::of(&entries);
        let wall =
            |at: &StoreTime| WallTime(now.0.saturating_add(at.0.saturating_sub(loaded.now.0)));
        let entries = entries.iter().map(|entry| entry.map(wall)).collect();
        Ok(Self { entries, logins })
    }

    /// Returns the history as JSON. Its fields are described in `docs/json.md`.
    pub fn to_json(&self) -> String {
        let entries: Vec<Value> = self.entries.iter().map(entry).collect();
        let extra: Vec<Value> = self
            .logins
            .extra
            .iter()
            .map(|extra| {
                let cause = extra.cause.as_str();
                json!({ "entry": extra.index, "cause": cause, "beside": extra.beside })
            })
            .collect();
        let (logins, minimum) = (self.logins.logins, self.logins.minimum);
        json!({ "entries": entries, "logins": logins, "minimum": minimum, "extra": extra })
            .to_string()
    }
}

fn entry(entry: &HistoryEntry<WallTime>) -> Value {
    let lifetime = entry.lifetime.map(|lifetime| lifetime.as_secs());
    json!({
        "at": entry.at.to_string(),
        "kind": entry.kind.as_str(),
        "cause": entry.cause.as_str(),
        "result": entry.result.as_str(),
        "host": *entry.host,
        "process": entry.process,
        "credentials": entry.credentials.to_string(),
        "token": entry.token.map(|token| token.to_string()),
        "lifetime_s": lifetime,
        "without_store": entry.without_store,
    })
}

impl Client {
    /// Returns the last logins, refetches and rejections of the identity, with times, causes, hosts and
    /// processes: it answers why a login was sent. Reads the store, and sends no request to the provider.
    ///
    /// ```
    /// use tokenlease::core::record::{HistoryCause, HistoryKind};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// client.token().await?;
    /// let history = client.history().await?;
    /// assert_eq!(history.entries[0].kind, HistoryKind::Login);
    /// assert_eq!(history.entries[0].cause, HistoryCause::First);
    /// assert_eq!((history.logins.logins, history.logins.minimum), (1, 1));
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Store` if the record can't be read, `DeadlineExceeded` if the store does not answer within the
    /// client's limit, `Forked` in any process but the one that made the client, and `Internal`.
    pub async fn history(&self) -> Result<History> {
        let state = &self.0;
        let deadline = state.elapsed().plus(state.wait);
        state.cache.counters.store_called();
        let reader = state.clone();
        let load = async move { reader.registry.store().load(&reader.record_name()).await };
        let load = state.in_time(deadline, state.runtime()?.run(load));
        let loaded = state.call(load).await??;
        History::read(&loaded.map_err(Error::from)?, state.now().wall)
    }
}
