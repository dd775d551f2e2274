//! Ends the tokens of a registry's clients, here and at the server.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokenlease_core::{
    CredentialsFingerprint, Error, ErrorKind, Result, Token,
    lifecycle::{Lifecycle, Revocation},
    time::Moment as _,
};

use super::{Registry, entries::EntryFilter};
use crate::{client::Client, runtime::Runtime, state::ClientState, store::Store as _};

/// How [`Registry::end`] ends tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndBy {
    /// The tokens are removed from memory and store. They stay active at the server.
    Forgetting,
    /// The tokens are revoked at the server, for every process that shares them. Where the server cannot
    /// revoke tokens (WinKAS), they are forgotten.
    Revocation,
}

/// The result of the end of one token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Ended {
    /// Neither the client nor the store had a live token.
    NoToken,
    /// The token is removed from memory and store. It may be active.
    Forgotten,
    /// The server accepted the revocation; `Proven` if it also confirmed that the token is inactive.
    Revoked(Revocation),
    /// It failed. After a failed revocation the token may be active.
    Failed(Error),
}

/// The result of [`Registry::end`] for one identity.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndedEntry {
    /// The identity, for people.
    pub identity: String,
    /// The subject, if the identity has one.
    pub subject: Option<String>,
    /// The result.
    pub result: Ended,
}

/// The results of [`Registry::end`], in the order of the identities.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EndReport {
    /// One result for each identity.
    pub entries: Vec<EndedEntry>,
}

impl EndReport {
    /// Returns how many tokens the server confirmed to be inactive.
    pub fn proven(&self) -> usize {
        self.count(|result| matches!(result, Ended::Revoked(Revocation::Proven)))
    }

    /// Returns how many tokens could not be ended.
    pub fn failed(&self) -> usize {
        self.count(|result| matches!(result, Ended::Failed(_)))
    }

    fn count(&self, is: impl Fn(&Ended) -> bool) -> usize {
        self.entries.iter().filter(|entry| is(&entry.result)).count()
    }

    /// Returns the report as JSON: an object with the numbers `proven` and `failed`, and the list `entries`
    /// of objects with the members `identity`, `subject`, `result` (`no_token`, `forgotten`, `revoked`,
    /// `proven` or `failed`) and `error`.
    pub fn to_json(&self) -> String {
        let entries = self.entries.iter().map(|entry| {
            let (result, error) = match &entry.result {
                Ended::NoToken => ("no_token", None),
                Ended::Forgotten => ("forgotten", None),
                Ended::Revoked(Revocation::Proven) => ("proven", None),
                Ended::Revoked(_) => ("revoked", None),
                Ended::Failed(error) => ("failed", Some(error)),
            };
            json!({
                "identity": entry.identity,
                "subject": entry.subject,
                "result": result,
                "error": error.map(|error| json!({
                    "kind": error.kind().as_str(),
                    "message": error.to_string(),
                })),
            })
        });
        let entries: Vec<Value> = entries.collect();
        json!({ "proven": self.proven(), "failed": self.failed(), "entries": entries }).to_string()
    }
}

/// The clients of one identity and one holder.
type Group = Vec<Arc<ClientState>>;

