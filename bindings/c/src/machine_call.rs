//! The calls of a machine, and their results.

use std::{mem::MaybeUninit, ptr, sync::Arc};

use tokenlease::{
    core::{
        lifecycle::Revocation,
        machine::{CallId, CallResult, ClientCall},
    },
    hosted::HostedClient,
};

use crate::{
    boundary::{free, guard, hand_over, millis, required, sized},
    error::tokenlease_error,
    machine::tokenlease_machine,
    status::tokenlease_status,
    token::tokenlease_token,
    token_calls::tokenlease_token_options,
};

/// A call of a machine. Any number may be open at once. Free it with tokenlease_machine_call_free.
pub struct tokenlease_machine_call {
    client: Arc<HostedClient>,
    id: CallId,
}

/// The kind of a machine's call. It does the same as the function of a client that is named.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_call_kind {
    /// tokenlease_client_token.
    TOKENLEASE_CALL_TOKEN = 0,
    /// tokenlease_client_report_rejected, of the token that is passed.
    TOKENLEASE_CALL_REPORT_REJECTED = 1,
    /// tokenlease_client_validate, of the token that is passed.
    TOKENLEASE_CALL_VALIDATE = 2,
    /// tokenlease_client_refetch.
    TOKENLEASE_CALL_REFETCH = 3,
    /// tokenlease_client_revoke, of the token that is passed.
    TOKENLEASE_CALL_REVOKE = 4,
    /// tokenlease_client_forget.
    TOKENLEASE_CALL_FORGET = 5,
    /// tokenlease_client_unblock.
    TOKENLEASE_CALL_UNBLOCK = 6,
}

/// The result of a call of a machine, or the meaning of an exchange's answer.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_result {
    /// There is a token: the one to use, or the replacement of a rejected one.
    TOKENLEASE_RESULT_TOKEN = 0,
    /// The provider says that the reported token is active: do not repeat the API call.
    TOKENLEASE_RESULT_STILL_ACTIVE = 1,
    /// The provider calls the validated token active.
    TOKENLEASE_RESULT_ACTIVE = 2,
    /// The provider calls the validated token inactive.
    TOKENLEASE_RESULT_INACTIVE = 3,
    /// The token was active, was revoked, and the provider calls it inactive now.
    TOKENLEASE_RESULT_REVOKED = 4,
    /// The provider accepted the revocation, and nothing proves it.
    TOKENLEASE_RESULT_REVOCATION_ACCEPTED = 5,
    /// The token was forgotten, or the credentials unblocked.
    TOKENLEASE_RESULT_DONE = 6,
}

/// Begins a call. kind is a tokenlease_call_kind. token is required for the kinds that are about one,
/// and NULL for the others; it is copied. options may be NULL; its minimum remaining lifetime is only
/// for TOKENLEASE_CALL_TOKEN. Poll the machine until the call is complete, then read its result. Free
/// the call with tokenlease_machine_call_free.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_machine_begin(
    machine: Option<&tokenlease_machine>,
    kind: i32,
    token: Option<&tokenlease_token>,
    options: *const tokenlease_token_options,
    call: Option<&mut MaybeUninit<*mut tokenlease_machine_call>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (machine, call) = (required(machine, "machine")?, required(call, "call")?);
        // SAFETY: the caller passes a struct with its size.
        let options = unsafe { sized(options, "options") }?;
        let min_remaining = millis(options.min_remaining_ms, "min_remaining_ms")?;
        let deadline = millis(options.deadline_ms, "deadline_ms")?;
        let begun = client_call(kind, token, min_remaining)?;
        let (client, id) = (machine.0.clone(), machine.0.begin(begun, deadline)?);
        hand_over(call, tokenlease_machine_call { client, id });
        Ok(())
    })
}

/// Returns whether the result of a call can be read. false for NULL, and after a fork.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_machine_call_is_complete(
    call: Option<&tokenlease_machine_call>,
) -> bool {
    call.is_some_and(|call| call.client.is_complete(call.id).unwrap_or(false))
}

