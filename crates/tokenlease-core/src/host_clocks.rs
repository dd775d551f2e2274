//! The two clocks of a host, compared: whether its suspend-aware clock stopped.
//!
//! A host that is itself suspended by its host does not notice: virtual machines that are restored from a
//! snapshot, WSL2, Docker Desktop and Lambda go on with the monotonic clock where it stopped, and
//! correct only the wall clock. Then more of a token's life has passed than the monotonic clock says. The
//! wall clock may be wrong as well, and an operator may set it, so that clocks that have parted are a
//! doubt and no proof: the server is asked about the token, and nothing is thrown away.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    lease::{FirstSeen, Lease},
    time::{Moment, Now, Timestamp, WallTime},
};

/// Clocks that have parted by no more than this raise no doubt: time services correct that much.
pub(crate) const MAX_PARTED: Duration = Duration::from_secs(2 * 60);

/// Names one start of a host. All processes with the same id read the same two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub u64);

impl BootId {
    /// Returns the id of the start with that name, for example Linux' `boot_id`.
    pub fn of(name: &str) -> Self {
        let digest = Sha256::digest(name.as_bytes());
        Self(digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte)))
    }
}

/// How far the wall clock is ahead of the monotonic clock, in milliseconds. It is constant, unless one of
/// them is set or stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostClocks {
    pub(crate) boot: BootId,
    pub(crate) ahead: i64,
}

impl HostClocks {
    pub(crate) fn new(boot: BootId, now: Now) -> Self {
        Self { boot, ahead: now.wall.0.saturating_sub(now.elapsed.0) }
    }

    /// Whether the monotonic clock may have stopped since the clocks were those.
    pub(crate) fn has_stopped_since(self, then: Self) -> bool {
        stopped_for(self.ahead.saturating_sub(then.ahead)).is_some()
    }

    /// For how long the monotonic clock may have stopped since that moment, when the wall clock showed `then`.
    pub(crate) fn stopped_since(self, moment: Timestamp, then: WallTime) -> Option<Duration> {
        stopped_for(self.wall(moment).wall.0.saturating_sub(then.0))
    }

    /// The time of the wall clock at that moment.
    pub(crate) fn wall(self, moment: Timestamp) -> HostTime {
        HostTime { boot: self.boot, wall: WallTime(moment.0.saturating_add(self.ahead)) }
    }
}

/// A time of a host's wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostTime {
    pub(crate) boot: BootId,
    pub(crate) wall: WallTime,
}

/// Two times of a host's wall clock, at two moments in the life of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaseClocks {
    pub(crate) boot: BootId,
    /// When the token was requested ([`Lease::sent_at`]).
    pub(crate) issued: WallTime,
    /// When the server was last asked about it ([`Lease::validated_at`], or else as `issued`).
    pub(crate) confirmed: WallTime,
    /// For other hosts: by how much the clocks of this host had parted when it saved the lease. They can't
    /// compare this host's clocks, and would trust times that it converted by a clock that stopped.
    pub(crate) doubt: Option<Parted>,
}

/// By how much the wall clock has advanced more than the monotonic clock, in milliseconds. Positive: the
/// monotonic clock may have stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parted {
    pub(crate) since_issued: i64,
    pub(crate) since_confirmed: i64,
}

impl Lease<Timestamp> {
    /// Compares the clocks of the same host then and now, or returns the doubt of another host.
    pub(crate) fn parted(&self, now: HostClocks) -> Option<Parted> {
        let clocks = self.clocks?;
        if clocks.boot != now.boot {
            return clocks.doubt;
        }
        let confirmed_at = self.validated_at.unwrap_or(self.first.sent_at);
        let since =
            |moment: Timestamp, then: WallTime| now.wall(moment).wall.0.saturating_sub(then.0);
        Some(Parted {
            since_issued: since(self.first.sent_at, clocks.issued),
            since_confirmed: since(confirmed_at, clocks.confirmed),
        })
    }

    /// The doubt that the clocks have raised so far is reported.
    pub(crate) fn confirm_clocks(&mut self, now: HostClocks) {
        let confirmed_at = self.validated_at.unwrap_or(self.first.sent_at);
        if let Some(clocks) = &mut self.clocks {
            clocks.confirmed = now.wall(confirmed_at).wall;
        }
    }

    /// Starts to compare with these clocks, and keeps the doubt of another host.
    pub(crate) fn set_clocks(&mut self, now: HostClocks) {
        let doubt = self.clocks.and_then(|clocks| clocks.doubt).unwrap_or_default();
        let confirmed_at = self.validated_at.unwrap_or(self.first.sent_at);
        let wall = |moment, parted: i64| WallTime(now.wall(moment).wall.0.saturating_sub(parted));
        self.clocks = Some(LeaseClocks {
            boot: now.boot,
            issued: wall(self.first.sent_at, doubt.since_issued),
            confirmed: wall(confirmed_at, doubt.since_confirmed),
            doubt: None,
        });
    }

