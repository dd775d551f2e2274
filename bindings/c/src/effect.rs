//! The effects that a machine asks its host for.

use std::{
    ffi::{CString, c_char, c_void},
    ptr,
    sync::Arc,
    time::Duration,
};

use tokenlease::{
    core::machine::{Action, Effect},
    hosted::{HostStep, HostedClient, Wait},
    store::Owner,
};

use crate::{
    boundary::free, constants::TOKENLEASE_NONE, error::tokenlease_error,
    request::tokenlease_request,
};

/// Something that the host of a machine must do. Only one thread at a time may use it. Its pointers are
/// valid until it is freed with tokenlease_effect_free. An effect that is freed without an outcome
/// counts as failed at the end of its timeout.
pub struct tokenlease_effect {
    client: Arc<HostedClient>,
    action: tokenlease_action,
    step: Step,
    request: Option<tokenlease_request>,
    record_name: Option<CString>,
    lock_owner: Option<CString>,
}

/// The state of an effect.
enum Step {
    Done,
    Wait(Wait),
    Do(Box<Effect>),
    /// It has its outcome.
    Over,
}

/// The action that an effect asks for. Later versions may add actions: pass an effect with an unknown one to
/// tokenlease_effect_perform.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_action {
    /// Nothing: the call is complete, or nothing is under way. Also the action of NULL.
    TOKENLEASE_ACTION_DONE = 0,
    /// Wait for tokenlease_effect_timeout_ms, or until another thread returned an outcome, and poll
    /// again. tokenlease_effect_perform waits so.
    TOKENLEASE_ACTION_WAIT = 1,
    /// Send tokenlease_effect_request, once, and return the outcome with tokenlease_effect_answered,
    /// tokenlease_effect_not_sent or tokenlease_effect_lost.
    TOKENLEASE_ACTION_SEND = 2,
    /// Read the record and the store's clock: tokenlease_effect_perform or tokenlease_effect_loaded.
    TOKENLEASE_ACTION_LOAD = 3,
    /// Take the record's lock, unless another owner has it: tokenlease_effect_perform or
    /// tokenlease_effect_lock_result. The owner that has it already gets it again.
    TOKENLEASE_ACTION_LOCK = 4,
    /// Extend the lock, if this owner still has it: tokenlease_effect_perform or
    /// tokenlease_effect_lock_result.
    TOKENLEASE_ACTION_RENEW = 5,
    /// Replace the record if its revision is still the expected one: tokenlease_effect_perform,
    /// tokenlease_effect_saved or tokenlease_effect_conflict.
    TOKENLEASE_ACTION_SAVE = 6,
    /// Release the lock, if this owner has it: tokenlease_effect_perform or tokenlease_effect_unlocked.
    TOKENLEASE_ACTION_UNLOCK = 7,
}

/// Returns what an effect asks for. TOKENLEASE_ACTION_DONE for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_action(
    effect: Option<&tokenlease_effect>,
) -> tokenlease_action {
    effect.map_or(tokenlease_action::TOKENLEASE_ACTION_DONE, |effect| effect.action)
}

/// Returns the time that is left for an effect, in milliseconds from now: the timeout of a request or of
/// a store call, or how long to wait. A later outcome is still used if it is of use. TOKENLEASE_NONE if
/// the effect has its outcome or asks for nothing, for NULL, and after a fork.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_timeout_ms(effect: Option<&tokenlease_effect>) -> i64 {
    let left = effect.and_then(|effect| match &effect.step {
        Step::Wait(wait) => Some(wait.at_most),
        Step::Do(of) => effect.client.time_left(of).ok(),
        Step::Done | Step::Over => None,
    });
    left.map_or(TOKENLEASE_NONE, as_millis)
}

/// Returns the request to send. NULL for an effect with another action, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_request(
    effect: Option<&tokenlease_effect>,
) -> *const tokenlease_request {
    let request = effect.and_then(|effect| effect.request.as_ref());
    request.map_or(ptr::null(), ptr::from_ref)
}

/// Returns the name of the record in stores: 64 hexadecimal digits. NULL for an effect that is not about
/// a store, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_record_name(
    effect: Option<&tokenlease_effect>,
) -> *const c_char {
    let name = effect.and_then(|effect| effect.record_name.as_ref());
    name.map_or(ptr::null(), |name| name.as_ptr())
}

/// Returns the name of the lock's owner: ASCII without spaces, at most 100 characters. NULL for an
/// effect that is not about a lock, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_lock_owner(
    effect: Option<&tokenlease_effect>,
) -> *const c_char {
    let owner = effect.and_then(|effect| effect.lock_owner.as_ref());
    owner.map_or(ptr::null(), |owner| owner.as_ptr())
}

/// Returns how long the lock is to live from when it is granted, in milliseconds of the store's clock.
/// TOKENLEASE_NONE for an effect with another action than LOCK and RENEW, after its outcome, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_lock_ttl_ms(effect: Option<&tokenlease_effect>) -> i64 {
    match effect.and_then(tokenlease_effect::action) {
        Some(Action::Lock { ttl, .. } | Action::Renew { ttl, .. }) => as_millis(*ttl),
        _ => TOKENLEASE_NONE,
    }
}

