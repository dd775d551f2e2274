//! The lease that callers are served, and what is known of it.

use super::reject::Suspicion;
use crate::{
    lease::{Lease, Source},
    time::Timestamp,
};

/// The lease that callers are served.
#[derive(Clone, Debug)]
pub(super) struct CurrentLease {
    pub(super) lease: Lease<Timestamp>,
    pub(super) source: Source,
    pub(super) since: Timestamp,
    pub(super) suspicion: Option<Suspicion>,
    /// When an active validation ended a suspicion.
    pub(super) confirmed_at: Option<Timestamp>,
    /// When the server was last asked again after `confirmed_at`.
    pub(super) asked_again: Option<Timestamp>,
    /// A caller adopted it with credentials that were never accepted so far: other processes do not get
    /// it.
    pub(super) is_private: bool,
    /// The server could not be asked about it although the clocks have parted. It serves until then.
    pub(super) unasked_until: Option<Timestamp>,
}

impl CurrentLease {
    pub(super) fn new(lease: Lease<Timestamp>, source: Source, since: Timestamp) -> Self {
        Self {
            lease,
            source,
            since,
            suspicion: None,
            confirmed_at: None,
            asked_again: None,
            is_private: false,
            unasked_until: None,
        }
    }
}