    /// The lease is about to be saved: the doubt of this host's clocks goes with it.
    pub(crate) fn pass_on_doubt(&mut self, now: HostClocks) {
        let doubt = self.parted(now).filter(|parted| parted.is_doubt());
        if let Some(clocks) = &mut self.clocks {
            clocks.doubt = doubt;
        }
    }
}

impl Lease<Timestamp> {
    /// Takes another process' validation of the token, if it is a later one. One of another host counts by
    /// the clocks of this host.
    pub(crate) fn take_peer_validation(&mut self, stored: &Self, now: HostClocks) {
        let Some(sent) = stored.validated_at else { return };
        let mut by_own = stored.clone();
        if stored.clocks.is_none_or(|clocks| clocks.boot != now.boot) {
            by_own.set_clocks(now);
        }
        if let Some(LeaseClocks { boot, confirmed, .. }) = by_own.clocks
            && Some(sent) > self.validated_at
        {
            self.confirmed(sent, HostTime { boot, wall: confirmed });
        }
    }
}

impl<T: Moment> Lease<T> {
    /// When the lease that is being saved was requested, or the earliest such moment if the clocks of the host
    /// that saves it leave a doubt.
    pub(crate) fn requested_at(&self) -> T {
        let doubt = self.clocks.and_then(|clocks| clocks.doubt);
        self.first.sent_at.minus(doubt.and_then(Parted::may_end_earlier_by).unwrap_or_default())
    }

    /// Returns the first sighting of the token with this lease, where `known` was known before. A lease whose
    /// host's clock may have stopped since seems to be a later one, and does not show that the server stated the
    /// end again.
    pub(crate) fn first_after(&self, known: FirstSeen<T>) -> FirstSeen<T> {
        let requested_at = self.requested_at();
        let is_doubtful = requested_at < self.first.sent_at;
        if is_doubtful && requested_at <= known.sent_at.plus(MAX_PARTED) {
            return known;
        }
        known.returned_again(self.first)
    }

    /// The server called the token active in answer to a request that was sent then. A doubt about when it
    /// was issued stays, for all hosts.
    pub(crate) fn confirmed(&mut self, sent: T, then: HostTime) {
        let HostTime { boot, wall } = then;
        // A store whose clock was set back may have a validation of the future. This one settles a
        // doubt all the same.
        let later = self.validated_at.unwrap_or(sent).since(sent);
        let confirmed = wall.plus(later);
        let doubt = self.clocks.and_then(|clocks| clocks.doubt);
        let doubt = doubt.filter(|doubt| doubt.may_end_earlier_by().is_some());
        let doubt = doubt.map(|doubt| Parted { since_confirmed: 0, ..doubt });
        let issued = match self.clocks {
            Some(clocks) if clocks.boot == boot => clocks.issued,
            // As the clocks of that host show it now.
            _ => {
                let issued = wall.minus(sent.since(self.first.sent_at));
                WallTime(issued.0.saturating_sub(doubt.unwrap_or_default().since_issued))
            }
        };
        self.clocks = Some(LeaseClocks { boot, issued, confirmed, doubt });
        self.validated_at = self.validated_at.max(Some(sent));
    }

    /// Takes the facts of another sighting of the token, and what the same host's clocks showed then:
    /// `known`, or by this lease's clocks.
    pub(crate) fn take_first(&mut self, first: FirstSeen<T>, known: Option<LeaseClocks>) {
        let before = std::mem::replace(&mut self.first, first).sent_at;
        if let Some(clocks) = &mut self.clocks
            && before != first.sent_at
        {
            let known = known.filter(|known| known.boot == clocks.boot);
            let [earlier, later] = [before.since(first.sent_at), first.sent_at.since(before)];
            let shifted = clocks.issued.minus(earlier).plus(later);
            clocks.issued = known.map_or(shifted, |known| known.issued);
        }
    }

    /// Takes a validation that another lease of the token has, if it is a later one.
    pub(crate) fn take_validation(&mut self, sent: Option<T>, clocks: Option<LeaseClocks>) {
        if sent > self.validated_at {
            self.validated_at = sent;
            self.clocks = clocks;
        }
    }
}

impl Parted {
    /// Whether the token is suspected until the server confirms it.
    pub(crate) fn is_suspect(self) -> bool {
        Duration::from_millis(self.since_confirmed.unsigned_abs()) > MAX_PARTED
    }

    /// Whether another host should know of it.
    fn is_doubt(self) -> bool {
        self.is_suspect() || self.may_end_earlier_by().is_some()
    }

    /// By how much earlier than the monotonic clock shows the token may end.
    pub(crate) fn may_end_earlier_by(self) -> Option<Duration> {
        stopped_for(self.since_issued)
    }
}

/// Returns for how long a monotonic clock may have stopped, if the wall clock advanced by so many milliseconds more.
fn stopped_for(parted: i64) -> Option<Duration> {
    let stopped = Duration::from_millis(u64::try_from(parted).unwrap_or_default());
    (stopped > MAX_PARTED).then_some(stopped)
}
