//! Decides whether a lease is fresh, in its refresh window, due for a validation, or expired.
//!
//! All functions are pure: their results depend on a lease and a moment only.
//!
//! ```text
//! stated    sent_at ── fresh ── refresh window ── margin (served if nothing better can be had) ── end
//! assumed   sent_at ── fresh ── assumed expiry ── 60 s ── recent validations ── 24 h
//! unknown   sent_at ── recent validations ──────────────────────────────────── 24 h
//! unstated  sent_at ── fresh until an API rejects the token
//! ```
//!
//! - **Stated or capped**: the refresh begins at a moment within the refresh window. The moment is
//!   derived from the token, so that it is the same at each check.
//! - **Assumed** (`WinKAS`): the assumed expiry is `sent_at + validate_from_age`. In the 60 s after
//!   it, each call needs its own validation. Later a validation serves for a ninth of its distance
//!   from the assumed expiry, at least 30 s and at most 10 minutes.
//! - **Unknown** (refetched): a validation serves for 10 minutes.
//!
//! If the host's clocks have parted ([`host_clocks`](crate::host_clocks)), the token is validated once. From
//! the end on that the wall clock shows, it is validated as after an assumed expiry.

use std::time::Duration;

use crate::{
    backoff,
    host_clocks::{HostClocks, Parted},
    lease::{Expiry, Lease, margin, refresh_window},
    time::{Moment as _, Timestamp},
};

const MIN_VALIDATION_LIFETIME: Duration = Duration::from_secs(30);
const MAX_VALIDATION_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The time after an assumed expiry in which each call needs its own validation.
pub(crate) const STRICT_PERIOD: Duration = Duration::from_secs(60);

/// Whether a lease may be served at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It may be served.
    Fresh {
        /// When it must be checked again.
        until: Timestamp,
    },
    /// It may be served, and should be refreshed now.
    RefreshWindow {
        /// The end minus the margin.
        until: Timestamp,
    },
    /// It must be replaced. It may be served if that fails, or is not allowed now.
    Margin {
        /// The end.
        until: Timestamp,
    },
    /// The token must be validated before it is served.
    Validate {
        /// Whether the call needs a validation that was sent after it. That is so in the minute
        /// after an assumed expiry.
        strict: bool,
    },
    /// It may not be served.
    Expired,
}

/// The facts, besides the lease itself, that the freshness of a lease depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether a new token ends the older ones at once. If so, there is no refresh window.
    pub(crate) new_token_ends_old: bool,
    /// The seed of the moment in the refresh window.
    pub(crate) seed: u64,
    /// The clocks of this host now. `None`: the server can't be asked about a token, so that their
    /// difference is no reason to.
    pub(crate) clocks: Option<HostClocks>,
}

/// Returns the freshness of a lease, without regard to rejections, revocations and circuits.
pub(crate) fn freshness(lease: &Lease<Timestamp>, now: Timestamp, rules: Rules) -> Freshness {
    let by_elapsed = by_elapsed(lease, now, rules);
    let (Freshness::Fresh { until }
    | Freshness::RefreshWindow { until }
    | Freshness::Margin { until }) = by_elapsed
    else {
        return by_elapsed;
    };
    let Some(parted) = parted(lease, rules) else { return by_elapsed };
    if parted.is_suspect() {
        return Freshness::Validate { strict: false };
    }
    let Some(earlier) = parted.may_end_earlier_by() else { return by_elapsed };
    let Some(hard) = lease.end() else { return by_elapsed };
    let assumed = match lease.expiry() {
        Expiry::Assumed { validate_from_age, .. } => lease.sent_at().plus(validate_from_age),
        _ => hard,
    };
    let may_end = [hard, assumed].map(|end| end.minus(earlier));
    if let Some(may_end) = may_end.into_iter().find(|may_end| now >= *may_end) {
        return match (after_assumed_end(lease, now, may_end, hard), by_elapsed) {
            // A validation does not make it longer.
            (Freshness::Fresh { until }, Freshness::Margin { .. }) => Freshness::Margin { until },
            (checked, _) => checked,
        };
    }
    let until = until.min(assumed.minus(earlier));
    match by_elapsed {
        Freshness::Fresh { .. } => Freshness::Fresh { until },
        Freshness::Margin { .. } => Freshness::Margin { until },
        _ => Freshness::RefreshWindow { until },
    }
}

/// By how much the host's clocks have parted in the life of the token, if the server can be asked.
pub(crate) fn parted(lease: &Lease<Timestamp>, rules: Rules) -> Option<Parted> {
    lease.parted(rules.clocks?)
}

