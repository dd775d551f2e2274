//! The stages of a flight, and the one table of its transitions.
//!
//! A flight is one attempt to get a lease. The picture shows the usual way through it; the list
//! below the picture has every transition, and a test compares it with [`next`].
//!
//! ```text
//!  caller ─► cached lease serves ─► answered          (no flight)
//!    │ otherwise
//!    ▼
//!  ReadStore ─► Decide ─► Validate ─► Lock ◄──► WaitForLock
//!                 │                    │
//!                 │                    ▼
//!                 │               ReadLocked ─► Choose ◄──► ValidateLocked
//!                 │                               │
//!                 │                               ▼
//!                 │                            Refetch ─► Login
//!                 ▼                               ▼         ▼
//!             Complete ◄──────────────────────────┴─────────┘
//!                 │
//!                 ▼
//!         callers are answered, and the lock is released
//! ```
//!
//! ```text
//! ReadStore      -- RecordRead -------> Decide
//! ReadStore      -- StoreUnavailable -> Decide
//! Decide         -- MustValidate -----> Validate
//! Decide         -- MustReplace ------> Lock
//! Validate       -- DoesNotServe -----> Lock
//! Lock           -- Locked -----------> ReadLocked
//! Lock           -- Busy -------------> WaitForLock
//! Lock           -- StoreUnavailable -> Choose
//! WaitForLock    -- RecordRead -------> Lock
//! WaitForLock    -- StoreUnavailable -> Lock
//! WaitForLock    -- CircuitOpened ----> Decide
//! ReadLocked     -- RecordRead -------> Choose
//! Choose         -- MustValidate -----> ValidateLocked
//! Choose         -- TryRefetch -------> Refetch
//! Choose         -- TryLogin ---------> Login
//! ValidateLocked -- DoesNotServe -----> Choose
//! Refetch        -- TryLogin ---------> Login
//! Refetch        -- ChooseAgain ------> Choose
//! Login          -- ChooseAgain ------> Choose
//! Refetch        -- LockLost ---------> Lock
//! Login          -- LockLost ---------> Lock
//! (any)          -- Completed --------> Complete
//! ```
//!
//! The changes that a flight learns of are saved to the store between any two of its steps, before
//! the next step is taken. So callers are answered after their token is saved, and before the lock is
//! released. An error is answered after that. Where there is no store, the lock is granted at once.

/// The next thing that a flight does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Reads the record of the identity.
    ReadStore,
    /// Decides whether the current lease serves.
    Decide,
    /// Asks the server about the current lease.
    Validate,
    /// Takes the lock of the identity.
    Lock,
    /// Another process has the lock: reads the record until that process is done.
    WaitForLock,
    /// Reads the record again, under the lock.
    ReadLocked,
    /// Chooses between a lease of another process, a refetch and a login.
    Choose,
    /// Asks the server, under the lock, about a lease that another process saved.
    ValidateLocked,
    /// Asks the server for the running token (`WinKAS`).
    Refetch,
    /// Asks the server for a new token.
    Login,
    /// Has a result: answers the callers, and releases the lock.
    Complete,
}

/// An event in a flight that its stage depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The record was read.
    RecordRead,
    /// The store does not answer, or an outage goes on.
    StoreUnavailable,
    /// The server must be asked before the lease serves.
    MustValidate,
    /// The lease must be replaced, or there is none.
    MustReplace,
    /// The server called the lease inactive, or gave no answer that lets it serve.
    DoesNotServe,
    /// The lock was granted.
    Locked,
    /// Another process has the lock.
    Busy,
    /// The lock could not be renewed because another process has it now.
    LockLost,
    /// Another process saved that the server rejected the credentials.
    CircuitOpened,
    /// The server can return the running token.
    TryRefetch,
    /// Only a login is left.
    TryLogin,
    /// The situation changed: choose again.
    ChooseAgain,
    /// The flight has a result.
    Completed,
}

