//! Where a store's key comes from: 32 bytes that all who share the store must have.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, alphabet, engine::GeneralPurpose, engine::general_purpose};
use tokenlease::{
    Error, ErrorKind, Result, Store,
    core::{Identity, Key, Secret},
    store::{RecordName, Swapped},
};
use zeroize::Zeroizing;

use crate::random;

/// Memory for a passphrase, in KiB: 64 MiB, the smaller choice of RFC 9106 section 4.
const ARGON2_MEMORY: u32 = 64 * 1024;
const ARGON2_PASSES: u32 = 3;
/// One lane: it starts no threads.
const ARGON2_LANES: u32 = 1;
const SALT: usize = 16;
/// More than any form of a key has.
const LONGEST_FILE: u64 = 4096;

/// Where the key of a store comes from. Secrets of credentials are proven, and records encrypted,
/// under it: all who share a store must have the same one.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum KeySource {
    /// The store's own: for a folder, the file `key` in it, which is made with the first use; for
    /// the memory of a process, a random one. Stores for many hosts have none.
    #[default]
    Own,
    /// This one.
    Given(Key),
    /// A file with 32 bytes, as they are, or as text in hexadecimal digits or base64. Other users
    /// must not be able to read it.
    File(PathBuf),
    /// A passphrase, turned into a key by argon2id (version 1.3, 64 MiB, 3 passes, 1 lane) with a
    /// salt of 16 bytes that is kept in the store.
    Passphrase(Secret),
    /// A keyring of the operating system (feature `keyring`). Each store gets a key there with its
    /// first use, and keeps the key's name.
    Keyring(Keyring),
}

/// Which keyring of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keyring {
    /// The user's: the Secret Service (GNOME Keyring, `KWallet`, `KeePassXC`), the keychain of
    /// macOS, the Credential Manager of Windows.
    User,
    /// The one of the Linux kernel that the user's processes share. It needs no desktop, and
    /// forgets at each boot and after 3 days without use: then the store has to be emptied, unless
    /// the key was put back.
    Kernel,
}

#[cfg(feature = "keyring")]
impl Keyring {
    /// As errors name it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::User => "this user's keyring",
            Self::Kernel => "the kernel's keyring",
        }
    }

    /// What must be there.
    pub(crate) fn needs(self) -> &'static str {
        match self {
            Self::User => {
                "a Secret Service on the user's D-Bus (Linux), the keychain (macOS) or the \
                 Credential Manager (Windows)"
            }
            Self::Kernel => "Linux, and leave to call keyctl, which containers often lack",
        }
    }
}

impl KeySource {
    /// Reads a key that is written out: 64 hexadecimal digits, or base64 of 32 bytes.
    ///
    /// # Errors
    /// `Config` if it is neither.
    pub fn from_text(text: &str) -> Result<Self> {
        parse(text.as_bytes()).map(Self::Given).ok_or_else(|| malformed("the key that was given"))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("Own"),
            Self::Given(_) => f.write_str("Given([redacted])"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Passphrase(_) => f.write_str("Passphrase([redacted])"),
            Self::Keyring(keyring) => f.debug_tuple("Keyring").field(keyring).finish(),
        }
    }
}

/// The key in a file.
///
/// # Errors
/// `Config` if it can't be read, holds no key, or if other users can read it.
pub(crate) fn read_file(path: &Path) -> Result<Key> {
    let unreadable = |error: io::Error| {
        Error::new(
            ErrorKind::Config,
            format!("the key file {} can't be read: {error}", path.display()),
        )
        .expected("a file with 32 bytes, raw, in hexadecimal digits or in base64")
        .with_source(error)
    };
    let meta = fs::metadata(path).map_err(unreadable)?;
    private(path, &meta)?;
    if meta.len() > LONGEST_FILE {
        return Err(malformed(&format!("the key file {}", path.display())));
    }
    let bytes = Zeroizing::new(fs::read(path).map_err(unreadable)?);
    parse(&bytes).ok_or_else(|| malformed(&format!("the key file {}", path.display())))
}

