//! The counters of clients and of their registry, by provider, cause and result. All languages and `serve`
//! get them from here.
//!
//! A call that is answered from the cache adds to no counter: at most one of its calls in each tick of the coarse clock is
//! counted, in the branch that reads the wall clock anyway.

mod openmetrics;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, TryLockError,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use tokenlease_core::{
    identity::Provider,
    lifecycle::{Event, Outcome},
    provider::{Answer, Call},
    record::HistoryCause,
};

use crate::stats::Stats;

/// A thing that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Counter {
    /// Login requests sent, by cause.
    Logins,
    /// Refetch requests sent (WinKAS), by cause.
    Refetches,
    /// Validations, by result: `active`, `inactive` or `inconclusive`.
    Validations,
    /// Revocation requests sent.
    Revocations,
    /// Rejections, by cause: of a token by an API, and of the credentials by the server.
    Rejections,
    /// Ticks of the coarse clock, of 10 ms at most, in which a cached token was served. So these are all calls of
    /// a client that is called less often, and 250 a second or less of a client that is called more often.
    CacheHitsSampled,
    /// Callers that found no fresh token in the cache.
    CacheMisses,
    /// Calls to the store.
    StoreCalls,
    /// Callers that got an error.
    Errors,
}

impl Counter {
    /// All counters.
    pub const ALL: [Self; 9] = [
        Self::Logins,
        Self::Refetches,
        Self::Validations,
        Self::Revocations,
        Self::Rejections,
        Self::CacheHitsSampled,
        Self::CacheMisses,
        Self::StoreCalls,
        Self::Errors,
    ];

    /// Returns the name, the same in all languages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logins => "logins",
            Self::Refetches => "refetches",
            Self::Validations => "validations",
            Self::Revocations => "revocations",
            Self::Rejections => "rejections",
            Self::CacheHitsSampled => "cache_hits_sampled",
            Self::CacheMisses => "cache_misses",
            Self::StoreCalls => "store_calls",
            Self::Errors => "errors",
        }
    }
}

/// How often something happened since the client or the registry was made. It is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Count {
    /// The thing that is counted.
    pub counter: Counter,
    /// The provider of the client, or of the registry's clients that it happened to.
    pub provider: Provider,
    /// Why, for logins, refetches and rejections: as the history of the record names it.
    pub cause: Option<HistoryCause>,
    /// The result of validations.
    pub result: Option<&'static str>,
    /// How often.
    pub count: u64,
}

impl Count {
    fn json(&self) -> Value {
        json!({
            "counter": self.counter.as_str(),
            "provider": self.provider.as_str(),
            "cause": self.cause.map(HistoryCause::as_str),
            "result": self.result,
            "count": self.count,
        })
    }

    pub(crate) fn list_json(counts: &[Self]) -> Value {
        Value::Array(counts.iter().map(Self::json).collect())
    }

    /// Returns counts as a JSON list of objects with the members `counter`, `provider`, `cause`, `result` and
    /// `count`.
    pub fn list_to_json(counts: &[Self]) -> String {
        Self::list_json(counts).to_string()
    }

    /// Returns counts as counters of `OpenMetrics` 1.0, such as `tokenlease_logins_total`, with the labels
    /// `provider` and, where there is one, `cause` or `result`. The text has no `# EOF` line.
    pub fn list_to_openmetrics(counts: &[Self]) -> String {
        openmetrics::of(counts)
    }

    /// As [`list_to_openmetrics`](Self::list_to_openmetrics), with the label `profile`.
    pub(crate) fn profiles_to_openmetrics(profiles: &[(&str, Vec<Self>)]) -> String {
        openmetrics::of_profiles(profiles)
    }
}

/// A counted thing that happens seldom, with its cause or its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Labelled {
    Login(HistoryCause),
    Refetch(HistoryCause),
    /// A validation was sent.
    Validation,
    /// A validation had this result.
    Validated(Validity),
    Revocation,
    Rejection(HistoryCause),
}

/// The result of a validation. Many clients are held: it is one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Validity {
    Active,
    Inactive,
    Inconclusive,
}

