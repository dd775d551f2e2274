//! Notes that a store keeps about its key.

use tokenlease::{Result, core::Identity, store::RecordName};

/// Returns the name under which a store keeps a note about its key: a reserved identity's record.
pub(crate) fn name(note: &str) -> Result<RecordName> {
    Ok(RecordName::new(Identity::oauth2("https://tokenlease.invalid", "", note)?))
}
