//! What every [`Store`] must do, as checks that any store can be run through.
//!
//! Each check takes names of its own, so they can be run against a store that is in use, and
//! panics with what it found where the store breaks a promise.
#![expect(clippy::missing_panics_doc, reason = "panicking is how checks fail")]

use std::time::Duration;

use tokenlease_core::{Identity, time::Moment as _};

use crate::store::{Loaded, Locked, Owner, RecordName, Store, Stored, Swapped};

/// Runs every check. `pass` lets the store's time pass, by a clock that is steered or by waiting;
/// locks and records live for a `unit` or two of it.
pub async fn all(store: &dyn Store, unit: Duration, pass: impl AsyncFn(Duration)) {
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

/// None is expected where there is none; a revision is good for one swap; a conflict changes
/// nothing and answers the record.
pub async fn a_swap_is_on_the_revision(store: &dyn Store) {
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

    // Bytes are bytes, whatever they mean elsewhere.
    let every: Vec<u8> = (0..=u8::MAX).cycle().take(5000).collect();
    let third = done(swap(store, &name, Some(second), &every, None).await);
    assert_eq!(load(store, &name).await.record, Some(Stored::new(third, every)));
}

/// Tenants of one server, users of one tenant.
pub async fn identities_share_nothing(store: &dyn Store) {
    let (one, other) = (name("tenant"), name("tenant"));
    done(swap(store, &one, None, b"one", None).await);
    assert_eq!(load(store, &other).await.record, None);
    let owner = owner();
    let life = Duration::from_secs(60);
    assert_eq!(store.lock(&one, &owner, life).await.unwrap(), Locked::Granted);
    let another = self::owner();
    assert_eq!(store.lock(&other, &another, life).await.unwrap(), Locked::Granted);
}

/// A record is gone after its `keep`, no earlier; and a swap counts its own.
pub async fn records_end(store: &dyn Store, unit: Duration, pass: &impl AsyncFn(Duration)) {
    let name = name("keep");
    let first = done(swap(store, &name, None, b"one", Some(unit)).await);
    let second = done(swap(store, &name, Some(first), b"two", Some(4 * unit)).await);
    pass(2 * unit).await;
    assert!(load(store, &name).await.record.is_some(), "a swap sets how long a record is kept");
    pass(3 * unit).await;
    // A store may keep a record for longer than it is of use, but must not serve half of it.
    if let Some(kept) = load(store, &name).await.record {
        assert_eq!(kept, Stored::new(second, b"two".to_vec()));
    } else {
        let third = done(swap(store, &name, None, b"three", None).await);
        assert!(third != first && third != second, "a revision is never used twice");
        pass(unit).await;
        assert!(load(store, &name).await.record.is_some(), "without `keep` it stays");
    }
}

/// The store's clock runs, and every answer that has a time tells it.
pub async fn time_passes(store: &dyn Store, unit: Duration, pass: &impl AsyncFn(Duration)) {
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

/// One owner at a time; asking twice does no harm.
pub async fn a_lock_has_one_owner(store: &dyn Store, unit: Duration) {
    let (name, one, other) = (name("lock"), owner(), owner());
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted);
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Busy);
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted, "idempotent");
    store.unlock(&name, &one).await.unwrap();
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Granted);
}

/// An owner that died is outlived, and does not get a renewal when it comes back.
pub async fn a_lock_ends(store: &dyn Store, unit: Duration, pass: &impl AsyncFn(Duration)) {
    let (name, dead, next) = (name("dead"), owner(), owner());
    assert_eq!(store.lock(&name, &dead, unit).await.unwrap(), Locked::Granted);
    pass(unit * 11 / 10).await;
    assert_eq!(store.renew(&name, &dead, unit).await.unwrap(), Locked::Busy, "its life ended");
    assert_eq!(store.lock(&name, &next, 2 * unit).await.unwrap(), Locked::Granted);
    assert_eq!(store.renew(&name, &dead, unit).await.unwrap(), Locked::Busy, "it is another's");
    assert_eq!(store.lock(&name, &dead, unit).await.unwrap(), Locked::Busy);
}

/// A renewal counts from when it is asked for.
pub async fn a_lock_is_renewed_while_it_lives(
    store: &dyn Store,
    unit: Duration,
    pass: &impl AsyncFn(Duration),
) {
    let (name, one, other) = (name("renew"), owner(), owner());
    assert_eq!(store.renew(&name, &one, unit).await.unwrap(), Locked::Busy, "nobody holds it");
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted);
    assert_eq!(store.renew(&name, &one, 4 * unit).await.unwrap(), Locked::Granted);
    pass(2 * unit).await;
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Busy, "it was renewed");
    assert_eq!(store.renew(&name, &other, unit).await.unwrap(), Locked::Busy);
    pass(3 * unit).await;
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Granted);
}

/// An unlock that comes late must not take the lock from the next owner.
pub async fn only_the_owner_unlocks(store: &dyn Store, unit: Duration) {
    let (name, one, other) = (name("unlock"), owner(), owner());
    store.unlock(&name, &one).await.unwrap();
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted);
    store.unlock(&name, &other).await.unwrap();
    assert_eq!(store.lock(&name, &other, unit).await.unwrap(), Locked::Busy);
}

/// A lock needs no record and makes none; a swap needs no lock and takes none away.
pub async fn locks_and_records_are_apart(store: &dyn Store, unit: Duration) {
    let (name, one, other) = (name("apart"), owner(), owner());
    assert_eq!(store.lock(&name, &one, unit).await.unwrap(), Locked::Granted);
    assert_eq!(load(store, &name).await.record, None, "a lock is no record");
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

async fn load(store: &dyn Store, name: &RecordName) -> Loaded {
    store.load(name).await.unwrap()
}

async fn swap(
    store: &dyn Store,
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