impl Validity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl Labelled {
    /// Returns the counter with its cause and its result, if others see it.
    fn public(self) -> Option<(Counter, Option<HistoryCause>, Option<&'static str>)> {
        match self {
            Self::Login(cause) => Some((Counter::Logins, Some(cause), None)),
            Self::Refetch(cause) => Some((Counter::Refetches, Some(cause), None)),
            Self::Validation => None,
            Self::Validated(result) => Some((Counter::Validations, None, Some(result.as_str()))),
            Self::Revocation => Some((Counter::Revocations, None, None)),
            Self::Rejection(cause) => Some((Counter::Rejections, Some(cause), None)),
        }
    }
}

/// The counters of a client, or of all clients of a registry at one provider.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    cache_hits: AtomicU64,
    cache_misses: AtomicU64,
    store_calls: AtomicU64,
    errors: AtomicU64,
    /// A client has few of them, and takes the lock for requests only.
    labelled: Mutex<Vec<(Labelled, u32)>>,
    /// The counters of the registry, for those of a client.
    total: Option<Arc<Self>>,
}

impl Counters {
    /// Returns the counters of a client, which add to those of its registry.
    pub(crate) fn of_client(total: Arc<Self>) -> Self {
        Self { total: Some(total), ..Self::default() }
    }

    /// A request of this call is sent.
    pub(crate) fn sent(&self, call: &Call, cause: Option<HistoryCause>) {
        let cause = cause.unwrap_or(HistoryCause::Other);
        self.add(match call {
            Call::Login => Labelled::Login(cause),
            Call::Refetch => Labelled::Refetch(cause),
            Call::Validate(_) => Labelled::Validation,
            Call::Revoke(_) => Labelled::Revocation,
        });
    }

    /// A validation that was sent had this outcome.
    pub(crate) fn validated(&self, outcome: &Outcome) {
        self.add(Labelled::Validated(match outcome {
            Outcome::Answered(Answer::Active) => Validity::Active,
            Outcome::Answered(Answer::Inactive) => Validity::Inactive,
            _ => Validity::Inconclusive,
        }));
    }

    /// The state machine named this event.
    pub(crate) fn happened(&self, event: &Event) {
        let cause = match event {
            Event::Suspected(_) => HistoryCause::TokenRejected,
            Event::CircuitOpened(_) => HistoryCause::CredentialsRejected,
            _ => return,
        };
        self.add(Labelled::Rejection(cause));
    }

    /// A cached token was served in a tick of the clock.
    pub(crate) fn hit(&self) {
        self.each(|counters| &counters.cache_hits);
    }

    pub(crate) fn store_called(&self) {
        self.each(|counters| &counters.store_calls);
    }

    pub(crate) fn asked(&self) {
        self.each(|counters| &counters.cache_misses);
    }

    pub(crate) fn failed(&self) {
        self.each(|counters| &counters.errors);
    }

    fn each(&self, counter: impl Fn(&Self) -> &AtomicU64) {
        counter(self).fetch_add(1, Ordering::Relaxed);
        if let Some(total) = &self.total {
            counter(total).fetch_add(1, Ordering::Relaxed);
        }
    }

