//! The entry that a client holds: live, or packed.
//!
//! A live entry takes 3 KB. If a registry has more of them than [`LiveClients`](crate::registry::LiveClients)
//! allows, it packs idle ones. Each is unpacked when its client next needs it. With fewer clients, none is packed.

use std::sync::{Arc, MutexGuard};

use tokenlease_core::{CredentialsFingerprint, lifecycle::Lifecycle};

use super::ClientState;
use crate::entry::{Entry, PackedEntry};

/// The entry of a client's current credentials.
#[derive(Debug)]
pub(super) enum HeldEntry {
    Live(Arc<Entry>),
    /// Its credentials are the fixed ones of the client's source.
    Packed(Box<PackedEntry>),
}

impl HeldEntry {
    pub(super) fn is(&self, entry: &Arc<Entry>) -> bool {
        matches!(self, Self::Live(held) if Arc::ptr_eq(held, entry))
    }

    /// Returns the fingerprint of its credentials, without a lock.
    pub(super) fn credentials_fingerprint(&self) -> CredentialsFingerprint {
        match self {
            Self::Live(entry) => entry.credentials_fingerprint(),
            Self::Packed(packed) => packed.credentials_fingerprint(),
        }
    }
}

impl ClientState {
    /// Returns the entry of the current credentials, unless they were never fetched.
    pub(crate) fn current(&self) -> Option<Arc<Entry>> {
        let mut held = self.lock();
        let was_packed = matches!(*held, Some(HeldEntry::Packed(_)));
        let entry = self.live(&mut held);
        drop(held);
        if was_packed {
            self.registry.clients().has_live_entry(self);
        }
        entry
    }

    /// Returns the current entry if it is live. A packed one has no work.
    pub(crate) fn current_if_live(&self) -> Option<Arc<Entry>> {
        match &*self.lock() {
            Some(HeldEntry::Live(entry)) => Some(entry.clone()),
            _ => None,
        }
    }

    /// Reads the state machine of the current entry. A packed one stays packed: a call for all
    /// clients of a registry must not unpack them.
    pub(crate) fn peek<R>(&self, read: impl FnOnce(&Lifecycle) -> R) -> Option<R> {
        let held = self.lock();
        let entry = match held.as_ref()? {
            HeldEntry::Live(entry) => entry.clone(),
            HeldEntry::Packed(packed) => {
                let machine = packed.machine(&self.server, self.registry.key(), &self.policy);
                return Some(read(&machine));
            }
        };
        // A step of the machine takes this lock last.
        drop(held);
        Some(entry.peek(read))
    }

    /// Packs the current entry. Returns `false` if that must be tried again later, because it is in
    /// use or has work.
    pub(crate) fn pack(&self) -> bool {
        let now = self.elapsed();
        let Ok(mut held) = self.current.try_lock() else { return false };
        let Some(HeldEntry::Live(entry)) = &mut *held else { return true };
        // While this is the only reference and the lock is held, no call can get another one.
        match Arc::get_mut(entry).and_then(|entry| entry.pack(now)) {
            Some(packed) => *held = Some(HeldEntry::Packed(Box::new(packed))),
            None => return false,
        }
        true
    }

    /// Returns the held entry, and unpacks it if it is packed.
    pub(super) fn live(&self, held: &mut MutexGuard<'_, Option<HeldEntry>>) -> Option<Arc<Entry>> {
        let packed = match held.as_ref()? {
            HeldEntry::Live(entry) => return Some(entry.clone()),
            HeldEntry::Packed(packed) => packed,
        };
        let kept = self.source().fixed().cloned();
        let entry = packed.unpack(&self.server, self.registry.key(), &self.policy, kept);
        let entry = Arc::new(entry);
        **held = Some(HeldEntry::Live(entry.clone()));
        Some(entry)
    }
}
