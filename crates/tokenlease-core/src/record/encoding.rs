//! The encoding of a record: a version byte, then the fields in the `postcard` format.
//!
//! Golden vectors fix the format. Each change to it needs a new version. Version 2 adds the spent logins,
//! the options of each lease, circuit and backoff, the causes and the history; records of version 1 are
//! still read.

mod version1;

use std::fmt;

use zeroize::Zeroizing;

use super::Record;

const VERSION: u8 = 2;

impl Record {
    /// Encodes the record. The bytes contain tokens: encrypt them before they leave the process.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Full capacity from the start, so that a growing vector leaves no copy behind.
        let size = postcard::experimental::serialized_size(&self.0).unwrap_or_default();
        let mut bytes = Vec::with_capacity(1 + size);
        bytes.push(VERSION);
        // Vectors, options and numbers always encode. An empty result would be read as torn.
        Zeroizing::new(postcard::to_extend(&self.0, bytes).unwrap_or_default())
    }

    /// Decodes a record.
    ///
    /// # Errors
    /// [`DecodeError::Torn`] if the bytes are not a complete record, and [`DecodeError::Newer`] if a
    /// newer version of tokenlease wrote them.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (version, rest) = bytes.split_first().ok_or(DecodeError::Torn)?;
        match *version {
            VERSION => postcard::from_bytes(rest).map(Self).map_err(|_| DecodeError::Torn),
            1 => postcard::from_bytes::<version1::Fields<'_>>(rest)
                .map(|fields| Self(fields.into()))
                .map_err(|_| DecodeError::Torn),
            0 => Err(DecodeError::Torn),
            version => Err(DecodeError::Newer { version }),
        }
    }
}