/// The key that a folder has of its own, made now if the folder holds no record yet. It takes no
/// lock: whoever is first places a whole file, and all read that one.
#[cfg(feature = "file")]
pub(crate) fn of_folder(folder: &crate::file::Folder) -> Result<Key> {
    const NAME: &str = "key";
    let path = folder.path().join(NAME);
    let failed = |doing: &str, error: io::Error| {
        Error::new(ErrorKind::Store, format!("{doing} {} failed: {error}", path.display()))
            .advice("look at the folder and its disk")
            .with_source(error)
    };
    if path.try_exists().map_err(|error| failed("looking at", error))? {
        return read_file(&path);
    }
    let records = folder.names(".record").map_err(|error| failed("looking beside", error))?;
    // It may have been placed, and a record written under it, since the first look.
    if !records.is_empty() && !path.try_exists().is_ok_and(|exists| exists) {
        return Err(Error::new(
            ErrorKind::Store,
            format!(
                "the folder {} holds records but no file {NAME} that opens them",
                folder.path().display()
            ),
        )
        .expected("the key under which they were written")
        .advice("give the key or passphrase, put the file back, or remove the records"));
    }
    folder.place(NAME, &[&*random::key()?]).map_err(|error| failed("making", error))?;
    read_file(&path)
}

/// The key of a passphrase, with the salt that the store keeps. The salt is no secret, so the
/// store is the bare one, and it is made with the first use.
pub(crate) async fn of_passphrase(passphrase: &Secret, store: &dyn Store) -> Result<Key> {
    let salt = salt(store).await?;
    let passphrase = passphrase.clone();
    let derive = move || derive(&passphrase, &salt);
    tokio::task::spawn_blocking(derive).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the key's derivation was ended").with_source(error))
    })
}

fn derive(passphrase: &Secret, salt: &[u8]) -> Result<Key> {
    let failed = |error: argon2::Error| {
        Error::new(ErrorKind::Internal, format!("no key could be made of the passphrase: {error}"))
            .advice("look at the memory that this process may have (64 MiB are needed)")
    };
    if passphrase.expose().is_empty() {
        return Err(Error::new(ErrorKind::Config, "the store's passphrase is empty")
            .expected("a long passphrase, or a key"));
    }
    let params =
        Params::new(ARGON2_MEMORY, ARGON2_PASSES, ARGON2_LANES, Some(32)).map_err(failed)?;
    let mut bytes = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *bytes)
        .map_err(failed)?;
    Ok(Key::new(*bytes))
}

/// Where a store keeps what it knows of its key: in the place of a made-up identity's record.
pub(crate) fn note(what: &str) -> Result<RecordName> {
    Ok(RecordName::new(Identity::oauth2("https://tokenlease.invalid", "", what)?))
}

/// The store's salt.
async fn salt(store: &dyn Store) -> Result<[u8; SALT]> {
    let name = note("salt")?;
    let foreign = || {
        Error::new(ErrorKind::Store, "what the store keeps as its salt is none")
            .expected("16 bytes")
            .advice("use another folder or prefix, or give the key itself")
    };
    let read = |bytes: &[u8]| <[u8; SALT]>::try_from(bytes).map_err(|_| foreign());
    if let Some(stored) = store.load(&name).await?.record {
        return read(stored.bytes());
    }
    let mut salt = [0; SALT];
    random::fill(&mut salt)?;
    match store.swap(&name, None, &salt, None::<Duration>).await? {
        Swapped::Done { .. } => Ok(salt),
        // Somebody else was first.
        Swapped::Conflict(loaded) => read(loaded.record.ok_or_else(foreign)?.bytes()),
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Option<Key> {
    if let Ok(raw) = <[u8; 32]>::try_from(bytes) {
        return Some(Key::new(*Zeroizing::new(raw)));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let mut key = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).ok()?;
            if digits.starts_with('+') {
                return None;
            }
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        return Some(Key::new(*key));
    }
    let config = general_purpose::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE].iter().find_map(|alphabet| {
        // The engine wants more room than the 32 bytes take.
        let mut room = Zeroizing::new([0; 36]);
        let length = GeneralPurpose::new(alphabet, config)
            .decode_slice(text, &mut *room)
            .ok()
            .filter(|length| *length == key.len())?;
        key.copy_from_slice(room.get(..length)?);
        Some(Key::new(*key))
    })
}

fn malformed(what: &str) -> Error {
    // What it holds may be a secret of another kind: it is not quoted.
    Error::new(ErrorKind::Config, format!("{what} is no key"))
        .expected("32 bytes: raw in a file, 64 hexadecimal digits, or base64")
        .advice("make one with `openssl rand -hex 32`")
}