/// Returns the revision that the stored record must have to be replaced. TOKENLEASE_NONE if no record
/// may be stored, for an effect with another action than SAVE, after its outcome, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_expected_revision(effect: Option<&tokenlease_effect>) -> i64 {
    match effect.and_then(tokenlease_effect::action) {
        Some(Action::Save { expected: Some(revision), .. }) => {
            i64::try_from(*revision).unwrap_or(i64::MAX)
        }
        _ => TOKENLEASE_NONE,
    }
}

/// Returns the bytes of the record to write. They contain the token: encrypt them, and authenticate the
/// record's name with them. They are valid until the effect has its outcome. NULL for an effect with
/// another action than SAVE, after its outcome, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_record(effect: Option<&tokenlease_effect>) -> *const c_void {
    record(effect).map_or(ptr::null(), |bytes| bytes.as_ptr().cast())
}

/// Returns the length of the record to write in bytes. 0 where tokenlease_effect_record returns NULL,
/// and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_record_length(effect: Option<&tokenlease_effect>) -> usize {
    record(effect).map_or(0, <[u8]>::len)
}

/// Returns how long the record to write is of use, in milliseconds: the store may drop it then.
/// TOKENLEASE_NONE if it must be kept, for an effect with another action than SAVE, after its outcome, and
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_keep_ms(effect: Option<&tokenlease_effect>) -> i64 {
    match effect.and_then(tokenlease_effect::action) {
        Some(Action::Save { keep: Some(keep), .. }) => as_millis(*keep),
        _ => TOKENLEASE_NONE,
    }
}

/// Overwrites the secrets of an effect and frees it. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_free(effect: Option<Box<tokenlease_effect>>) {
    free(effect);
}

impl tokenlease_effect {
    pub(crate) fn new(client: Arc<HostedClient>, step: HostStep) -> Self {
        use tokenlease_action as A;
        let (mut request, mut record_name, mut lock_owner) = (None, None, None);
        let (asked, step) = match step {
            HostStep::Done => (A::TOKENLEASE_ACTION_DONE, Step::Done),
            HostStep::Wait(wait) => (A::TOKENLEASE_ACTION_WAIT, Step::Wait(wait)),
            HostStep::Do(effect) => {
                let action = effect.action();
                record_name = action.record().map(|record| text(record.key()));
                lock_owner = action.owner().map(|owner| text(Owner::new(owner).as_str()));
                let asked = match action {
                    Action::Send(of) => {
                        request = Some(tokenlease_request::new(of));
                        A::TOKENLEASE_ACTION_SEND
                    }
                    Action::Load { .. } => A::TOKENLEASE_ACTION_LOAD,
                    Action::Lock { .. } => A::TOKENLEASE_ACTION_LOCK,
                    Action::Renew { .. } => A::TOKENLEASE_ACTION_RENEW,
                    Action::Save { .. } => A::TOKENLEASE_ACTION_SAVE,
                    // There is no other action: a test compares both lists.
                    _ => A::TOKENLEASE_ACTION_UNLOCK,
                };
                (asked, Step::Do(effect))
            }
        };
        Self { client, action: asked, step, request, record_name, lock_owner }
    }

    pub(crate) fn client(&self) -> &HostedClient {
        &self.client
    }

    /// Returns the wait that the effect asks for.
    pub(crate) fn wait(&self) -> Option<Wait> {
        match self.step {
            Step::Wait(wait) => Some(wait),
            _ => None,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    /// Takes the effect to return it with its outcome, if it has one of these actions.
    pub(crate) fn take(
        &mut self,
        actions: &[tokenlease_action],
    ) -> Result<Effect, Box<tokenlease_error>> {
        if matches!(self.step, Step::Over) {
            let detail = "the argument effect has its outcome already";
            return Err(tokenlease_error::bad_argument(detail, "one outcome for each effect"));
        }
        let fits = actions.contains(&self.action);
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Do(effect) if fits => Ok(*effect),
            step => {
                self.step = step;
                let detail = format!("the argument effect has the action {}", self.action as i32);
                Err(tokenlease_error::bad_argument(
                    &detail,
                    "the outcome of an effect with that action",
                ))
            }
        }
    }

    fn action(&self) -> Option<&Action> {
        match &self.step {
            Step::Do(effect) => Some(effect.action()),
            Step::Done | Step::Wait(_) | Step::Over => None,
        }
    }
}

fn record(effect: Option<&tokenlease_effect>) -> Option<&[u8]> {
    match effect.and_then(tokenlease_effect::action) {
        Some(Action::Save { bytes, .. }) => Some(bytes),
        _ => None,
    }
}

/// Converts a text without NUL for C.
fn text(text: impl Into<Vec<u8>>) -> CString {
    CString::new(text).unwrap_or_default()
}

pub(crate) fn as_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
