//! The bytes of a stored record, as the outcome of an effect of the lifecycle.

use crate::{
    error::{Error, ErrorKind},
    lifecycle::Outcome,
    record::{DecodeError, Record},
    time::StoreTime,
};

/// Returns the outcome of a load: the record's revision and bytes, if there is a record, and the
/// store's clock.
pub fn loaded(stored: Option<(u64, &[u8])>, now: StoreTime) -> Outcome {
    decoded(stored).map_or_else(Outcome::Unreadable, |stored| Outcome::Loaded { stored, now })
}

/// Returns the outcome of a save that found another revision.
pub fn conflict(stored: Option<(u64, &[u8])>, now: StoreTime) -> Outcome {
    decoded(stored).map_or_else(Outcome::Unreadable, |stored| Outcome::Conflict { stored, now })
}

fn decoded(stored: Option<(u64, &[u8])>) -> Result<Option<(u64, Record)>, Error> {
    let Some((revision, bytes)) = stored else { return Ok(None) };
    match Record::decode(bytes) {
        Ok(record) => Ok(Some((revision, record))),
        // The next write replaces a torn record.
        Err(DecodeError::Torn) => Ok(Some((revision, Record::default()))),
        Err(error) => Err(Error::new(ErrorKind::Store, error.to_string())
            .advice("no process logs in for this identity until the record can be read")),
    }
}