#[cfg(unix)]
fn private(path: &Path, meta: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if meta.mode() & 0o026 == 0 {
        return Ok(());
    }
    let mode = meta.mode() & 0o777;
    let what = format!("other users may read or change the key file {}", path.display());
    Err(Error::new(ErrorKind::Config, format!("{what} (mode {mode:o})"))
        .expected("a file for its user, and at most a group of readers")
        .advice(format!(
            "run chmod 600 {}, and change the key if others may have seen it",
            path.display()
        )))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn private(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokenlease::{MemoryStore, SystemClock};

    use super::*;

    const HEX: &str = "000102030405060708090a0B0C0D0E0F101112131415161718191a1b1c1d1e1f";

    fn counted() -> Key {
        Key::new(std::array::from_fn(|at| u8::try_from(at).unwrap()))
    }

    #[test]
    fn a_key_is_read_raw_in_hexadecimal_digits_and_in_base64() {
        let raw: Vec<u8> = (0..32).collect();
        let standard = general_purpose::STANDARD.encode(&raw);
        let bare = general_purpose::URL_SAFE_NO_PAD.encode(&raw);
        for form in [&raw[..], HEX.as_bytes(), standard.as_bytes(), bare.as_bytes()] {
            assert!(parse(form) == Some(counted()));
        }
        assert!(parse(format!(" {HEX}\r\n").as_bytes()) == Some(counted()));
        let high = general_purpose::URL_SAFE.encode([0xff; 32]);
        assert!(parse(high.as_bytes()) == Some(Key::new([0xff; 32])));
    }

    #[test]
    fn what_is_no_key_is_an_error_that_does_not_quote_it() {
        for text in ["", "canary", &HEX[1..], &format!("{HEX}00"), &"+f".repeat(32)] {
            let error = KeySource::from_text(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let sources = [
            KeySource::Given(counted()),
            KeySource::Passphrase("canary".into()),
            KeySource::from_text(HEX).unwrap(),
        ];
        assert!(!format!("{sources:?}").contains("canary"));
    }

    #[cfg(unix)]
    #[test]
    fn lesson_15_a_key_file_that_others_can_read_is_rejected_and_the_error_says_how_to_mend_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        fs::write(&path, HEX).unwrap();
        for (mode, good) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = read_file(&path);
            assert_eq!(read.is_ok(), good, "{mode:o}");
            if let Err(error) = read {
                assert!(error.to_string().contains("chmod 600"), "{error}");
            }
        }
        let missing = read_file(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Config);
    }

    #[cfg(feature = "file")]
    #[test]
    fn a_folder_makes_its_key_once_and_only_while_it_holds_no_record() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("store");
        let folder = crate::file::Folder::open(&path).unwrap();
        let keys: Vec<Key> = std::thread::scope(|scope| {
            let each: Vec<_> = (0..16).map(|_| scope.spawn(|| of_folder(&folder))).collect();
            each.into_iter().map(|one| one.join().unwrap().unwrap()).collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "no temporary file is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join("key"))), (0o700, 0o600));
        }

        fs::write(path.join("x.record"), b"").unwrap();
        assert!(of_folder(&folder).unwrap() == keys[0]);
        fs::remove_file(path.join("key")).unwrap();
        let error = of_folder(&folder).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.to_string().contains("holds records but no file key"), "{error}");
    }

    #[tokio::test]
    async fn a_passphrase_is_one_key_with_one_salt_and_another_with_another() {
        let store = || MemoryStore::new(Arc::new(SystemClock));
        let (one, other) = (store(), store());
        let phrase = Secret::from("correct horse battery staple");
        let key = of_passphrase(&phrase, &one).await.unwrap();
        assert!(of_passphrase(&phrase, &one).await.unwrap() == key);
        assert!(of_passphrase(&"another".into(), &one).await.unwrap() != key);
        assert!(of_passphrase(&phrase, &other).await.unwrap() != key);
        let empty = of_passphrase(&"".into(), &one).await.unwrap_err();
        assert_eq!(empty.kind(), ErrorKind::Config);
    }

    #[test]
    fn the_key_of_a_passphrase_is_the_same_in_every_version() {
        let key = derive(&"tokenlease".into(), b"0123456789abcdef").unwrap();
        // The first bytes, as another implementation of argon2id and HMAC gives them.
        let mac = key.mac("golden", &[]);
        assert_eq!(mac[..8], [0x4f, 0xcc, 0x4e, 0x70, 0x56, 0x8a, 0xc8, 0x74]);
    }
}
