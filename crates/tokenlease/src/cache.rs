//! The cache: the current token, and until when it may be served without asking the state machine.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use tokenlease_core::Token;

use crate::{
    clock::{AnyClock, Coarse},
    counts::Counters,
};

/// The cached token, and how long it is fresh.
struct Cached {
    token: Token,
    fresh: Fresh,
}

/// Until when a token is fresh, by both coarse clocks.
struct Fresh {
    until: Coarse,
    /// The monotonic clock's value when both clocks were last found to be before `until`. The wall
    /// clock is not read again while the monotonic clock shows the same value: reading a clock is a
    /// third of the cost of a cached token.
    seen: AtomicI64,
}

/// Holds the token that is served without asking the state machine, if there is one.
pub(crate) struct Cache {
    clock: AnyClock,
    /// All counters of the client. Here, so that a cached token is counted without a further pointer.
    pub(crate) counters: Counters,
    cached: ArcSwapOption<Cached>,
    /// The same token for [`Cache::get_once`].
    copy: Mutex<Option<Arc<Cached>>>,
    /// Changes each time the cache is set. Odd while there is a token.
    version: AtomicU64,
}

/// The version of a cached token. [`holds`](crate::bindings::holds) tells whether the token is still
/// cached and fresh, so that a binding can keep an object that it made of the token.
pub struct CacheVersion {
    version: u64,
    fresh: Fresh,
}

impl Fresh {
    fn new(until: Coarse) -> Self {
        Self { until, seen: AtomicI64::new(i64::MIN) }
    }

    #[inline]
    fn is_now(&self, cache: &Cache) -> bool {
        let monotonic = cache.clock.coarse_monotonic();
        monotonic == self.seen.load(Ordering::Relaxed) || self.is_seen(cache, monotonic)
    }

    #[inline(never)]
    fn is_seen(&self, cache: &Cache, monotonic: i64) -> bool {
        let Coarse { monotonic: until, wall } = self.until;
        let is_fresh = monotonic < until && cache.clock.get().coarse_wall() < wall;
        if is_fresh {
            self.seen.store(monotonic, Ordering::Relaxed);
            // Once a tick: a counter of each call would cost as much as the call.
            cache.counters.hit();
        }
        is_fresh
    }
}

impl Cache {
    pub(crate) fn new(clock: AnyClock, counters: Counters) -> Self {
        Self {
            clock,
            counters,
            cached: ArcSwapOption::empty(),
            copy: Mutex::default(),
            version: AtomicU64::new(0),
        }
    }

    /// Sets the cached token. The caller holds a lock, so that concurrent calls cannot number two
    /// tokens in the wrong order.
    pub(crate) fn set(&self, cached: Option<(Token, Coarse)>) {
        let odd = u64::from(cached.is_some());
        let version = self.version.load(Ordering::Relaxed);
        // Most steps of a flight leave an empty cache empty.
        if odd == 0 && version & 1 == 0 {
            return;
        }
        let cached = cached.map(|(token, until)| {
            let fresh = Fresh::new(until);
            Arc::new(Cached { token, fresh })
        });
        self.locked_copy().clone_from(&cached);
        self.cached.store(cached);
        self.version.store(((version | 1) + 1) | odd, Ordering::Release);
    }

    #[inline]
    pub(crate) fn get<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Option<R> {
        self.load(|cached, _| use_it(&cached.token))
    }

    /// Returns the token if it is fresh. It uses a lock: the first load of the atomic pointer
    /// registers the thread, at a cost that grows with the number of threads. Each of a thousand
    /// threads that wait for one answer would pay it.
    pub(crate) fn get_once(&self) -> Option<Token> {
        let cached = self.locked_copy().clone()?;
        cached.fresh.is_now(self).then(|| cached.token.clone())
    }

    fn locked_copy(&self) -> MutexGuard<'_, Option<Arc<Cached>>> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(crate) fn get_with_version<R>(
        &self,
        use_it: impl FnOnce(&Token, CacheVersion) -> R,
    ) -> Option<R> {
        self.load(|Cached { token, fresh }, version| {
            use_it(token, CacheVersion { version, fresh: Fresh::new(fresh.until) })
        })
    }

    #[inline]
    fn load<R>(&self, use_it: impl FnOnce(&Cached, u64) -> R) -> Option<R> {
        // Read before the token: the version may be older than the token, never newer.
        let version = self.version.load(Ordering::Acquire);
        // The first load of the pointer is expensive for a thread, so an empty cache avoids it.
        if version & 1 == 0 {
            return None;
        }
        let guard = self.cached.load();
        let cached = guard.as_deref()?;
        cached.fresh.is_now(self).then(|| use_it(cached, version))
    }

    #[inline]
    pub(crate) fn holds(&self, cached: &CacheVersion) -> bool {
        let version = self.version.load(Ordering::Acquire);
        version == cached.version && cached.fresh.is_now(self)
    }
}

