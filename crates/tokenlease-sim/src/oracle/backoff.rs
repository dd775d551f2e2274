//! No failed call is repeated undamped: how many calls may fail in a row, and how fast.
//!
//! The bounds follow from the machine's waits, as ARCHITECTURE derives them.

use std::collections::BTreeMap;

use tokenlease_core::{
    ErrorKind,
    lifecycle::{Effect, Outcome},
    provider::{Answer, Call},
};

use super::Sent;
use crate::{H, M, Owner, S, World};

/// Calls whose failures are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Login,
    Refetch,
    Validate,
    /// Credentials that were answered with what nothing can be made of, as with 403.
    Unusable,
    /// All calls to the store.
    Store,
}

impl Kind {
    fn of(effect: &Effect) -> Option<Self> {
        match effect {
            Effect::Send(Call::Login) => Some(Self::Login),
            Effect::Send(Call::Refetch) => Some(Self::Refetch),
            Effect::Send(Call::Validate(_)) => Some(Self::Validate),
            // Only a person revokes, once each time.
            Effect::Send(Call::Revoke(_)) => None,
            _ => Some(Self::Store),
        }
    }

    /// What one entry of a process may have fail in a row.
    fn most(self) -> Most {
        match self {
            Self::Login => Most { at_once: 9, then_each: 15 * S },
            Self::Refetch => Most { at_once: 24, then_each: 4 * S },
            Self::Validate => Most { at_once: 12, then_each: 2 * S },
            Self::Unusable => Most { at_once: 6, then_each: H },
            Self::Store => Most { at_once: 5, then_each: 5 * S },
        }
    }
}

/// In any time so many, and one more for each so many milliseconds of it.
#[derive(Clone, Copy, Debug)]
struct Most {
    at_once: i64,
    then_each: i64,
}

/// Logins that a server error or a throttle answered, of a fleet that shares a store: the n-th in a
/// row is followed by half of 1, 2, 4 … 64 s at least, whoever sends the next.
const FLEET: Most = Most { at_once: 7, then_each: 32 * S };

/// Failures in a row. What is over the pace of one in so many milliseconds is kept, so that all
/// times that end now are judged at once.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    last: i64,
    over: i64,
}

impl Row {
    /// One more. Whether there are too many.
    fn fails(&mut self, t: i64, most: Most) -> bool {
        let t = t.max(self.last);
        self.over = (self.over - (t - self.last)).max(0) + most.then_each;
        self.last = t;
        self.over > most.at_once * most.then_each
    }
}

/// What failed since the last success, or since something began anew.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    entries: BTreeMap<(Owner, Kind), Row>,
    fleet: Row,
}

impl Failures {
    /// The waits before calls to the provider begin anew, for all.
    pub(crate) fn begin_anew(&mut self) {
        self.entries.retain(|(_, kind), _| *kind == Kind::Store);
        self.fleet = Row::default();
    }

    /// Those of one entry begin anew.
    pub(crate) fn begin_anew_for(&mut self, owner: Owner) {
        for kind in [Kind::Login, Kind::Refetch, Kind::Validate, Kind::Unusable] {
            self.entries.remove(&(owner, kind));
        }
    }

    /// What the fleet knows of its failures may be lost.
    pub(crate) fn untold(&mut self) {
        self.fleet = Row::default();
    }

    /// An answer came to an entry.
    pub(super) fn answered(&mut self, owner: Owner, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(Answer::Token(_)) => self.begin_anew(),
            Outcome::Answered(Answer::Active) => self.begin_anew_for(owner),
            Outcome::Answered(Answer::NoToken(_)) => {
                self.entries.remove(&(owner, Kind::Refetch));
            }
            Outcome::Answered(Answer::Inactive) => {
                self.entries.remove(&(owner, Kind::Validate));
            }
            Outcome::Answered(_)
            | Outcome::NotSent(_)
            | Outcome::Lost(_)
            | Outcome::Failed(_)
            | Outcome::Unreadable(_) => {}
            _ => {
                self.entries.remove(&(owner, Kind::Store));
            }
        }
    }
}

impl World {
    /// A call failed, or no answer comes to it in time: were there too many in a row?
    pub(crate) fn judge_damping(
        &mut self,
        owner: &Owner,
        effect: &Effect,
        outcome: Option<&Outcome>,
        sent: Sent,
    ) {
        let failed = match outcome {
            Some(Outcome::Answered(answer)) => matches!(answer, Answer::Failed(_)),
            None
            | Some(
                Outcome::NotSent(_)
                | Outcome::Lost(_)
                | Outcome::Failed(_)
                | Outcome::Unreadable(_),
            ) => true,
            Some(_) => false,
        };
        let Some(kind) = Kind::of(effect).filter(|_| failed && !sent.copy) else { return };
        let unusable = matches!(kind, Kind::Login | Kind::Refetch) && is_unusable(outcome);
        for kind in [kind].into_iter().chain(unusable.then_some(Kind::Unusable)) {
            let row = self.oracle.failures.entries.entry((*owner, kind)).or_default();
            if row.fails(sent.at, kind.most()) {
                let (p, _, password) = owner;
                let detail = format!("p{p} {password}: {kind:?}, {row:?}");
                self.violate("failed calls are repeated undamped", detail);
            }
        }
        if kind == Kind::Login
            && sent.owned
            && !sent.alone
            && !sent.stalled
            && matches!(outcome, Some(Outcome::Answered(Answer::Failed(error)))
                if error.kind() == ErrorKind::Throttled
                    || error.status().is_some_and(|status| status >= 500))
        {
            if !self.is_calm(sent.at - M) || self.is_lossy_since(sent.at - M) {
                self.oracle.failures.untold();
            }
            if self.oracle.failures.fleet.fails(sent.at, FLEET) {
                let detail = format!("p{} {}", owner.0, owner.2);
                self.violate("logins that fail are repeated undamped by the fleet", detail);
            }
        }
    }
}

/// Whether an answer to credentials holds its entry alone.
fn is_unusable(outcome: Option<&Outcome>) -> bool {
    let Some(Outcome::Answered(Answer::Failed(error))) = outcome else { return false };
    match error.kind() {
        ErrorKind::CredentialsRejected | ErrorKind::Throttled => false,
        ErrorKind::Unavailable => error.status().is_some_and(|status| status < 500),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_may_have_so_many_at_once_and_then_one_in_each_time() {
        let most = Most { at_once: 3, then_each: 10 };
        let mut row = Row::default();
        assert!(![0, 0, 0].into_iter().any(|t| row.fails(t, most)));
        assert!(![10, 20, 31].into_iter().any(|t| row.fails(t, most)));
        assert!(!row.fails(50, most) && !row.fails(50, most));
        assert!(row.fails(50, most));
    }
}