    fn add(&self, labelled: Labelled) {
        let mut all = self.lock();
        match all.iter_mut().find(|(known, _)| *known == labelled) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => all.push((labelled, 1)),
        }
        drop(all);
        if let Some(total) = &self.total {
            total.add(labelled);
        }
    }

    /// Returns the counts that are not zero, in the order of their counters and causes.
    pub(crate) fn read(&self, provider: Provider) -> Vec<Count> {
        let count =
            |counter, cause, result, count| Count { counter, provider, cause, result, count };
        let mut counts: Vec<_> = self
            .labelled()
            .into_iter()
            .filter_map(|(labelled, n)| {
                let (counter, cause, result) = labelled.public()?;
                Some(count(counter, cause, result, n.into()))
            })
            .collect();
        let plain = [
            (Counter::CacheHitsSampled, &self.cache_hits),
            (Counter::CacheMisses, &self.cache_misses),
            (Counter::StoreCalls, &self.store_calls),
            (Counter::Errors, &self.errors),
        ];
        counts.extend(
            plain.map(|(counter, n)| count(counter, None, None, n.load(Ordering::Relaxed))),
        );
        counts.retain(|count| count.count > 0);
        counts.sort_unstable();
        counts
    }

    /// Returns the sums.
    pub(crate) fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut stats = Stats {
            store_calls: read(&self.store_calls),
            cache_misses: read(&self.cache_misses),
            errors: read(&self.errors),
            ..Stats::default()
        };
        for (labelled, count) in self.labelled() {
            let count = u64::from(count);
            match labelled {
                Labelled::Login(_) => stats.logins += count,
                Labelled::Refetch(_) => stats.refetches += count,
                Labelled::Validation => stats.validations += count,
                Labelled::Revocation => stats.revocations += count,
                Labelled::Validated(_) | Labelled::Rejection(_) => {}
            }
        }
        stats
    }

    fn labelled(&self) -> Vec<(Labelled, u32)> {
        // In a forked child, a thread that does not exist there may hold the lock. Any other holder has it
        // for nanoseconds.
        for _ in 0..1000 {
            match self.labelled.try_lock() {
                Ok(all) => return all.clone(),
                Err(TryLockError::Poisoned(all)) => return all.into_inner().clone(),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
        Vec::new()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Labelled, u32)>> {
        self.labelled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counters of a registry, by provider. They include clients that were dropped.
#[derive(Debug, Default)]
pub(crate) struct Totals(Mutex<Vec<(Provider, Arc<Counters>)>>);

impl Totals {
    pub(crate) fn of(&self, provider: Provider) -> Arc<Counters> {
        let mut all = self.lock();
        if let Some((_, counters)) = all.iter().find(|(known, _)| *known == provider) {
            return counters.clone();
        }
        let counters = Arc::<Counters>::default();
        all.push((provider, counters.clone()));
        counters
    }

    pub(crate) fn read(&self) -> Vec<Count> {
        let all = self.lock().clone();
        let mut counts: Vec<_> =
            all.iter().flat_map(|(provider, counters)| counters.read(*provider)).collect();
        counts.sort_unstable();
        counts
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Provider, Arc<Counters>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_by_cause_and_result_and_added_to_those_of_the_registry() {
        let totals = Totals::default();
        let clients = [(); 2].map(|()| Counters::of_client(totals.of(Provider::Wyn)));
        for client in &clients {
            client.sent(&Call::Login, Some(HistoryCause::First));
            client.asked();
        }
        clients[0].sent(&Call::Login, Some(HistoryCause::Expiring));
        clients[0].sent(&Call::Refetch, None);
        clients[0].validated(&Outcome::Answered(Answer::Inactive));
        clients[0].hit();
        let winkas = Counters::of_client(totals.of(Provider::Winkas));
        winkas.failed();
        let of = |counts: Vec<Count>| -> Vec<_> {
            let text = |count: &Count| {
                let label = count.cause.map(HistoryCause::as_str).or(count.result);
                let (counter, provider) = (count.counter.as_str(), count.provider.as_str());
                format!("{counter} {provider} {} {}", label.unwrap_or("-"), count.count)
            };
            counts.iter().map(text).collect()
        };
        assert_eq!(
            of(totals.read()),
            [
                "logins wyn first 2",
                "logins wyn expiring 1",
                "refetches wyn other 1",
                "validations wyn inactive 1",
                "cache_hits_sampled wyn - 1",
                "cache_misses wyn - 2",
                "errors winkas - 1",
            ]
        );
        let one = of(clients[1].read(Provider::Wyn));
        assert_eq!(one, ["logins wyn first 1", "cache_misses wyn - 1"]);
        assert_eq!(clients[0].stats().logins, 2);
        // A client that is dropped stays in the sum.
        drop(clients);
        assert_eq!(of(totals.read())[0], "logins wyn first 2");
    }
}