impl fmt::Debug for CacheVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheVersion({})", self.version)
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::Pin, time::Duration};

    use tokenlease_core::{Now, TokenKind, identity::Provider};

    use super::*;
    use crate::{
        clock::{Clock, SteeredClock},
        counts::Counter,
    };

    const HITS: Counter = Counter::CacheHitsSampled;

    const HOUR: i64 = 3_600_000;
    const MILLI: i64 = 1_000_000;

    fn token(text: &str) -> Token {
        Token::new(TokenKind::Bearer, text.to_owned())
    }

    fn hour_from(clock: &dyn Clock) -> Coarse {
        Coarse::of(clock).plus(HOUR)
    }

    fn version(cache: &Cache) -> Option<CacheVersion> {
        cache.get_with_version(|_, version| version)
    }

    #[test]
    fn a_version_is_current_until_its_token_expires_by_either_clock() {
        let until = hour_from(&SteeredClock::new());
        let only_wall = Coarse { monotonic: i64::MAX, ..until };
        let only_monotonic = Coarse { wall: i64::MAX, ..until };
        for until in [until, only_wall, only_monotonic] {
            let clock = SteeredClock::new();
            let cache = Cache::new(AnyClock::Other(Arc::new(clock.clone())), Counters::default());
            assert!(version(&cache).is_none());
            cache.set(Some((token("one"), until)));
            let cached = version(&cache).unwrap();
            assert!(cache.holds(&cached));
            assert_eq!(cache.get_once(), Some(token("one")));
            clock.advance(Duration::from_secs(3601));
            assert!(!cache.holds(&cached));
            assert_eq!(cache.get_once(), None);
            assert!(version(&cache).is_none() && cache.get(|_| ()).is_none());
        }
    }

    #[test]
    fn the_version_of_an_earlier_token_is_not_current() {
        let clock = SteeredClock::new();
        let cache = Cache::new(AnyClock::Other(Arc::new(clock.clone())), Counters::default());
        cache.set(Some((token("one"), hour_from(&clock))));
        let old = version(&cache).unwrap();
        cache.set(None);
        assert!(!cache.holds(&old));
        assert_eq!(cache.get_once(), None);
        cache.set(Some((token("two"), hour_from(&clock))));
        assert!(!cache.holds(&old));
        assert!(cache.holds(&version(&cache).unwrap()));
    }

    /// A clock that a test sets, and that counts the reads of its wall clock.
    #[derive(Debug, Default)]
    struct SetClock {
        monotonic: AtomicI64,
        wall: AtomicI64,
        wall_reads: AtomicU64,
    }

    impl Clock for SetClock {
        fn now(&self) -> Now {
            unreachable!("the cache reads the coarse clocks")
        }

        fn coarse_monotonic(&self) -> i64 {
            self.monotonic.load(Ordering::Relaxed)
        }

        fn coarse_wall(&self) -> i64 {
            self.wall_reads.fetch_add(1, Ordering::Relaxed);
            self.wall.load(Ordering::Relaxed)
        }

        fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            unreachable!("the cache never waits")
        }
    }

    #[test]
    fn the_wall_clock_is_read_once_for_each_tick_of_the_monotonic_clock() {
        let clock = Arc::new(SetClock::default());
        let cache = Cache::new(AnyClock::Other(clock.clone()), Counters::default());
        cache.set(Some((token("one"), hour_from(clock.as_ref()))));
        let cached = version(&cache).unwrap();
        let serves = || (cache.get(|_| ()).is_some(), cache.holds(&cached));
        for tick in 1..=3 {
            clock.monotonic.store(tick * 4 * MILLI, Ordering::Relaxed);
            clock.wall_reads.store(0, Ordering::Relaxed);
            for _ in 0..100 {
                assert_eq!(serves(), (true, true));
            }
            // One read by `get` and one by `holds`.
            assert_eq!(clock.wall_reads.load(Ordering::Relaxed), 2);
        }
        // Each of those reads is a sampled hit, and that of `version` before them.
        let counts = cache.counters.read(Provider::Wyn);
        assert_eq!((counts.len(), counts[0].counter, counts[0].count), (1, HITS, 7));
        // A suspended machine, or a wall clock that was set, shows at the next tick.
        clock.wall.store(HOUR * MILLI, Ordering::Relaxed);
        clock.monotonic.store(16 * MILLI, Ordering::Relaxed);
        assert_eq!(serves(), (false, false));
        // An expired token stays expired at the next call.
        assert_eq!(serves(), (false, false));
    }
}