/// The freshness by the monotonic clock alone.
fn by_elapsed(lease: &Lease<Timestamp>, now: Timestamp, rules: Rules) -> Freshness {
    let sent_at = lease.sent_at();
    match lease.expiry() {
        Expiry::Stated { end } | Expiry::Capped { end } => {
            let life = end.since(sent_at);
            let until = end.minus(margin(life));
            if now >= end {
                return Freshness::Expired;
            }
            if now >= until {
                return Freshness::Margin { until: end };
            }
            let window = refresh_window(life);
            let moment = window.mul_f64(backoff::fraction(lease.fingerprint().mix(rules.seed)));
            let refresh =
                if rules.new_token_ends_old { until } else { until.minus(window).plus(moment) };
            if now >= refresh {
                Freshness::RefreshWindow { until }
            } else {
                Freshness::Fresh { until: refresh }
            }
        }
        Expiry::Assumed { validate_from_age, .. } => {
            let (assumed, hard) = (sent_at.plus(validate_from_age), lease.end().unwrap_or(sent_at));
            if now >= hard {
                Freshness::Expired
            } else if now < assumed {
                Freshness::Fresh { until: assumed.min(hard) }
            } else {
                after_assumed_end(lease, now, assumed, hard)
            }
        }
        Expiry::Unknown => {
            let hard = lease.end().unwrap_or(sent_at);
            if now >= hard {
                Freshness::Expired
            } else {
                by_validation(lease, now, hard, |_| MAX_VALIDATION_LIFETIME)
            }
        }
        Expiry::Unstated => Freshness::Fresh { until: Timestamp::MAX },
        Expiry::ExpiredOnArrival { .. } => Freshness::Expired,
    }
}

/// The freshness of a lease after the end that its token is assumed to have, before the one that it has
/// for certain.
fn after_assumed_end(
    lease: &Lease<Timestamp>,
    now: Timestamp,
    assumed: Timestamp,
    hard: Timestamp,
) -> Freshness {
    if now < assumed.plus(STRICT_PERIOD) {
        return Freshness::Validate { strict: true };
    }
    by_validation(lease, now, hard, |sent| {
        // The age of a validation may be a tenth of the time since the assumed expiry:
        // now - sent <= (now - assumed) / 10.
        (sent.since(assumed) / 9).clamp(MIN_VALIDATION_LIFETIME, MAX_VALIDATION_LIFETIME)
    })
}