/// Why bytes can't be decoded as a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// They are cut off, or are not a record. The record may be replaced.
    Torn,
    /// A newer version of tokenlease wrote them. The record must be left as it is, and no login may
    /// be sent.
    Newer {
        /// The version of the format.
        version: u8,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => f.write_str("the record is incomplete; expected a whole record"),
            Self::Newer { version } => write!(
                f,
                "the record has version {version}; expected {VERSION} or older; update this program"
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The encoding of a lease: the only place that writes a token's text.
pub(super) mod lease {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::{
        host_clocks::LeaseClocks,
        lease::{FirstSeen, Lease},
        secret::Secret,
        token::{Token, TokenFingerprint, TokenKind},
    };

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        lease: &Lease<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Lease { token, fingerprint, first, validated_at, clocks } = lease;
        (token.kind(), token.expose(), fingerprint, first, validated_at, clocks)
            .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Lease<T>, D::Error> {
        type Parts<'a, T> =
            (TokenKind, &'a str, TokenFingerprint, FirstSeen<T>, Option<T>, Option<LeaseClocks>);
        let (kind, text, fingerprint, first, validated_at, clocks) =
            Parts::deserialize(deserializer)?;
        let token = Token::new(kind, Secret::from(text));
        Ok(Lease { token, fingerprint, first, validated_at, clocks })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a fixture is read")]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{
        super::{
            BackoffReason, Block, Entry, LoginBackoff, RecordState, ServerBackoff, SpentLogins,
            TokenHistory, Tombstone, TombstoneCause,
            cause::Cause,
            history::{
                History, HistoryCause, HistoryEntry, HistoryKind, HistoryResult, ShortFingerprint,
            },
        },
        *,
    };
    use crate::{
        credentials::CredentialsFingerprint,
        error::{Error, ErrorKind},
        host_clocks::{BootId, LeaseClocks, Parted},
        key::Key,
        lease::{Expiry, FirstSeen, Lease},
        provider::OptionsFingerprint,
        time::{StoreTime, WallTime},
        token::{Token, TokenFingerprint, TokenKind},
    };

    fn full() -> Record {
        full_with(8, 1)
    }

    /// Returns a record whose causes have texts of up to that size, and whose hosts have names that are
    /// so much longer than two digits.
    fn full_with(size: usize, host: usize) -> Record {
        let token =
            |n: usize| Token::new(TokenKind::Winkas, format!("U1vT{n}|86Vb-{n}_crg").as_str());
        let fingerprint = |n| TokenFingerprint::of(&Key::new([3; 32]), &token(n));
        let credentials = |n: u8| CredentialsFingerprint::from_bytes([n; 32]);
        let t = |n: i64| StoreTime(1_795_306_940_000 + n);
        let first = |n: i64| FirstSeen {
            generation: n.unsigned_abs(),
            sent_at: t(n),
            expiry: Expiry::Assumed {
                validate_from_age: Duration::from_secs(43_200),
                learned: n % 2 == 0,
            },
        };
        let blocks = |n: u8| {
            (0..n)
                .map(|n| Block {
                    credentials: credentials(n),
                    options: Some(OptionsFingerprint::from_bytes([n; 8])),
                    until: t(9),
                    count: 3,
                    cause: None,
                })
                .collect()
        };
        let mut state = RecordState {
            generation: 70_000,
            leases: (0..4_u8)
                .map(|n| Entry {
                    credentials: credentials(n),
                    options: Some(OptionsFingerprint::from_bytes([n; 8])),
                    lease: Lease {
                        token: token(n.into()),
                        fingerprint: fingerprint(n.into()),
                        first: first(n.into()),
                        validated_at: Some(t(77)),
                        clocks: Some(LeaseClocks {
                            boot: BootId(7),
                            issued: WallTime(1),
                            confirmed: WallTime(-2),
                            doubt: Some(Parted { since_issued: 3_600_000, since_confirmed: -1 }),
                        }),
                    },
                })
                .collect(),
            circuits: blocks(32),
            entry_backoffs: blocks(8),
            login_backoffs: (0..8)
                .map(|n| LoginBackoff {
                    credentials: credentials(n),
                    last: Some(t(5)),
                    count: 4,
                    armed: true,
                })
                .collect(),
            rejected_unaccepted: (0..4).map(|n| (credentials(n), t(1))).collect(),
            server_backoff: Some(ServerBackoff {
                until: t(6),
                count: 2,
                reason: BackoffReason::Throttled,
                cause: None,
            }),
            learned: Some(Duration::from_secs(86_000)),
            early_end: Some((Duration::from_secs(3_600), fingerprint(1))),
            histories: (0..16)
                .map(|n| TokenHistory {
                    fingerprint: fingerprint(n),
                    first: Some(first(7)),
                    tombstone: Some(Tombstone { cause: TombstoneCause::Inactive, at: t(8) }),
                    lifted: Some(t(4)),
                    forgotten: true,
                })
                .collect(),
            spent_logins: (0..8)
                .map(|n| SpentLogins {
                    credentials: credentials(n),
                    last: t(2),
                    count: 5,
                    lost: n % 2 == 0,
                })
                .collect(),
            causes: Vec::new(),
            history: History::default(),
        };
        state.history.add((0..32).map(|n| history_entry(n, host, fingerprint(1))));
        // Eight causes. Each circuit and backoff has one of them.
        for n in 0..8_u8 {
            let error =
                Error::new(ErrorKind::CredentialsRejected, format!("{n}").repeat(size.min(480)))
                    .with_status(401)
                    .with_code("c".repeat(size.min(200)))
                    .expected("e".repeat(size.min(200)))
                    .advice("a".repeat(size.min(200)));
            let cause = state.add_cause(Some(&Cause::of(&error)));
            for block in state.circuits.iter_mut().skip(n.into()).step_by(8) {
                block.cause = cause;
            }
            state.entry_backoffs[usize::from(n)].cause = cause;
        }
        state.server_backoff.as_mut().unwrap().cause = state.circuits[0].cause;
        Record(state)
    }

    fn history_entry(n: u32, host: usize, token: TokenFingerprint) -> HistoryEntry<StoreTime> {
        HistoryEntry {
            at: StoreTime(1_795_306_940_000 + i64::from(n)),
            kind: HistoryKind::Login,
            cause: HistoryCause::Expired,
            result: HistoryResult::Token,
            without_store: n.is_multiple_of(2),
            credentials: ShortFingerprint([1; 3]),
            token: Some(ShortFingerprint::of_token(token)),
            lifetime: Some(Duration::from_secs(43_200)),
            host: format!("{n:02}{}", "h".repeat(host)).into(),
            process: 4_194_304,
            writer: u32::MAX,
            sequence: n,
        }
    }

    /// Rule: Formats: a full record stays under 20 kilobytes beside its tokens, and under 6 without causes and
    /// long names of hosts.
    #[test]
    fn a_full_record_is_decoded_unchanged_and_has_a_maximum_size_beside_its_tokens() {
        let record = full_with(480, 62);
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes), Ok(record.clone()));
        let texts: usize = record.0.leases.iter().map(|e| e.lease.token.expose().len()).sum();
        assert!(bytes.len() - texts < 20 * 1024, "{}", bytes.len());
        let history = full_with(8, 1).0.history;
        let bytes = Record(RecordState { causes: Vec::new(), history, ..record.0 }).encode();
        assert!(bytes.len() - texts < 6 * 1024, "{}", bytes.len());
    }

    /// Rule: Formats: records of one version are encoded alike in all releases, and records of all earlier
    /// versions are read.
    #[test]
    fn the_encoding_of_a_record_equals_the_golden_vectors() {
        let hex = |record: &Record| {
            record.encode().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
        };
        let now = [hex(&Record::default()), hex(&full())];
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/vectors/record.json");
        let vectors: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let vectors: Vec<_> =
            vectors.as_array().unwrap().iter().map(|it| it["bytes"].as_str().unwrap()).collect();
        assert_eq!(vectors[2..], now);
        let mut version_1 = RecordState {
            spent_logins: Vec::new(),
            causes: Vec::new(),
            history: History::default(),
            ..full().0
        };
        for entry in &mut version_1.leases {
            (entry.options, entry.lease.clocks) = (None, None);
        }
        for block in version_1.circuits.iter_mut().chain(&mut version_1.entry_backoffs) {
            (block.options, block.cause) = (None, None);
        }
        version_1.server_backoff.as_mut().unwrap().cause = None;
        for (vector, record) in vectors.iter().zip([Record::default(), Record(version_1)]) {
            let bytes: Vec<u8> = (0..vector.len() / 2)
                .map(|n| u8::from_str_radix(&vector[2 * n..2 * n + 2], 16).unwrap())
                .collect();
            assert_eq!(Record::decode(&bytes), Ok(record));
        }
    }

    /// Rule: Formats: a record of a newer version is left as it is, and only a torn record may be
    /// replaced.
    #[test]
    fn a_record_of_a_newer_version_is_distinguished_from_a_torn_one() {
        let mut bytes = full().encode();
        assert_eq!(Record::decode(&bytes[..bytes.len() - 1]), Err(DecodeError::Torn));
        bytes[0] = 3;
        assert_eq!(Record::decode(&bytes), Err(DecodeError::Newer { version: 3 }));
        assert_eq!(Record::decode(&[]), Err(DecodeError::Torn));
    }

    /// Rule: Secrets: Debug of a record shows no token.
    #[test]
    fn debug_of_a_record_shows_no_token() {
        assert!(!format!("{:?}", full()).contains("86Vb"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_cause_no_panic(bytes: Vec<u8>) {
            let _ = Record::decode(&bytes);
            let _ = Record::decode(&[&[VERSION], bytes.as_slice()].concat());
        }
    }
}
