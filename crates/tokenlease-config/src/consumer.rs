//! Consumers: the programs on this host that `tokenlease serve` answers.
//!
//! ```toml
//! [consumer.php]
//! secret_hash = "sha256:…"   # made by `tokenlease serve --new-secret FILE`
//! profiles = ["erp"]         # whose tokens it may get
//! forwards = ["bi"]          # which upstreams it may call without seeing the token
//! rights = ["validate"]
//! ```
//!
//! The hash is a plain SHA-256, because the secret is 256 random bits: nobody can guess it, so a slow
//! hash such as Argon2 would protect nothing, and cost each request milliseconds. A password that a
//! person has chosen must not be used here.

use std::{fmt, num::NonZeroU32, path::Path};

use tokenlease::Result;

use crate::{
    nearest::nearest_of,
    options::key_of,
    profile,
    typed::{self, Problem},
};

/// How many requests a consumer may send in a second, unless its configuration sets another number.
pub const MAX_REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// The start of a hash in a file.
const SHA256: &str = "sha256:";

const KEYS: &[&str] =
    &["secret_hash", "uids", "profiles", "forwards", "rights", "max_requests_per_second"];

/// A program that `serve` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name, which is its `client_id`: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The hash of its secret. `None`: it is known by its user alone.
    pub secret_hash: Option<SecretHash>,
    /// The users (Unix) as whom it may connect, over a Unix socket only. Empty: any that may connect.
    pub uids: Vec<u32>,
    /// The profiles whose tokens it may get.
    pub profiles: Vec<String>,
    /// The upstreams that it may call through the proxy.
    pub forwards: Vec<String>,
    /// Its further rights.
    pub rights: Vec<Right>,
    /// How many requests it may send in a second. Twice as many may come at once.
    pub max_requests_per_second: NonZeroU32,
}

/// The SHA-256 of a consumer's secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(pub [u8; 32]);

/// A right of a consumer, beside its profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Its introspections ask the provider. Otherwise they are answered from this process' knowledge.
    Validate,
    /// Its revocations end the token at the provider, for everyone who uses it. Otherwise a revocation
    /// is about the consumer's view alone.
    Revoke,
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 2] = [Self::Validate, Self::Revoke];

    /// Returns the right's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Revoke => "revoke",
        }
    }
}

impl SecretHash {
    /// Reads `sha256:` and 64 hexadecimal digits.
    fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(SHA256).filter(|digits| digits.len() == 64)?;
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            let pair = digits.get(2 * at..2 * at + 2)?;
            *byte = u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHA256)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Reads all consumers of a configuration file; `None` is the user's own.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) if the file can't be read or is malformed. The error quotes
/// no value.
pub fn load(file: Option<&Path>) -> Result<Vec<Consumer>> {
    let (path, text) = profile::text(file)?;
    read(&text).map_err(|problem| problem.of(&path.display().to_string()))
}

fn read(text: &str) -> Result<Vec<Consumer>, Problem> {
    let file = profile::parse(text)?;
    let consumers = match file.get("consumer") {
        None => return Ok(Vec::new()),
        Some(toml::Value::Table(consumers)) => consumers,
        Some(_) => return Err(Problem::new("\"consumer\" is not a table", "[consumer.NAME]")),
    };
    let consumers: Vec<_> =
        consumers.iter().map(|(name, value)| consumer(name, value)).collect::<Result<_, _>>()?;
    check_users(&consumers)?;
    Ok(consumers)
}

fn consumer(name: &str, value: &toml::Value) -> Result<Consumer, Problem> {
    let of = |mut problem: Problem| {
        problem.detail = format!("consumer \"{name}\": {}", problem.detail);
        problem
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(of(Problem::new("the name is its client_id", "letters, digits, - _ and .")));
    }
    let toml::Value::Table(members) = value else {
        return Err(of(Problem::new("it is not a table", format!("[consumer.{name}]"))));
    };
    let mut consumer = Consumer {
        name: name.to_owned(),
        secret_hash: None,
        uids: Vec::new(),
        profiles: Vec::new(),
        forwards: Vec::new(),
        rights: Vec::new(),
        max_requests_per_second: MAX_REQUESTS_PER_SECOND,
    };
    members.iter().try_for_each(|(key, value)| set(&mut consumer, key, value)).map_err(of)?;
    if consumer.secret_hash.is_none() && consumer.uids.is_empty() {
        return Err(of(Problem::new(
            "it has no secret",
            "secret_hash = \"sha256:…\" as `tokenlease serve --new-secret FILE` prints it, or uids",
        )));
    }
    if consumer.profiles.is_empty() && consumer.forwards.is_empty() {
        return Err(of(Problem::new(
            "it may do nothing",
            "profiles or forwards, such as [\"erp\"]",
        )));
    }
    Ok(consumer)
}

