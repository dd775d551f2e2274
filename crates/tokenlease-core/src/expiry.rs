//! When a lease is fresh, when it is in its refresh window, when the provider must be asked about
//! it, and when it is over: pure functions of a lease and a moment.
//!
//! ```text
//! stated    sent_at ─────────── fresh ───────────┬─ window ─┬─ margin ─ end
//!                                                └ a moment in it, drawn once a lease
//! assumed   sent_at ─── fresh ─── E ── 60 s ──┬── by validations ──────── 24 h
//!                      (probe age)  each asks └ at most max(30 s, a tenth past E), 10 min old
//! unknown   sent_at ─── by validations, at most 10 min old ────────────── 24 h
//! unstated  sent_at ─── fresh until it is rejected
//! ```

use std::time::Duration;

use crate::{
    backoff,
    lease::{Expiry, Lease},
    time::{Moment as _, Timestamp},
};

const LONGEST_MARGIN: Duration = Duration::from_secs(60);
const LONGEST_WINDOW: Duration = Duration::from_secs(5 * 60);
const YOUNGEST_VALIDATION: Duration = Duration::from_secs(30);
const OLDEST_VALIDATION: Duration = Duration::from_secs(10 * 60);

/// After an assumed end, the time in which each answer needs a validation of its own.
pub const STRICT: Duration = Duration::from_secs(60);

/// Where a lease stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// May be served to anyone until then.
    Fresh {
        /// The moment at which it must be looked at anew.
        until: Timestamp,
    },
    /// May be served until then, and should be refreshed now.
    Window {
        /// The end less the margin.
        until: Timestamp,
    },
    /// The provider must be asked first; in the strict minute after an assumed end, since the
    /// caller asked.
    Validate {
        /// A validation sent after the caller asked serves that caller.
        strict: bool,
    },
    /// Over.
    Over,
}

/// What the standing of a lease depends on besides the lease.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// A new token ends the older ones at once: there is no refresh window then.
    pub new_token_ends_old: bool,
    /// From which the moment in the refresh window is drawn.
    pub seed: u64,
}

/// Where the lease stands, were it not for rejections, revocations and circuits.
pub fn standing(lease: &Lease<Timestamp>, now: Timestamp, rules: Rules) -> Standing {
    let sent_at = lease.sent_at();
    match lease.expiry() {
        Expiry::Stated { end } | Expiry::Capped { end } => {
            let life = end.since(sent_at);
            let over = end.minus(margin(life));
            if now >= over {
                return Standing::Over;
            }
            let window = window(life);
            let moment = window.mul_f64(backoff::fraction(lease.fingerprint().mix(rules.seed)));
            let refresh =
                if rules.new_token_ends_old { over } else { over.minus(window).plus(moment) };
            if now >= refresh {
                Standing::Window { until: over }
            } else {
                Standing::Fresh { until: refresh }
            }
        }
        Expiry::Assumed { validate_from_age, .. } => {
            let (assumed, hard) = (sent_at.plus(validate_from_age), lease.end().unwrap_or(sent_at));
            if now >= hard {
                Standing::Over
            } else if now < assumed {
                Standing::Fresh { until: assumed.min(hard) }
            } else if now < assumed.plus(STRICT) {
                Standing::Validate { strict: true }
            } else {
                by_validation(lease, now, hard, |yes| {
                    // A validation may be a tenth of the time past E old: t - yes <= (t - E) / 10.
                    (yes.since(assumed) / 9).clamp(YOUNGEST_VALIDATION, OLDEST_VALIDATION)
                })
            }
        }
        Expiry::Unknown => {
            let hard = lease.end().unwrap_or(sent_at);
            if now >= hard {
                Standing::Over
            } else {
                by_validation(lease, now, hard, |_| OLDEST_VALIDATION)
            }
        }
        Expiry::Unstated => Standing::Fresh { until: Timestamp::MAX },
        Expiry::ExpiredOnArrival { .. } => Standing::Over,
    }
}

/// The time before a stated end in which a token is no longer handed out.
pub fn margin(life: Duration) -> Duration {
    LONGEST_MARGIN.min(life / 10)
}

/// The length of the window before the margin in which a refresh may begin.
pub fn window(life: Duration) -> Duration {
    LONGEST_WINDOW.min(life / 5)
}

