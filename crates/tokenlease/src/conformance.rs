//! Checks of the rules that every [`Store`] must keep, for the tests of stores.
//!
//! Each check uses new record names, so it can run against a store that is in use. It panics with
//! what it found if the store breaks a rule.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use tokenlease::{MemoryStore, SteeredClock, conformance};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let clock = SteeredClock::new();
//! let store = MemoryStore::new(Arc::new(clock.clone()));
//! conformance::all(&store, Duration::from_secs(10), async |time| clock.advance(time)).await;
//! # }
//! ```
#![expect(clippy::missing_panics_doc, reason = "panicking is how checks fail")]

use std::time::Duration;

use tokenlease_core::{Identity, time::Moment as _};

use crate::store::{Loaded, Locked, Owner, RecordName, Store, Stored, Swapped};

/// Runs every check.
///
/// `pass` lets the store's time pass: it moves a clock, or waits. Locks and records live for a few
/// `unit`s of that time.
pub async fn all(store: &impl Store, unit: Duration, pass: impl AsyncFn(Duration)) {
    a_swap_is_on_the_revision(store).await;
    identities_share_nothing(store).await;
    records_end(store, unit, &pass).await;
    time_passes(store, unit, &pass).await;
    a_lock_has_one_owner(store, unit).await;
    a_lock_ends(store, unit, &pass).await;
    a_lock_is_renewed_while_it_lives(store, unit, &pass).await;
    only_the_owner_unlocks(store, unit).await;
    locks_and_records_are_apart(store, unit).await;
}

/// A swap succeeds only on the expected revision (`None`: no record). A conflict changes nothing and
/// returns the record.
pub async fn a_swap_is_on_the_revision(store: &impl Store) {
    let name = name("swap");
    assert_eq!(load(store, &name).await.record, None, "a new name has no record");
    let conflict = swap(store, &name, Some(1), b"x", None).await;
    assert_eq!(found(conflict), None, "there is no record of revision 1");

    let first = done(swap(store, &name, None, b"one", None).await);
    assert_eq!(load(store, &name).await.record, Some(Stored::new(first, b"one".to_vec())));
    let conflict = swap(store, &name, None, b"x", None).await;
    assert_eq!(found(conflict), Some(Stored::new(first, b"one".to_vec())), "one exists already");

    let second = done(swap(store, &name, Some(first), b"two", None).await);
    assert!(second > first, "revisions grow");
    let conflict = swap(store, &name, Some(first), b"x", None).await;
    assert_eq!(found(conflict), Some(Stored::new(second, b"two".to_vec())), "it was replaced");

    // Every byte value is stored as it is.
    let every: Vec<u8> = (0..=u8::MAX).cycle().take(5000).collect();
    let third = done(swap(store, &name, Some(second), &every, None).await);
    assert_eq!(load(store, &name).await.record, Some(Stored::new(third, every)));
}

/// Two identities share neither a record nor a lock.
pub async fn identities_share_nothing(store: &impl Store) {
    let (one, other) = (name("tenant"), name("tenant"));
    done(swap(store, &one, None, b"one", None).await);
    assert_eq!(load(store, &other).await.record, None);
    let owner = owner();
    let life = Duration::from_secs(60);
    assert_eq!(store.lock(&one, &owner, life).await.unwrap(), Locked::Granted);
    let another = self::owner();
    assert_eq!(store.lock(&other, &another, life).await.unwrap(), Locked::Granted);
}

/// A record may be dropped after its `keep` and not earlier. Each swap sets it again.
pub async fn records_end(store: &impl Store, unit: Duration, pass: &impl AsyncFn(Duration)) {
    let name = name("keep");
    let first = done(swap(store, &name, None, b"one", Some(unit)).await);
    let second = done(swap(store, &name, Some(first), b"two", Some(4 * unit)).await);
    pass(2 * unit).await;
    assert!(load(store, &name).await.record.is_some(), "a swap sets how long a record is kept");
    pass(3 * unit).await;
    // A store may keep a record for longer, but then it must return all of it.
    if let Some(kept) = load(store, &name).await.record {
        assert_eq!(kept, Stored::new(second, b"two".to_vec()));
    } else {
        let third = done(swap(store, &name, None, b"three", None).await);
        assert!(third != first && third != second, "a revision is never used twice");
        pass(unit).await;
        assert!(load(store, &name).await.record.is_some(), "without `keep` it stays");
    }
}