fn set(consumer: &mut Consumer, key: &str, value: &toml::Value) -> Result<(), Problem> {
    let wrong = |expected: &str| Problem::new(format!("\"{key}\" is malformed"), expected);
    match &*key_of(key) {
        "secret_hash" => {
            let hash = value.as_str().and_then(SecretHash::read);
            consumer.secret_hash = Some(hash.ok_or_else(|| {
                wrong("sha256: and 64 digits, as `tokenlease serve --new-secret FILE` prints it")
            })?);
        }
        "uids" => {
            let uid = |value: &toml::Value| u32::try_from(value.as_integer()?).ok();
            let uids = value.as_array().and_then(|all| all.iter().map(uid).collect());
            consumer.uids = uids.ok_or_else(|| wrong("numbers of users, such as [1001]"))?;
        }
        "profiles" => consumer.profiles = names(value).ok_or_else(|| wrong("[\"erp\"]"))?,
        "forwards" => consumer.forwards = names(value).ok_or_else(|| wrong("[\"erp\"]"))?,
        "rights" => {
            let of_name =
                |name: &String| Right::ALL.into_iter().find(|right| right.as_str() == name);
            let rights = names(value).and_then(|all| all.iter().map(of_name).collect());
            consumer.rights = rights.ok_or_else(|| wrong("some of \"validate\", \"revoke\""))?;
        }
        "max_requests_per_second" => {
            let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
            consumer.max_requests_per_second =
                number.and_then(NonZeroU32::new).ok_or_else(|| wrong("a number from 1"))?;
        }
        other => {
            if typed::reject_secret(other).is_err() {
                return Err(Problem::new(
                    format!("\"{key}\" is not allowed: configuration files get copied"),
                    "secret_hash, as `tokenlease serve --new-secret FILE` prints it",
                ));
            }
            let expected = nearest_of(other, KEYS).map_or_else(
                || format!("one of {}", KEYS.join(", ")),
                |near| format!("\"{near}\""),
            );
            return Err(Problem::new(format!("\"{key}\" is unknown"), expected));
        }
    }
    Ok(())
}

fn names(value: &toml::Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

/// A consumer without a secret is known by its user, so no two of them share one.
fn check_users(consumers: &[Consumer]) -> Result<(), Problem> {
    let mut known: Vec<(u32, &str)> = Vec::new();
    for consumer in consumers.iter().filter(|consumer| consumer.secret_hash.is_none()) {
        for uid in &consumer.uids {
            if let Some((_, other)) = known.iter().find(|(known, _)| known == uid) {
                return Err(Problem::new(
                    format!(
                        "\"{}\" and \"{other}\" are both known by the user {uid}",
                        consumer.name
                    ),
                    "a secret_hash for one of them",
                ));
            }
            known.push((*uid, &consumer.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn error(text: &str) -> String {
        read(text).unwrap_err().of("config.toml").to_string()
    }

    #[test]
    fn a_consumer_has_its_profiles_and_rights() {
        let text = format!(
            "[profile.erp]\n[consumer.php]\nsecret_hash = \"{HASH}\"\nprofiles = [\"erp\"]\n\
             rights = [\"revoke\"]\nmax-requests-per-second = 5\n\
             [consumer.cron]\nuids = [7]\nforwards = [\"bi\"]\n"
        );
        let mut consumers = read(&text).unwrap();
        consumers.sort_by(|a, b| a.name.cmp(&b.name));
        let [cron, php] = &consumers[..] else { panic!("{consumers:?}") };
        assert_eq!((php.name.as_str(), &php.profiles[..]), ("php", &["erp".to_owned()][..]));
        assert_eq!(php.rights, [Right::Revoke]);
        assert_eq!(php.max_requests_per_second.get(), 5);
        assert_eq!(php.secret_hash.unwrap().to_string(), HASH);
        assert_eq!((cron.uids.as_slice(), cron.secret_hash), (&[7][..], None));
        assert!(!format!("{php:?}").contains("e3b0"), "{php:?}");
    }

    /// Rule: Secrets: a consumer's secret in a configuration file is rejected, and the error does not quote
    /// it.
    #[test]
    fn the_secret_of_a_consumer_in_a_file_is_rejected_and_not_quoted() {
        for key in ["secret", "client_secret", "password"] {
            let error = error(&format!("[consumer.php]\n{key} = \"canary\"\n"));
            assert!(error.contains("secret_hash") && !error.contains("canary"), "{error}");
        }
        let error = error("[consumer.php]\nsecret_hash = \"canary\"\n");
        assert!(error.contains("--new-secret") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_malformed_consumer_is_an_error_that_shows_the_expected_form() {
        let known = "[consumer.a]\nuids = [7]\nprofiles = [\"erp\"]\n";
        for (text, part) in [
            ("consumer = 1\n".to_owned(), "[consumer.NAME]"),
            ("[consumer]\na = 1\n".to_owned(), "it is not a table"),
            ("[consumer.\"a b\"]\n".to_owned(), "letters, digits"),
            ("[consumer.a]\nprofiles = [\"erp\"]\n".to_owned(), "it has no secret"),
            ("[consumer.a]\nuids = [7]\n".to_owned(), "it may do nothing"),
            ("[consumer.a]\nuids = [-1]\n".to_owned(), "numbers of users"),
            ("[consumer.a]\nprofile = [\"erp\"]\n".to_owned(), "\"profiles\""),
            (format!("{known}rights = [\"all\"]\n"), "\"validate\", \"revoke\""),
            (format!("{known}max_requests_per_second = 0\n"), "a number from 1"),
            (format!("{known}[consumer.b]\nuids = [7]\nprofiles = [\"erp\"]\n"), "by the user 7"),
        ] {
            let error = error(&text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
