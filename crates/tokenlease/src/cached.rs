//! The fast path: a token that is cached, and until when it needs no look at anything else.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use tokenlease_core::Token;

use crate::clock::{Clock, Coarse};

/// What a caller of the fast path may have, and until when by both coarse clocks.
struct Cached {
    token: Token,
    until: Coarse,
}

/// The token that serves without a look at the machine, if there is one.
#[derive(Default)]
pub(crate) struct Cache {
    cached: ArcSwapOption<Cached>,
    /// Another one each time it is set; odd while there is a token.
    version: AtomicU64,
}

/// Stands for a token that was cached: whoever keeps an object of their own that was made of it
/// asks [`Client::holds`](crate::Client::holds) whether it still serves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    version: u64,
    until: Coarse,
}

impl Cache {
    /// One caller at a time, so that the last to set it is the last to number it.
    pub(crate) fn set(&self, cached: Option<(Token, Coarse)>) {
        let odd = u64::from(cached.is_some());
        let version = self.version.load(Ordering::Relaxed);
        // A flight has many steps, and nothing is cached before and after most of them.
        if odd == 0 && version & 1 == 0 {
            return;
        }
        self.cached.store(cached.map(|(token, until)| Cached { token, until }.into()));
        self.version.store(((version | 1) + 1) | odd, Ordering::Release);
    }

    #[inline]
    pub(crate) fn get<R>(&self, clock: &dyn Clock, use_it: impl FnOnce(&Token) -> R) -> Option<R> {
        self.get_with_mark(clock, |token, _| use_it(token))
    }

    #[inline]
    pub(crate) fn get_with_mark<R>(
        &self,
        clock: &dyn Clock,
        use_it: impl FnOnce(&Token, Mark) -> R,
    ) -> Option<R> {
        // Read first: a mark may be too old for its token, never too new.
        let version = self.version.load(Ordering::Acquire);
        // A thread's first look at the pointer registers the thread, at a cost that grows with
        // their number: a thousand that find nothing shall not pay it.
        if version & 1 == 0 {
            return None;
        }
        let guard = self.cached.load();
        let Cached { token, until } = guard.as_deref()?;
        let until = *until;
        clock.coarse().is_before(until).then(|| use_it(token, Mark { version, until }))
    }

    #[inline]
    pub(crate) fn holds(&self, clock: &dyn Clock, mark: Mark) -> bool {
        self.version.load(Ordering::Acquire) == mark.version && clock.coarse().is_before(mark.until)
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mark({})", self.version)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenlease_core::TokenKind;

    use super::*;
    use crate::clock::SteeredClock;

    const HOUR: i64 = 3_600_000;

    fn token(text: &str) -> Token {
        Token::new(TokenKind::Bearer, text.to_owned())
    }

    fn hour_from(clock: &dyn Clock) -> Coarse {
        let Coarse { monotonic, wall } = clock.coarse();
        Coarse { monotonic: monotonic + HOUR, wall: wall + HOUR }
    }

    fn mark(cache: &Cache, clock: &dyn Clock) -> Option<Mark> {
        cache.get_with_mark(clock, |_, mark| mark)
    }

    #[test]
    fn a_mark_holds_as_long_as_its_token_serves_by_both_clocks() {
        let (cache, clock) = (Cache::default(), SteeredClock::new());
        assert_eq!(mark(&cache, &clock), None);
        let until = hour_from(&clock);
        let only_wall = Coarse { monotonic: i64::MAX, ..until };
        let only_monotonic = Coarse { wall: i64::MAX, ..until };
        for until in [until, only_wall, only_monotonic] {
            let clock = SteeredClock::new();
            cache.set(Some((token("one"), until)));
            let marked = mark(&cache, &clock).unwrap();
            assert!(cache.holds(&clock, marked));
            clock.advance(Duration::from_secs(3601));
            assert!(!cache.holds(&clock, marked));
            assert!(mark(&cache, &clock).is_none() && cache.get(&clock, |_| ()).is_none());
        }
    }

    #[test]
    fn a_mark_of_what_was_cached_before_does_not_hold() {
        let (cache, clock) = (Cache::default(), SteeredClock::new());
        cache.set(Some((token("one"), hour_from(&clock))));
        let old = mark(&cache, &clock).unwrap();
        cache.set(None);
        assert!(!cache.holds(&clock, old));
        cache.set(Some((token("two"), hour_from(&clock))));
        assert!(!cache.holds(&clock, old));
        assert!(cache.holds(&clock, mark(&cache, &clock).unwrap()));
    }
}