impl Registry {
    /// Ends the tokens of the clients that the filter selects, for example of all users at a logout: here,
    /// in the store, and at the server. As many run at once as logins may
    /// ([`max_concurrent_logins`](crate::HttpOptions::with_max_concurrent_logins)), each with its client's
    /// deadline. A later call of a client gets another token.
    ///
    /// ```
    /// use tokenlease::{EndBy, EntryFilter};
    /// # use tokenlease::{Client, Registry, core::{Credentials, Identity, provider::Server}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let emulator = tokenlease_emulator::Emulator::builder().start().await.unwrap();
    /// # let w = emulator.wyn();
    /// # let registry = Registry::builder().build()?;
    /// # let identity = Identity::wyn(&w.server(), &w.user(), w.client_id())?.with_subject("anna")?;
    /// # let credentials = Credentials::password(w.password()).with_client_secret(w.client_secret());
    /// # let builder = Client::builder(Server::new(identity), credentials).registry(&registry);
    /// let client = builder.build()?;
    /// client.token().await?;
    /// let anna = EntryFilter::default().subject("anna");
    /// let report = registry.end(&anna, EndBy::Revocation).await?;
    /// assert_eq!((report.proven(), report.failed()), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Forked` if the store cannot be used in a forked child, and `Internal`. The errors of single tokens
    /// are in the report.
    pub async fn end(&self, filter: &EntryFilter, by: EndBy) -> Result<EndReport> {
        let mut groups: BTreeMap<_, Group> = BTreeMap::new();
        for state in self.selected(filter)? {
            let identity = state.server.identity().clone();
            groups.entry((identity, state.holder())).or_default().push(state);
        }
        let workers = self.http().max_concurrent_logins().min(groups.len());
        let queue = Arc::new(Mutex::new(groups.into_iter()));
        let worker = |queue: Arc<Mutex<std::collections::btree_map::IntoIter<_, Group>>>| async move {
            let mut ended = Vec::new();
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(((identity, _), group)) = next else { return ended };
                let identity: tokenlease_core::Identity = identity;
                ended.push((identity, end_group(group, by).await));
            }
        };
        let runtime = Runtime::current()?;
        let mut running = Vec::new();
        for _ in 0..workers {
            running.push(runtime.spawn(worker(queue.clone()))?);
        }
        let mut ended = Vec::new();
        for task in running {
            ended.extend(task.result().await.map_err(|error| {
                Error::new(ErrorKind::Internal, "the end of a token was cancelled")
                    .with_source(error)
            })?);
        }
        ended.sort_by(|(one, _), (other, _)| one.cmp(other));
        let entries = ended.into_iter().map(|(identity, result)| EndedEntry {
            subject: identity.subject().map(str::to_owned),
            identity: identity.to_string(),
            result,
        });
        Ok(EndReport { entries: entries.collect() })
    }

    /// As [`end`](Self::end), and blocks the calling thread until it completes.
    ///
    /// # Errors
    /// As [`end`](Self::end); `Config` on a thread of this library.
    pub fn end_blocking(&self, filter: &EntryFilter, by: EndBy) -> Result<EndReport> {
        let (registry, filter) = (self.clone(), filter.clone());
        Runtime::current()?.block_on(async move { registry.end(&filter, by).await })?
    }
}

/// Ends the token that the clients of one identity share.
async fn end_group(group: Group, by: EndBy) -> Ended {
    let mut clients = group.into_iter().map(Client);
    let Some(first) = clients.next() else { return Ended::NoToken };
    let ended = end(&first, by).await;
    // They drop the token now, and not when they read the store again.
    for other in clients.filter(|other| other.0.peek(|_| ()).is_some()) {
        if let Err(error) = other.forget().await {
            return Ended::Failed(error);
        }
    }
    ended
}

async fn end(client: &Client, by: EndBy) -> Ended {
    let forgotten = async || match client.forget().await {
        Ok(()) => Ended::Forgotten,
        Err(error) => Ended::Failed(error),
    };
    match client.0.live_token().await {
        Err(error) => Ended::Failed(error),
        Ok(None) => Ended::NoToken,
        Ok(Some(_)) if by == EndBy::Forgetting => forgotten().await,
        Ok(Some(token)) => match client.revoke(&token).await {
            Ok(revocation) => Ended::Revoked(revocation),
            Err(error) if error.kind() == ErrorKind::Unsupported => forgotten().await,
            Err(error) => Ended::Failed(error),
        },
    }
}

impl ClientState {
    /// Returns the fingerprint under which the client's lease is kept, if it is known without a call of the
    /// credentials function.
    fn holder(&self) -> Option<CredentialsFingerprint> {
        let holder = self.peek(Lifecycle::holder);
        holder.or_else(|| {
            CredentialsFingerprint::of_subject(self.registry.key(), self.server.identity())
        })
    }

    /// Returns the live token of the client, from memory or from the store.
    async fn live_token(&self) -> Result<Option<Token>> {
        let now = self.elapsed();
        let of_machine = |machine: &Lifecycle| {
            let (lease, _) = machine.current()?;
            lease.end().is_none_or(|end| now < end).then(|| lease.token().clone())
        };
        if let Some(token) = self.peek(of_machine).flatten() {
            return Ok(Some(token));
        }
        let Some(holder) = self.holder() else { return Ok(None) };
        self.cache.counters.store_called();
        let name = self.record_name();
        let deadline = now.plus(self.wait);
        let loaded = self.in_time(deadline, self.registry.store().load(&name)).await?;
        let loaded = loaded.map_err(Error::from)?;
        Ok(loaded.decode()?.live_token(holder, loaded.now))
    }
}
