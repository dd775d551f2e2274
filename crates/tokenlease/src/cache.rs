//! The fast path: a token that is cached, and until when it needs no look at anything else.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use tokenlease_core::Token;

use crate::clock::{AnyClock, Coarse};

/// What a caller of the fast path may have, and how long.
struct Cached {
    token: Token,
    fresh: Fresh,
}

/// Until when something serves, by both coarse clocks.
struct Fresh {
    until: Coarse,
    /// The monotonic clock when both were last seen to be before that. The wall clock is not read
    /// again as long as that one shows the same: reading one costs a third of a cached token.
    seen: AtomicI64,
}

/// The token that serves without a look at the machine, if there is one.
pub(crate) struct Cache {
    clock: AnyClock,
    cached: ArcSwapOption<Cached>,
    /// The same, for who looks once: see [`Cache::get_once`].
    kept: Mutex<Option<Arc<Cached>>>,
    /// Another one each time it is set; odd while there is a token.
    version: AtomicU64,
}

/// Stands for a token that was cached: whoever keeps an object of their own that was made of it
/// asks [`Client::holds`](crate::Client::holds) whether it still serves.
pub struct CacheVersion {
    version: u64,
    fresh: Fresh,
}

impl Fresh {
    fn new(until: Coarse) -> Self {
        Self { until, seen: AtomicI64::new(i64::MIN) }
    }

    #[inline]
    fn is_now(&self, clock: &AnyClock) -> bool {
        let monotonic = clock.coarse_monotonic();
        monotonic == self.seen.load(Ordering::Relaxed) || self.is_seen(clock, monotonic)
    }

    #[inline(never)]
    fn is_seen(&self, clock: &AnyClock, monotonic: i64) -> bool {
        let Coarse { monotonic: until, wall } = self.until;
        let is_fresh = monotonic < until && clock.get().coarse_wall() < wall;
        if is_fresh {
            self.seen.store(monotonic, Ordering::Relaxed);
        }
        is_fresh
    }
}

impl Cache {
    pub(crate) fn new(clock: AnyClock) -> Self {
        Self {
            clock,
            cached: ArcSwapOption::empty(),
            kept: Mutex::default(),
            version: AtomicU64::new(0),
        }
    }

    /// One caller at a time, so that the last to set it is the last to number it.
    pub(crate) fn set(&self, cached: Option<(Token, Coarse)>) {
        let odd = u64::from(cached.is_some());
        let version = self.version.load(Ordering::Relaxed);
        // A flight has many steps, and nothing is cached before and after most of them.
        if odd == 0 && version & 1 == 0 {
            return;
        }
        let cached = cached.map(|(token, until)| {
            let fresh = Fresh::new(until);
            Arc::new(Cached { token, fresh })
        });
        self.kept().clone_from(&cached);
        self.cached.store(cached);
        self.version.store(((version | 1) + 1) | odd, Ordering::Release);
    }

    #[inline]
    pub(crate) fn get<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Option<R> {
        self.look(|cached, _| use_it(&cached.token))
    }