/// The store's clock runs, and every result that has a time shows it.
pub async fn time_passes(store: &impl Store, unit: Duration, pass: &impl AsyncFn(Duration)) {
    let name = name("time");
    let before = load(store, &name).await.now;
    pass(unit).await;
    let Swapped::Done { now: after, .. } = swap(store, &name, None, b"x", None).await else {
        panic!("the name is new");
    };
    assert!(after.since(before) >= unit * 9 / 10, "{before:?}, then {after:?}");
    let Swapped::Conflict(Loaded { now: later, .. }) = swap(store, &name, None, b"", None).await
    else {
        panic!("the record exists");
    };
    assert!(later >= after, "{after:?}, then {later:?}");
}

/// A lock has one owner at a time, and its owner may take it twice.
pub async fn a_lock_has_one_owner(store: &impl Store, unit: Duration) {
    let (name, one, other) = (name("lock"), owner(), owner());
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted);
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Busy);
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted, "idempotent");
    store.unlock(&name, &one).await.unwrap();
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Granted);
}

/// A lock expires by itself, and its former owner can no longer renew it.
pub async fn a_lock_ends(store: &impl Store, unit: Duration, pass: &impl AsyncFn(Duration)) {
    let (name, crashed, next) = (name("crashed"), owner(), owner());
    assert_eq!(store.lock(&name, &crashed, unit).await.unwrap(), Locked::Granted);
    pass(unit * 11 / 10).await;
    assert_eq!(store.renew(&name, &crashed, unit).await.unwrap(), Locked::Busy, "it has expired");
    assert_eq!(store.lock(&name, &next, 2 * unit).await.unwrap(), Locked::Granted);
    assert_eq!(
        store.renew(&name, &crashed, unit).await.unwrap(),
        Locked::Busy,
        "another owner holds it"
    );
    assert_eq!(store.lock(&name, &crashed, unit).await.unwrap(), Locked::Busy);
}

/// A renewal extends the lock from the time of the call.
pub async fn a_lock_is_renewed_while_it_lives(
    store: &impl Store,
    unit: Duration,
    pass: &impl AsyncFn(Duration),
) {
    let (name, one, other) = (name("renew"), owner(), owner());
    assert_eq!(store.renew(&name, &one, unit).await.unwrap(), Locked::Busy, "it is free");
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted);
    assert_eq!(store.renew(&name, &one, 4 * unit).await.unwrap(), Locked::Granted);
    pass(2 * unit).await;
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Busy, "it was renewed");
    assert_eq!(store.renew(&name, &other, unit).await.unwrap(), Locked::Busy);
    pass(3 * unit).await;
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Granted);
}

/// A late unlock does not release the lock of the next owner.
pub async fn only_the_owner_unlocks(store: &impl Store, unit: Duration) {
    let (name, one, other) = (name("unlock"), owner(), owner());
    store.unlock(&name, &one).await.unwrap();
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted);
    store.unlock(&name, &other).await.unwrap();
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Busy);
}

/// A lock neither needs nor creates a record. A swap neither needs nor releases a lock.
pub async fn locks_and_records_are_apart(store: &impl Store, unit: Duration) {
    let (name, one, other) = (name("apart"), owner(), owner());
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted);
    assert_eq!(load(store, &name).await.record, None, "a lock does not create a record");
    let first = done(swap(store, &name, None, b"one", None).await);
    let second = done(swap(store, &name, Some(first), b"two", None).await);
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Busy);
    store.unlock(&name, &one).await.unwrap();
    assert_eq!(load(store, &name).await.record, Some(Stored::new(second, b"two".to_vec())));
}

fn name(check: &str) -> RecordName {
    let user = format!("{check} {}", owner());
    RecordName::new(Identity::wyn("https://conformance.example", &user, "check").unwrap())
}

fn owner() -> Owner {
    Owner::new(crate::random::seed().unwrap())
}

async fn load(store: &impl Store, name: &RecordName) -> Loaded {
    store.load(name).await.unwrap()
}

async fn swap(
    store: &impl Store,
    name: &RecordName,
    expected: Option<u64>,
    record: &[u8],
    keep: Option<Duration>,
) -> Swapped {
    store.swap(name, expected, record, keep).await.unwrap()
}

fn done(swapped: Swapped) -> u64 {
    match swapped {
        Swapped::Done { revision, .. } => revision,
        Swapped::Conflict(loaded) => panic!("expected the swap to be done, found {loaded:?}"),
    }
}

fn found(swapped: Swapped) -> Option<Stored> {
    match swapped {
        Swapped::Conflict(loaded) => loaded.record,
        Swapped::Done { .. } => panic!("expected a conflict, the swap was done"),
    }
}
