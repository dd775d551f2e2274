//! How a record becomes bytes: a version, then its parts in the `postcard` format. Golden vectors
//! hold it still; whatever changes it is a new version.

use std::fmt;

use zeroize::Zeroizing;

use super::{Record, RecordState};
use crate::time::StoreTime;

const VERSION: u8 = 1;

impl Record {
    /// The record as bytes. They hold tokens: encrypt them before they leave the process.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Room for all, so that no copy is left behind by a growing vector.
        let size = postcard::experimental::serialized_size(&self.0).unwrap_or_default();
        let mut bytes = Vec::with_capacity(1 + size);
        bytes.push(VERSION);
        // Vectors, options and numbers always encode; a record that would not is read as torn.
        Zeroizing::new(postcard::to_extend(&self.0, bytes).unwrap_or_default())
    }

    /// The record that these bytes hold.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (version, rest) = bytes.split_first().ok_or(DecodeError::Torn)?;
        match *version {
            VERSION => postcard::from_bytes::<RecordState<StoreTime>>(rest)
                .map(Self)
                .map_err(|_| DecodeError::Torn),
            0 => Err(DecodeError::Torn),
            version => Err(DecodeError::Newer { version }),
        }
    }
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// They are cut off or were never a record: it may be set aside.
    Torn,
    /// A newer tokenlease wrote them: they must be left as they are, and nothing may be issued.
    Newer {
        /// The version that they name.
        version: u8,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => f.write_str("the record is torn; expected a whole one"),
            Self::Newer { version } => write!(
                f,
                "the record has version {version}; expected {VERSION} or older; update this program"
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

/// A lease inside a record: the one place where a token's text is written out.
pub(super) mod lease {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::{
        lease::{First, Lease},
        secret::Secret,
        token::{Token, TokenFingerprint, TokenKind},
    };

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        lease: &Lease<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Lease { token, fingerprint, first, validated_at } = lease;
        (token.kind(), token.expose(), fingerprint, first, validated_at).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Lease<T>, D::Error> {
        type Parts<'a, T> = (TokenKind, &'a str, TokenFingerprint, First<T>, Option<T>);
        let (kind, text, fingerprint, first, validated_at) = Parts::deserialize(deserializer)?;
        Ok(Lease { token: Token::new(kind, Secret::from(text)), fingerprint, first, validated_at })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a fixture is read")]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{
        super::{
            BackoffReason, Block, Entry, Fate, LoginBackoff, ServerBackoff, Tombstone,
            TombstoneCause,
        },
        *,
    };
    use crate::{
        credentials::CredentialsFingerprint,
        key::Key,
        lease::{Expiry, First, Lease},
        token::{Token, TokenFingerprint, TokenKind},
    };

    fn full() -> Record {
        let token =
            |n: usize| Token::new(TokenKind::Winkas, format!("U1vT{n}|86Vb-{n}_crg").as_str());
        let print = |n| TokenFingerprint::of(&Key::new([3; 32]), &token(n));
        let credentials = |n: u8| CredentialsFingerprint::from_bytes([n; 32]);
        let t = |n: i64| StoreTime(1_795_306_940_000 + n);
        let first = |n: i64| First {
            generation: n.unsigned_abs(),
            sent_at: t(n),
            expiry: Expiry::Assumed {
                validate_from_age: Duration::from_secs(43_200),
                learned: n % 2 == 0,
            },
        };
        let pauses = |n: u8| {
            (0..n).map(|n| Block { credentials: credentials(n), until: t(9), count: 3 }).collect()
        };
        Record(RecordState {
            generation: 70_000,
            leases: (0..4_u8)
                .map(|n| Entry {
                    credentials: credentials(n),
                    lease: Lease {
                        token: token(n.into()),
                        fingerprint: print(n.into()),
                        first: first(n.into()),
                        validated_at: Some(t(77)),
                    },
                })
                .collect(),
            circuits: pauses(32),
            entry_backoffs: pauses(8),
            login_backoffs: (0..8)
                .map(|n| LoginBackoff {
                    credentials: credentials(n),
                    last: Some(t(5)),
                    count: 4,
                    armed: true,
                })
                .collect(),
            unproven: (0..4).map(|n| (credentials(n), t(1))).collect(),
            hold: Some(ServerBackoff { until: t(6), count: 2, reason: BackoffReason::Throttled }),
            learned: Some(Duration::from_secs(86_000)),
            young_death: Some((Duration::from_secs(3_600), print(1))),
            fates: (0..16)
                .map(|n| Fate {
                    fingerprint: print(n),
                    first: Some(first(7)),
                    tombstone: Some(Tombstone { cause: TombstoneCause::Inactive, at: t(8) }),
                    lifted: Some(t(4)),
                    forgotten: true,
                })
                .collect(),
        })
    }

    #[test]
    fn a_full_record_survives_and_stays_under_four_kilobytes_beside_its_tokens() {
        let record = full();
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes), Ok(record.clone()));
        let texts: usize = record.0.leases.iter().map(|e| e.lease.token.expose().len()).sum();
        assert!(bytes.len() - texts < 4096, "{}", bytes.len());
    }

    #[test]
    fn the_encoding_is_that_of_the_golden_vectors() {
        let hex = |record: &Record| {
            record.encode().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
        };
        let now = [hex(&Record::default()), hex(&full())];
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/vectors/record.json");
        let vectors: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for (vector, now) in vectors.as_array().unwrap().iter().zip(now) {
            assert_eq!(vector["bytes"].as_str().unwrap(), now);
        }
    }

    #[test]
    fn lesson_29_a_newer_record_is_told_from_a_torn_one() {
        let mut bytes = full().encode();
        assert_eq!(Record::decode(&bytes[..bytes.len() - 1]), Err(DecodeError::Torn));
        bytes[0] = 2;
        assert_eq!(Record::decode(&bytes), Err(DecodeError::Newer { version: 2 }));
        assert_eq!(Record::decode(&[]), Err(DecodeError::Torn));
    }

    #[test]
    fn debug_of_a_record_shows_no_token() {
        assert!(!format!("{:?}", full()).contains("86Vb"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_no_record_and_no_panic(bytes: Vec<u8>) {
            let _ = Record::decode(&bytes);
            let _ = Record::decode(&[&[VERSION], bytes.as_slice()].concat());
        }
    }
}