fn by_validation(
    lease: &Lease<Timestamp>,
    now: Timestamp,
    hard: Timestamp,
    lifetime: impl Fn(Timestamp) -> Duration,
) -> Freshness {
    match lease.validated_at().map(|sent| sent.plus(lifetime(sent)).min(hard)) {
        Some(until) if now <= until => Freshness::Fresh { until },
        _ => Freshness::Validate { strict: false },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        key::Key,
        lease::FirstSeen,
        token::{Token, TokenFingerprint, TokenKind},
    };

    const HOUR: i64 = 3_600_000;
    const RULES: Rules = Rules { new_token_ends_old: false, seed: 1, clocks: None };

    fn lease(sent_at: i64, expiry: Expiry<Timestamp>, validation: Option<i64>) -> Lease<Timestamp> {
        let token = Token::new(TokenKind::Bearer, "t");
        Lease {
            fingerprint: TokenFingerprint::of(&Key::new([0; 32]), &token),
            token,
            first: FirstSeen { generation: 1, sent_at: Timestamp(sent_at), expiry },
            validated_at: validation.map(Timestamp),
            clocks: None,
        }
    }

    fn stated(life: i64) -> Lease<Timestamp> {
        lease(0, Expiry::Stated { end: Timestamp(life) }, None)
    }

    fn assumed(validation: Option<i64>) -> Lease<Timestamp> {
        let validate_from_age = Duration::from_secs(12 * 3600);
        lease(0, Expiry::Assumed { validate_from_age, learned: false }, validation)
    }

    /// Rule: Expiry: a token is refreshed in the refresh window before its margin. In the margin before its
    /// stated end it must be replaced, and serves up to the end only if that fails.
    #[test]
    fn a_lease_of_an_hour_is_fresh_then_in_its_refresh_window_and_must_be_replaced_a_minute_early()
    {
        let at = |now| freshness(&stated(HOUR), Timestamp(now), RULES);
        let Freshness::Fresh { until } = at(0) else { panic!("not fresh") };
        assert!((HOUR - 360_000..HOUR - 60_000).contains(&until.0), "{until:?}");
        assert_eq!(at(until.0), Freshness::RefreshWindow { until: Timestamp(HOUR - 60_000) });
        assert_eq!(at(HOUR - 60_000), Freshness::Margin { until: Timestamp(HOUR) });
        assert_eq!(at(HOUR), Freshness::Expired);
    }

    /// Rule: Expiry: margin and refresh window are clamped to the lifetime, so that a short-lived
    /// token is not refreshed in a loop.
    ///
    /// Reported as googleapis/google-cloud-rust#6678.
    #[test]
    fn margin_and_refresh_window_are_clamped_to_a_short_lifetime() {
        assert_eq!(margin(Duration::from_secs(10)), Duration::from_secs(1));
        assert_eq!(refresh_window(Duration::from_secs(10)), Duration::from_secs(2));
        assert!(matches!(
            freshness(&stated(10_000), Timestamp(6_999), RULES),
            Freshness::Fresh { .. }
        ));
    }

    /// Rule: Expiry: a lifetime of ten years, Wyn's default, does not overflow.
    ///
    /// Reported as directus/directus#4054 and keycloak/keycloak-js#107.
    #[test]
    fn a_lifetime_of_ten_years_does_not_overflow() {
        let years = 315_360_000_000;
        assert!(matches!(freshness(&stated(years), Timestamp(0), RULES), Freshness::Fresh { .. }));
        assert_eq!(freshness(&stated(years), Timestamp(years), RULES), Freshness::Expired);
        let endless = lease(0, Expiry::Stated { end: Timestamp::MAX }, None);
        assert!(matches!(freshness(&endless, Timestamp(0), RULES), Freshness::Fresh { .. }));
    }

    /// Rule: Expiry: there is no refresh window where a new token ends the older ones.
    #[test]
    fn a_server_whose_new_tokens_end_the_old_ones_has_no_refresh_window() {
        let rules = Rules { new_token_ends_old: true, ..RULES };
        let at = |now| freshness(&stated(HOUR), Timestamp(now), rules);
        assert_eq!(at(HOUR - 60_001), Freshness::Fresh { until: Timestamp(HOUR - 60_000) });
        assert_eq!(at(HOUR - 60_000), Freshness::Margin { until: Timestamp(HOUR) });
    }

    /// Rule: Expiry: in the minute after an assumed expiry each call needs its own validation; later
    /// calls accept recent validations.
    #[test]
    fn after_an_assumed_expiry_each_call_is_validated_for_a_minute_and_then_recent_validations_serve()
     {
        let assumed_at = 12 * HOUR;
        let at = |validation, now| freshness(&assumed(validation), Timestamp(now), RULES);
        assert_eq!(at(None, assumed_at - 1), Freshness::Fresh { until: Timestamp(assumed_at) });
        assert_eq!(at(Some(assumed_at), assumed_at), Freshness::Validate { strict: true });
        assert_eq!(at(Some(assumed_at), assumed_at + 59_999), Freshness::Validate { strict: true });
        assert_eq!(
            at(Some(assumed_at), assumed_at + 60_000),
            Freshness::Validate { strict: false }
        );
        let sent = assumed_at + 60_000;
        assert_eq!(at(Some(sent), sent), Freshness::Fresh { until: Timestamp(sent + 30_000) });
        assert_eq!(at(Some(sent), sent + 30_001), Freshness::Validate { strict: false });
        let sent = assumed_at + HOUR;
        assert_eq!(at(Some(sent), sent), Freshness::Fresh { until: Timestamp(sent + 400_000) });
        let sent = assumed_at + 9 * HOUR;
        assert_eq!(at(Some(sent), sent), Freshness::Fresh { until: Timestamp(sent + 600_000) });
        assert_eq!(at(Some(24 * HOUR - 1), 24 * HOUR), Freshness::Expired);
    }

    /// Rule: Expiry: a refetched token of unknown expiry is served for ten minutes after its last
    /// validation.
    #[test]
    fn a_refetched_token_is_served_for_ten_minutes_after_its_last_validation() {
        let lease = lease(0, Expiry::Unknown, Some(0));
        let at = |now| freshness(&lease, Timestamp(now), RULES);
        assert_eq!(at(600_000), Freshness::Fresh { until: Timestamp(600_000) });
        assert_eq!(at(600_001), Freshness::Validate { strict: false });
        assert_eq!(at(24 * HOUR), Freshness::Expired);
    }

    proptest! {
        #[test]
        fn a_stated_lease_is_never_served_after_its_end_and_never_becomes_fresh_again(
            sent in -1_000_000_i64..1_000_000, life in 1_i64..400_000_000_000,
            a in 0_i64..500_000_000_000, b in 0_i64..500_000_000_000, seed: u64,
        ) {
            let lease = lease(sent, Expiry::Stated { end: Timestamp(sent + life) }, None);
            let rank = |now: i64| match freshness(&lease, Timestamp(sent + now), Rules { seed, ..RULES }) {
                Freshness::Fresh { until } | Freshness::RefreshWindow { until } | Freshness::Margin { until }
                    if until.0 > sent + life => 9,
                Freshness::Fresh { .. } => 0,
                Freshness::RefreshWindow { .. } => 1,
                Freshness::Margin { .. } => 2,
                Freshness::Validate { .. } => 9,
                Freshness::Expired => 3,
            };
            let (early, late) = (a.min(b), a.max(b));
            prop_assert!(rank(early) <= rank(late) && rank(late) <= 3);
            prop_assert!(late < life || rank(late) == 3);
        }

        /// Rule: Expiry: no time panics, up to the limits of the clock.
        #[test]
        fn extreme_times_cause_no_panic(
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
            freshness(&lease(sent, expiry, validation), Timestamp(now), RULES);
        }
    }
}
