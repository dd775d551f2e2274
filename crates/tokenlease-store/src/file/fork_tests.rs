//! A folder's store in a forked child.

use tokenlease::{
    SteeredClock, conformance,
    core::{Identity, Key},
};

use super::*;
use crate::Sealed;

const MINUTE: Duration = Duration::from_secs(60);

fn open(folder: &Path) -> (SteeredClock, FileStore) {
    let clock = SteeredClock::new();
    (clock.clone(), FileStore::with_clock(folder, Arc::new(clock)).unwrap())
}

/// Rule: Fork: a forked child uses its parent's folder, and not the locks that the parent has.
#[tokio::test]
async fn a_forked_child_uses_the_folder_and_not_the_parents_locks() {
    let folder = tempfile::tempdir().unwrap();
    let parent = Sealed::new(open(folder.path()).1, &Key::new([7; 32]));
    let name = RecordName::new(Identity::wyn("https://wyn.example", "u", "c").unwrap());
    parent.swap(&name, None, b"record", None).await.unwrap();
    let (owner, other) = (Owner::new(1), Owner::new(2));
    assert_eq!(parent.lock(&name, &owner, MINUTE).await.unwrap(), Locked::Granted);
    let child = parent.after_fork().unwrap();
    assert_eq!(child.load(&name).await.unwrap().record, parent.load(&name).await.unwrap().record);
    assert_eq!(child.lock(&name, &other, MINUTE).await.unwrap(), Locked::Busy);
    parent.unlock(&name, &owner).await.unwrap();
    assert_eq!(child.lock(&name, &other, MINUTE).await.unwrap(), Locked::Granted);
    child.unlock(&name, &other).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (clock, parent) = open(folder.path());
    let child = parent.after_fork().unwrap();
    conformance::all(&child, MINUTE, async |time| clock.advance(time)).await;
}
