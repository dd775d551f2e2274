//! The fields of records of version 1, which had no causes and no options.

use std::time::Duration;

use serde::Deserialize;

use super::super::{
    BackoffReason, Block, Entry, LoginBackoff, RecordState, ServerBackoff, TokenHistory,
};
use crate::{
    credentials::CredentialsFingerprint, lease::Lease, time::StoreTime, token::TokenFingerprint,
};

#[derive(Deserialize)]
pub(super) struct Fields {
    generation: u64,
    leases: Vec<EntryFields>,
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
struct EntryFields {
    credentials: CredentialsFingerprint,
    #[serde(with = "super::lease")]
    lease: Lease<StoreTime>,
}

#[derive(Deserialize)]
struct BlockFields {
    credentials: CredentialsFingerprint,
    until: StoreTime,
    count: u32,
}

impl From<Fields> for RecordState<StoreTime> {
    fn from(fields: Fields) -> Self {
        let block = |BlockFields { credentials, until, count }| Block {
            credentials,
            options: None,
            until,
            count,
            cause: None,
        };
        let entry =
            |EntryFields { credentials, lease }| Entry { credentials, options: None, lease };
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
