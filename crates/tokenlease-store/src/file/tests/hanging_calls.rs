//! Calls that hang in the file system.

use super::*;

/// Rule: Store: a call that hangs in the file system costs its own callers alone. Such calls keep a few
/// threads, and other stores work meanwhile.
#[tokio::test]
async fn calls_that_hang_cost_their_own_callers_alone() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = FileStore::open(folder.path()).unwrap();
    // As on a network file system: those of local disks are read on the caller's thread.
    Arc::get_mut(&mut store.0).unwrap().folder.remote = true;
    let name = RecordName::new(Identity::wyn("https://wyn.example", "hangs", "c").unwrap());
    // To open a pipe that nobody writes to hangs, as a file does whose server is down.
    let pipe = folder.path().join(format!("{}{RECORD_END}", name.key()));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for _ in 0..2 * MAX_CALLS {
        let load = tokio::time::timeout(Duration::from_millis(1), store.load(&name));
        assert!(load.await.is_err(), "the call must hang");
    }
    assert_eq!(store.0.calls.available_permits(), 0);
    let working = FileStore::open(other.path()).unwrap();
    working.swap(&name, None, b"record", None).await.unwrap();
    assert!(working.load(&name).await.unwrap().record.is_some());
    // Ends all calls that hang: each reads an empty file.
    drop(fs::OpenOptions::new().write(true).open(&pipe).unwrap());
    let all = u32::try_from(MAX_CALLS).unwrap();
    drop(store.0.calls.acquire_many(all).await.unwrap());
}
