//! The fields of records of version 1, which had no causes, no options and no clocks.

use std::time::Duration;

use serde::Deserialize;

use super::super::{
    BackoffReason, Block, Entry, LoginBackoff, RecordState, ServerBackoff, TokenHistory,
};
use crate::{
    credentials::CredentialsFingerprint,
    lease::{FirstSeen, Lease},
    secret::Secret,
    time::StoreTime,
    token::{Token, TokenFingerprint, TokenKind},
};

#[derive(Deserialize)]
pub(super) struct Fields<'a> {
    generation: u64,
    #[serde(borrow)]
    leases: Vec<EntryFields<'a>>,
    circuits: Vec<BlockFields>,
    entry_backoffs: Vec<BlockFields>,
    login_backoffs: Vec<LoginBackoff<StoreTime>>,
    rejected_unaccepted: Vec<(CredentialsFingerprint, StoreTime)>,
    server_backoff: Option<(StoreTime, u32, BackoffReason)>,
    learned: Option<Duration>,
    early_end: Option<(Duration, TokenFingerprint)>,
    histories: Vec<TokenHistory<StoreTime>>,
}

#[derive(Deserialize)]
struct EntryFields<'a> {
    credentials: CredentialsFingerprint,
    #[serde(borrow)]
    lease: LeaseFields<'a>,
}

type LeaseFields<'a> =
    (TokenKind, &'a str, TokenFingerprint, FirstSeen<StoreTime>, Option<StoreTime>);

#[derive(Deserialize)]
struct BlockFields {
    credentials: CredentialsFingerprint,
    until: StoreTime,
    count: u32,
}

impl From<Fields<'_>> for RecordState<StoreTime> {
    fn from(fields: Fields<'_>) -> Self {
        let block = |BlockFields { credentials, until, count }| Block {
            credentials,
            options: None,
            until,
            count,
            cause: None,
        };
        let entry = |EntryFields { credentials, lease }: EntryFields<'_>| {
            let (kind, text, fingerprint, first, validated_at) = lease;
            let token = Token::new(kind, Secret::from(text));
            let lease = Lease { token, fingerprint, first, validated_at, clocks: None };
            Entry { credentials, options: None, lease }
        };
        let server = |(until, count, reason)| ServerBackoff { until, count, reason, cause: None };
        Self {
            generation: fields.generation,
            leases: fields.leases.into_iter().map(entry).collect(),
            circuits: fields.circuits.into_iter().map(block).collect(),
            entry_backoffs: fields.entry_backoffs.into_iter().map(block).collect(),
            login_backoffs: fields.login_backoffs,
            rejected_unaccepted: fields.rejected_unaccepted,
            server_backoff: fields.server_backoff.map(server),
            learned: fields.learned,
            early_end: fields.early_end,
            histories: fields.histories,
            ..Self::default()
        }
    }
}