    /// Behind a lock: a thread's first look at the pointer registers the thread, at a cost that grows
    /// with their number, which a thousand that wait for one answer would each pay.
    pub(crate) fn get_once(&self) -> Option<Token> {
        let cached = self.kept().clone()?;
        cached.fresh.is_now(&self.clock).then(|| cached.token.clone())
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<Cached>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(crate) fn get_with_version<R>(
        &self,
        use_it: impl FnOnce(&Token, CacheVersion) -> R,
    ) -> Option<R> {
        self.look(|Cached { token, fresh }, version| {
            use_it(token, CacheVersion { version, fresh: Fresh::new(fresh.until) })
        })
    }

    #[inline]
    fn look<R>(&self, use_it: impl FnOnce(&Cached, u64) -> R) -> Option<R> {
        // Read first: a version may be too old for its token, never too new.
        let version = self.version.load(Ordering::Acquire);
        // A look at the pointer costs the more, the first time: who finds nothing shall not pay it.
        if version & 1 == 0 {
            return None;
        }
        let guard = self.cached.load();
        let cached = guard.as_deref()?;
        cached.fresh.is_now(&self.clock).then(|| use_it(cached, version))
    }

    #[inline]
    pub(crate) fn holds(&self, cached: &CacheVersion) -> bool {
        let version = self.version.load(Ordering::Acquire);
        version == cached.version && cached.fresh.is_now(&self.clock)
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

    use tokenlease_core::{Now, TokenKind};

    use super::*;
    use crate::clock::{Clock, SteeredClock};

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
    fn a_mark_holds_as_long_as_its_token_serves_by_both_clocks() {
        let until = hour_from(&SteeredClock::new());
        let only_wall = Coarse { monotonic: i64::MAX, ..until };
        let only_monotonic = Coarse { wall: i64::MAX, ..until };
        for until in [until, only_wall, only_monotonic] {
            let clock = SteeredClock::new();
            let cache = Cache::new(AnyClock::Other(Arc::new(clock.clone())));
            assert!(version(&cache).is_none());
            cache.set(Some((token("one"), until)));
            let marked = version(&cache).unwrap();
            assert!(cache.holds(&marked));
            assert_eq!(cache.get_once(), Some(token("one")));
            clock.advance(Duration::from_secs(3601));
            assert!(!cache.holds(&marked));
            assert_eq!(cache.get_once(), None);
            assert!(version(&cache).is_none() && cache.get(|_| ()).is_none());
        }
    }

    #[test]
    fn a_mark_of_what_was_cached_before_does_not_hold() {
        let clock = SteeredClock::new();
        let cache = Cache::new(AnyClock::Other(Arc::new(clock.clone())));
        cache.set(Some((token("one"), hour_from(&clock))));
        let old = version(&cache).unwrap();
        cache.set(None);
        assert!(!cache.holds(&old));
        assert_eq!(cache.get_once(), None);
        cache.set(Some((token("two"), hour_from(&clock))));
        assert!(!cache.holds(&old));
        assert!(cache.holds(&version(&cache).unwrap()));
    }

    /// A clock whose monotonic face shows what it is told, and which counts looks at the other.
    #[derive(Debug, Default)]
    struct ToldClock {
        monotonic: AtomicI64,
        wall: AtomicI64,
        looks: AtomicU64,
    }

    impl Clock for ToldClock {
        fn now(&self) -> Now {
            unreachable!("the fast path reads coarse clocks")
        }

        fn coarse_monotonic(&self) -> i64 {
            self.monotonic.load(Ordering::Relaxed)
        }

        fn coarse_wall(&self) -> i64 {
            self.looks.fetch_add(1, Ordering::Relaxed);
            self.wall.load(Ordering::Relaxed)
        }

        fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            unreachable!("the fast path does not wait")
        }
    }

    #[test]
    fn the_wall_clock_is_looked_at_once_a_tick_of_the_other() {
        let clock = Arc::new(ToldClock::default());
        let cache = Cache::new(AnyClock::Other(clock.clone()));
        cache.set(Some((token("one"), hour_from(clock.as_ref()))));
        let marked = version(&cache).unwrap();
        let serves = || (cache.get(|_| ()).is_some(), cache.holds(&marked));
        for tick in 1..=3 {
            clock.monotonic.store(tick * 4 * MILLI, Ordering::Relaxed);
            clock.looks.store(0, Ordering::Relaxed);
            for _ in 0..100 {
                assert_eq!(serves(), (true, true));
            }
            // Who asks the cache and who keeps a version look for themselves.
            assert_eq!(clock.looks.load(Ordering::Relaxed), 2);
        }
        // A machine that was suspended, or a wall clock that was set: seen at the next tick.
        clock.wall.store(HOUR * MILLI, Ordering::Relaxed);
        clock.monotonic.store(16 * MILLI, Ordering::Relaxed);
        assert_eq!(serves(), (false, false));
        // What is over is not seen as fresh, however often it is asked for.
        assert_eq!(serves(), (false, false));
    }
}