/// Reads the result of a call, once. token receives the token if the result is
/// TOKENLEASE_RESULT_TOKEN, to be freed with tokenlease_token_free, and NULL otherwise.
///
/// Errors: those of the client's function. TOKENLEASE_BAD_ARGUMENT if the call is not complete, or its
/// result was read before.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_machine_call_result(
    call: Option<&tokenlease_machine_call>,
    result: Option<&mut MaybeUninit<tokenlease_result>>,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (call, result) = (required(call, "call")?, required(result, "result")?);
        let token = required(token, "token")?;
        let Some(outcome) = call.client.take(call.id)? else {
            let detail = "the argument call is not complete, or its result was read before";
            return Err(tokenlease_error::bad_argument(detail, "a call that is complete"));
        };
        let mut served = None;
        result.write(match outcome? {
            CallResult::Token(lease) => {
                served = Some(lease.lease.token().clone());
                tokenlease_result::TOKENLEASE_RESULT_TOKEN
            }
            CallResult::StillActive => tokenlease_result::TOKENLEASE_RESULT_STILL_ACTIVE,
            CallResult::Validation(true) => tokenlease_result::TOKENLEASE_RESULT_ACTIVE,
            CallResult::Validation(false) => tokenlease_result::TOKENLEASE_RESULT_INACTIVE,
            CallResult::Revoked(Revocation::Proven) => tokenlease_result::TOKENLEASE_RESULT_REVOKED,
            CallResult::Revoked(_) => tokenlease_result::TOKENLEASE_RESULT_REVOCATION_ACCEPTED,
            _ => tokenlease_result::TOKENLEASE_RESULT_DONE,
        });
        match served {
            Some(served) => {
                let header = call.client.token_header()?;
                hand_over(token, tokenlease_token::new(served, header));
            }
            None => _ = token.write(ptr::null_mut()),
        }
        Ok(())
    })
}

/// Ends a call and frees it. A request that was sent is completed, and its answer counts for other
/// calls. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_machine_call_free(call: Option<Box<tokenlease_machine_call>>) {
    free(call);
}

impl tokenlease_machine_call {
    /// Returns the id of a call of that machine.
    pub(crate) fn of(&self, client: &Arc<HostedClient>) -> Result<CallId, Box<tokenlease_error>> {
        if Arc::ptr_eq(&self.client, client) {
            return Ok(self.id);
        }
        let detail = "the argument call belongs to another machine";
        Err(tokenlease_error::bad_argument(detail, "a call that this machine began"))
    }
}

impl Drop for tokenlease_machine_call {
    fn drop(&mut self) {
        // In a forked child there is nothing to end.
        let _ = self.client.abandon(self.id);
    }
}

/// Returns the call of that kind.
fn client_call(
    kind: i32,
    token: Option<&tokenlease_token>,
    min_remaining: Option<std::time::Duration>,
) -> Result<ClientCall, Box<tokenlease_error>> {
    use tokenlease_call_kind as Kind;
    let of_token = |call: fn(_) -> ClientCall| {
        required(token, "token").map(|token| call(token.inner().clone()))
    };
    let of_none = |call| match token {
        None => Ok(call),
        Some(_) => Err(tokenlease_error::bad_argument(
            "the argument token is set for a call that is about none",
            "NULL",
        )),
    };
    match kind {
        _ if kind == Kind::TOKENLEASE_CALL_TOKEN as i32 => {
            of_none(ClientCall::Token { min_remaining })
        }
        _ if kind == Kind::TOKENLEASE_CALL_REPORT_REJECTED as i32 => {
            of_token(ClientCall::ReportRejected)
        }
        _ if kind == Kind::TOKENLEASE_CALL_VALIDATE as i32 => of_token(ClientCall::Validate),
        _ if kind == Kind::TOKENLEASE_CALL_REFETCH as i32 => of_none(ClientCall::Refetch),
        _ if kind == Kind::TOKENLEASE_CALL_REVOKE as i32 => of_token(ClientCall::Revoke),
        _ if kind == Kind::TOKENLEASE_CALL_FORGET as i32 => of_none(ClientCall::Forget),
        _ if kind == Kind::TOKENLEASE_CALL_UNBLOCK as i32 => of_none(ClientCall::Unblock),
        _ => Err(tokenlease_error::bad_argument(
            &format!("the argument kind is {kind}"),
            "a tokenlease_call_kind",
        )),
    }
}