/// The stage after `progress`. Progress that is not in the list above changes no stage.
pub(super) const fn next(stage: Stage, progress: Progress) -> Stage {
    use Progress as P;
    use Stage as S;
    match (stage, progress) {
        (_, P::Completed) => S::Complete,
        (S::ReadStore, P::RecordRead | P::StoreUnavailable)
        | (S::WaitForLock, P::CircuitOpened) => S::Decide,
        (S::Decide, P::MustValidate) => S::Validate,
        (S::Decide, P::MustReplace)
        | (S::Validate, P::DoesNotServe)
        | (S::WaitForLock, P::RecordRead | P::StoreUnavailable)
        | (S::Refetch | S::Login, P::LockLost) => S::Lock,
        (S::Lock, P::Locked) => S::ReadLocked,
        (S::Lock, P::Busy) => S::WaitForLock,
        (S::Lock, P::StoreUnavailable)
        | (S::ReadLocked, P::RecordRead)
        | (S::ValidateLocked, P::DoesNotServe)
        | (S::Refetch | S::Login, P::ChooseAgain) => S::Choose,
        (S::Choose, P::MustValidate) => S::ValidateLocked,
        (S::Choose, P::TryRefetch) => S::Refetch,
        (S::Choose | S::Refetch, P::TryLogin) => S::Login,
        _ => stage,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Progress as P, Stage as S, *};

    const STAGES: [S; 11] = [
        S::ReadStore,
        S::Decide,
        S::Validate,
        S::Lock,
        S::WaitForLock,
        S::ReadLocked,
        S::Choose,
        S::ValidateLocked,
        S::Refetch,
        S::Login,
        S::Complete,
    ];
    const PROGRESS: [P; 13] = [
        P::RecordRead,
        P::StoreUnavailable,
        P::MustValidate,
        P::MustReplace,
        P::DoesNotServe,
        P::Locked,
        P::Busy,
        P::LockLost,
        P::CircuitOpened,
        P::TryRefetch,
        P::TryLogin,
        P::ChooseAgain,
        P::Completed,
    ];

    /// The lines of the module's documentation that show a transition.
    fn documented() -> BTreeSet<[String; 3]> {
        let lines = include_str!("machine.rs").lines().filter_map(|line| line.strip_prefix("//! "));
        let arrows = lines.filter_map(|line| {
            let (from, rest) = line.split_once(" -- ")?;
            let (progress, to) = rest.split_once("> ")?;
            let progress = progress.trim_end_matches('-').trim();
            Some([from.trim(), progress, to.trim()].map(str::to_owned))
        });
        let mut all = BTreeSet::new();
        for [from, progress, to] in arrows {
            let from = if from == "(any)" {
                STAGES.map(|s| format!("{s:?}")).to_vec()
            } else {
                vec![from]
            };
            all.extend(from.into_iter().map(|from| [from, progress.clone(), to.clone()]));
        }
        // A stage that stays what it is needs no arrow.
        all.retain(|[from, _, to]| from != to);
        all
    }

    /// Rule: Formats: the diagram of the state machine shows exactly the transitions of its table.
    #[test]
    fn the_table_of_transitions_is_the_diagram() {
        let mut table = BTreeSet::new();
        for stage in STAGES {
            for progress in PROGRESS {
                let to = next(stage, progress);
                if to != stage {
                    table.insert([
                        format!("{stage:?}"),
                        format!("{progress:?}"),
                        format!("{to:?}"),
                    ]);
                }
            }
        }
        assert_eq!(table, documented());
    }

    #[test]
    fn every_stage_is_reached_and_leads_to_the_last() {
        for stage in STAGES {
            assert!(
                stage == S::ReadStore
                    || STAGES.iter().any(|from| {
                        *from != stage && PROGRESS.iter().any(|p| next(*from, *p) == stage)
                    }),
                "{stage:?} is never reached"
            );
            assert_eq!(next(stage, P::Completed), S::Complete, "{stage:?}");
        }
    }
}
