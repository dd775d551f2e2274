//! The calls that a server has.

use serde::{Deserialize, Serialize};

/// The calls that the server offers.
#[expect(clippy::struct_excessive_bools, reason = "each is a call that a server has or lacks")]
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Capabilities {
    pub(super) refetch: bool,
    pub(super) validate: bool,
    /// Path and client of the validation are options.
    pub(super) configures_validation: bool,
    pub(super) revoke: bool,
    pub(super) state_expiry: bool,
}
