//! The record of a discovery in the store: a version byte, then the fields in the `postcard` format.
//!
//! It contains no secrets. It is a cache: a record that can't be read is replaced.

use serde::{Deserialize, Serialize};

use super::Metadata;
use crate::{
    error::{Error, ErrorKind},
    provider::oauth2::metadata::ADVICE,
    time::StoreTime,
};

const VERSION: u8 = 1;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// When the server last answered that it has this document, or none.
    pub(super) read_at: Option<StoreTime>,
    pub(super) metadata: Option<Metadata>,
    /// The failure since then.
    pub(super) failure: Option<Failure>,
}

/// A document that could not be used, or an answer without one.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) count: u32,
    pub(super) until: StoreTime,
    kind: String,
    detail: String,
    status: Option<u16>,
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        // Texts and numbers always encode. An empty result would not be read.
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        (*version == VERSION).then(|| postcard::from_bytes(rest).ok()).flatten()
    }
}

impl Failure {
    pub(super) fn new(error: &Error, count: u32, until: StoreTime) -> Self {
        let detail = error.detail().chars().take(1000).collect();
        let kind = error.kind().as_str().to_owned();
        Self { count, until, kind, detail, status: error.status() }
    }

    pub(super) fn error(self) -> Error {
        let kind = ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == self.kind);
        let error = Error::new(kind.unwrap_or(ErrorKind::Unavailable), self.detail).advice(ADVICE);
        match self.status {
            Some(status) => error.with_status(status),
            None => error,
        }
    }
}
