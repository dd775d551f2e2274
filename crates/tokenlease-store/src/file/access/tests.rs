use std::os::unix::fs::symlink;

use tokenlease::Store as _;

use super::*;
use crate::{FileStore, file::folder::Folder};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Rule: Store: a link in a folder is not followed, whether it has the name of a lock, a record, a key or
/// the mark of the sweep.
#[tokio::test]
async fn no_link_in_a_folder_is_followed() {
    let temporary = tempfile::tempdir().unwrap();
    let victim = temporary.path().join("victim");
    fs::write(&victim, "content").unwrap();
    let path = temporary.path().join("store");
    let name = crate::file::tests::name("u");
    for (link, makes_link) in [("link", true), ("hard link", false)] {
        let store = FileStore::open(&path).unwrap();
        let lock = path.join(format!("{}.lock", name.key()));
        let plant = |at: &Path| {
            if makes_link { symlink(&victim, at) } else { fs::hard_link(&victim, at) }.unwrap();
        };
        plant(&lock);
        let owner = tokenlease::store::Owner::new(1);
        let error = store.lock(&name, &owner, std::time::Duration::from_secs(60)).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(link) && error.contains("run `rm "), "{error}");
        let swapped = store.swap(&name, None, b"record", None).await.unwrap_err().to_string();
        assert!(swapped.contains(link), "{swapped}");
        fs::remove_file(&lock).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "content", "{link}");
    }
    let store = FileStore::open(&path).unwrap();
    symlink(&victim, path.join(format!("{}.record", name.key()))).unwrap();
    let error = store.load(&name).await.unwrap_err().to_string();
    assert!(error.contains("it is a link"), "{error}");
    symlink(&victim, path.join("key")).unwrap();
    let error = store.own_key().unwrap_err();
    assert!(error.to_string().contains("it is a link"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Store);
    fs::remove_file(path.join("key")).unwrap();
    fs::create_dir(path.join("key")).unwrap();
    let error = store.own_key().unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
}

/// Rule: Store: a folder that was given to its group, as Kubernetes does at a restart with `fsGroup`, works
/// and is for its user alone again.
///
/// Reported as kubernetes/kubernetes#2630
#[tokio::test]
async fn a_folder_that_was_given_to_its_group_is_for_its_user_alone_again() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("store");
    let store = FileStore::open(&path).unwrap();
    let key = store.own_key().unwrap();
    let name = crate::file::tests::name("u");
    store.swap(&name, None, b"record", None).await.unwrap();
    // As the kubelet sets the modes of a volume.
    set_mode(&path, 0o2770);
    for file in fs::read_dir(&path).unwrap() {
        set_mode(&file.unwrap().path(), 0o660);
    }
    let store = FileStore::open(&path).unwrap();
    assert!(store.own_key().unwrap() == key);
    assert_eq!(store.load(&name).await.unwrap().record.unwrap().bytes(), b"record");
    assert_eq!(mode(&path) & 0o777, 0o700);
    assert_eq!(mode(&path.join("key")), 0o600);
}

/// Rule: Store: a group shares a folder only if an option says so; then each of its users can read and
/// replace all files, whatever the umask.
#[tokio::test]
async fn a_group_shares_a_folder_only_by_an_option() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("store");
    let clock = std::sync::Arc::new(tokenlease::SystemClock);
    let open = || FileStore::with_access(&path, FolderAccess::Group, clock.clone());
    let store = open().unwrap();
    store.own_key().unwrap();
    let name = crate::file::tests::name("u");
    store.swap(&name, None, b"record", None).await.unwrap();
    let owner = tokenlease::store::Owner::new(1);
    store.lock(&name, &owner, std::time::Duration::from_secs(60)).await.unwrap();
    assert_eq!(mode(&path), 0o2770);
    let files = Folder::open(&path, FolderAccess::Group).unwrap().names("").unwrap();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        assert_eq!(mode(&path.join(&file)), 0o660, "{file}");
    }
    for wrong in [0o2772, 0o777] {
        set_mode(&path, wrong);
        let error = open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
}

/// Rule: Store: opening a folder for reading makes and changes no file.
#[tokio::test]
async fn opening_a_folder_for_reading_makes_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("store");
    let clock = std::sync::Arc::new(tokenlease::SystemClock);
    let existing = || FileStore::open_existing(&path, FolderAccess::User, clock.clone());
    assert!(existing().unwrap().is_none());
    assert!(!path.exists());
    fs::create_dir(&path).unwrap();
    set_mode(&path, 0o700);
    assert!(existing().unwrap().is_none());
    let name = crate::file::tests::name("u");
    FileStore::open(&path).unwrap().swap(&name, None, b"record", None).await.unwrap();
    let files = || Folder::open(&path, FolderAccess::User).unwrap().names("").unwrap().len();
    for file in ["swept", &format!("{}.lock", name.key())] {
        fs::remove_file(path.join(file)).unwrap();
    }
    let boot = Folder::open(&path, FolderAccess::User).unwrap().names("").unwrap();
    for file in boot.iter().filter(|file| file.starts_with("boot.")) {
        fs::remove_file(path.join(file)).unwrap();
    }
    let store = existing().unwrap().expect("a store");
    assert_eq!(store.load(&name).await.unwrap().record.unwrap().bytes(), b"record");
    assert_eq!(files(), 1);
}

/// Rule: Store: a record of an unknown identity is removed by its name, and only that record.
#[tokio::test]
async fn a_record_is_removed_by_its_name() {
    let temporary = tempfile::tempdir().unwrap();
    let store = FileStore::open(temporary.path().join("store")).unwrap();
    let (one, other) = (crate::file::tests::name("u"), crate::file::tests::name("v"));
    for name in [&one, &other] {
        store.swap(name, None, b"record", None).await.unwrap();
    }
    for wrong in ["", "abc", "../../../etc/passwd", "ABCDEFABCDEF"] {
        assert_eq!(store.remove(wrong).await.unwrap_err().kind(), ErrorKind::Config, "{wrong}");
    }
    assert!(store.remove(&one.key()[..12]).await.unwrap());
    assert!(!store.remove(one.key()).await.unwrap());
    assert_eq!(store.load(&one).await.unwrap().record, None);
    assert!(store.load(&other).await.unwrap().record.is_some());
}