fn by_validation(
    lease: &Lease<Timestamp>,
    now: Timestamp,
    hard: Timestamp,
    serves: impl Fn(Timestamp) -> Duration,
) -> Standing {
    match lease.validated_at().map(|yes| yes.plus(serves(yes)).min(hard)) {
        Some(until) if now <= until => Standing::Fresh { until },
        _ => Standing::Validate { strict: false },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        key::Key,
        lease::First,
        token::{Token, TokenFingerprint, TokenKind},
    };

    const HOUR: i64 = 3_600_000;
    const RULES: Rules = Rules { new_token_ends_old: false, seed: 1 };

    fn lease(sent_at: i64, expiry: Expiry<Timestamp>, validation: Option<i64>) -> Lease<Timestamp> {
        let token = Token::new(TokenKind::Bearer, "t");
        Lease {
            fingerprint: TokenFingerprint::of(&Key::new([0; 32]), &token),
            token,
            first: First { generation: 1, sent_at: Timestamp(sent_at), expiry },
            validated_at: validation.map(Timestamp),
        }
    }

    fn stated(life: i64) -> Lease<Timestamp> {
        lease(0, Expiry::Stated { end: Timestamp(life) }, None)
    }

    fn assumed(validation: Option<i64>) -> Lease<Timestamp> {
        let validate_from_age = Duration::from_secs(12 * 3600);
        lease(0, Expiry::Assumed { validate_from_age, learned: false }, validation)
    }

    #[test]
    fn an_hours_lease_is_fresh_then_in_its_window_then_over_a_minute_early() {
        let at = |now| standing(&stated(HOUR), Timestamp(now), RULES);
        let Standing::Fresh { until } = at(0) else { panic!("not fresh") };
        assert!((HOUR - 360_000..HOUR - 60_000).contains(&until.0), "{until:?}");
        assert_eq!(at(until.0), Standing::Window { until: Timestamp(HOUR - 60_000) });
        assert_eq!(at(HOUR - 60_000), Standing::Over);
    }

    #[test]
    fn lesson_13_margin_and_window_are_clamped_to_a_short_life() {
        assert_eq!(margin(Duration::from_secs(10)), Duration::from_secs(1));
        assert_eq!(window(Duration::from_secs(10)), Duration::from_secs(2));
        assert!(matches!(
            standing(&stated(10_000), Timestamp(6_999), RULES),
            Standing::Fresh { .. }
        ));
    }

    #[test]
    fn lesson_12_ten_years_do_not_overflow() {
        let years = 315_360_000_000;
        assert!(matches!(standing(&stated(years), Timestamp(0), RULES), Standing::Fresh { .. }));
        assert_eq!(standing(&stated(years), Timestamp(years), RULES), Standing::Over);
        let endless = lease(0, Expiry::Stated { end: Timestamp::MAX }, None);
        assert!(matches!(standing(&endless, Timestamp(0), RULES), Standing::Fresh { .. }));
    }

    #[test]
    fn a_server_whose_new_tokens_end_the_old_ones_has_no_window() {
        let rules = Rules { new_token_ends_old: true, ..RULES };
        let at = |now| standing(&stated(HOUR), Timestamp(now), rules);
        assert_eq!(at(HOUR - 60_001), Standing::Fresh { until: Timestamp(HOUR - 60_000) });
        assert_eq!(at(HOUR - 60_000), Standing::Over);
    }

    #[test]
    fn an_assumed_end_is_asked_about_strictly_for_a_minute_and_then_by_young_validations() {
        let e = 12 * HOUR;
        let at = |validation, now| standing(&assumed(validation), Timestamp(now), RULES);
        assert_eq!(at(None, e - 1), Standing::Fresh { until: Timestamp(e) });
        assert_eq!(at(Some(e), e), Standing::Validate { strict: true });
        assert_eq!(at(Some(e), e + 59_999), Standing::Validate { strict: true });
        assert_eq!(at(Some(e), e + 60_000), Standing::Validate { strict: false });
        let yes = e + 60_000;
        assert_eq!(at(Some(yes), yes), Standing::Fresh { until: Timestamp(yes + 30_000) });
        assert_eq!(at(Some(yes), yes + 30_001), Standing::Validate { strict: false });
        let yes = e + HOUR;
        assert_eq!(at(Some(yes), yes), Standing::Fresh { until: Timestamp(yes + 400_000) });
        let yes = e + 9 * HOUR;
        assert_eq!(at(Some(yes), yes), Standing::Fresh { until: Timestamp(yes + 600_000) });
        assert_eq!(at(Some(24 * HOUR - 1), 24 * HOUR), Standing::Over);
    }

    #[test]
    fn a_refetched_token_is_served_ten_minutes_after_its_last_validation() {
        let lease = lease(0, Expiry::Unknown, Some(0));
        let at = |now| standing(&lease, Timestamp(now), RULES);
        assert_eq!(at(600_000), Standing::Fresh { until: Timestamp(600_000) });
        assert_eq!(at(600_001), Standing::Validate { strict: false });
        assert_eq!(at(24 * HOUR), Standing::Over);
    }

    proptest! {
        #[test]
        fn a_stated_lease_never_stands_after_its_end_and_never_recovers(
            sent in -1_000_000_i64..1_000_000, life in 1_i64..400_000_000_000,
            a in 0_i64..500_000_000_000, b in 0_i64..500_000_000_000, seed: u64,
        ) {
            let lease = lease(sent, Expiry::Stated { end: Timestamp(sent + life) }, None);
            let rank = |now: i64| match standing(&lease, Timestamp(sent + now), Rules { seed, ..RULES }) {
                Standing::Fresh { until } | Standing::Window { until } if until.0 > sent + life => 9,
                Standing::Fresh { .. } => 0,
                Standing::Window { .. } => 1,
                Standing::Validate { .. } => 9,
                Standing::Over => 2,
            };
            let (early, late) = (a.min(b), a.max(b));
            prop_assert!(rank(early) <= rank(late) && rank(late) <= 2);
            prop_assert!(late < life || rank(late) == 2);
        }

        #[test]
        fn nothing_panics_at_the_ends_of_time(
            sent: i64, end: i64, validation: Option<i64>, now: i64, which in 0..6,
        ) {
            let expiry = match which {
                0 => Expiry::Stated { end: Timestamp(end) },
                1 => Expiry::Capped { end: Timestamp(end) },
                2 => Expiry::Assumed { validate_from_age: Duration::from_millis(end.unsigned_abs()), learned: true },
                3 => Expiry::Unknown,
                4 => Expiry::Unstated,
                _ => Expiry::ExpiredOnArrival { received: Timestamp(end) },
            };
            standing(&lease(sent, expiry, validation), Timestamp(now), RULES);
        }
    }
}
