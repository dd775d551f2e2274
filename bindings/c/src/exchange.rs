//! One request to the provider and its answer, without a client.

use std::{mem::MaybeUninit, ptr};

use tokenlease::{
    core::provider::{Answer, Call},
    hosted::HostedExchange,
};

use crate::{
    answer::{read, tokenlease_answer},
    boundary::{free, guard, hand_over, required},
    config::tokenlease_config,
    constants::TOKENLEASE_NONE,
    error::tokenlease_error,
    machine_call::tokenlease_result,
    registry::tokenlease_registry,
    request::tokenlease_request,
    status::tokenlease_status,
    token::tokenlease_token,
};

/// One request to the provider, and the meaning of its answer: request bytes out, answer bytes in. It
/// has no token, no store and no state, so nothing bounds the logins of a host that uses it: prefer a
/// tokenlease_client or a tokenlease_machine. Threads may read it concurrently.
pub struct tokenlease_exchange {
    exchange: HostedExchange,
    request: tokenlease_request,
}

/// The request of an exchange.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_exchange_kind {
    /// A new token.
    TOKENLEASE_EXCHANGE_LOGIN = 0,
    /// The running token (winkas).
    TOKENLEASE_EXCHANGE_REFETCH = 1,
    /// Whether the token that is passed is active.
    TOKENLEASE_EXCHANGE_VALIDATE = 2,
    /// The revocation of the token that is passed.
    TOKENLEASE_EXCHANGE_REVOKE = 3,
}

/// Makes an exchange from a config, in a registry, like tokenlease_client_new. registry may be NULL. kind
/// is a tokenlease_exchange_kind. token is required for the kinds that are about one, and NULL for the
/// others; it is copied. It sends nothing, and reads no discovery document: set "token_path" for oauth2.
/// Free it with tokenlease_exchange_free.
///
/// Errors: those of tokenlease_client_new; TOKENLEASE_UNSUPPORTED if the provider has no such endpoint.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_exchange_new(
    config: Option<&tokenlease_config>,
    registry: Option<&tokenlease_registry>,
    kind: i32,
    token: Option<&tokenlease_token>,
    exchange: Option<&mut MaybeUninit<*mut tokenlease_exchange>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (config, exchange) = (required(config, "config")?, required(exchange, "exchange")?);
        let call = call(kind, token)?;
        let registry = registry.map(tokenlease_registry::inner);
        let new = config.options().client(config.credentials()?, registry)?.build_exchange(call)?;
        let request = tokenlease_request::new(new.request());
        hand_over(exchange, tokenlease_exchange { exchange: new, request });
        Ok(())
    })
}

/// Returns the request to send. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_exchange_request(
    exchange: Option<&tokenlease_exchange>,
) -> *const tokenlease_request {
    exchange.map_or(ptr::null(), |exchange| ptr::from_ref(&exchange.request))
}

/// Reads the answer. result is TOKENLEASE_RESULT_TOKEN, ACTIVE, INACTIVE or REVOCATION_ACCEPTED. token
/// receives a token, to be freed with tokenlease_token_free, or NULL; lifetime_ms its lifetime from when
/// the request was sent, or TOKENLEASE_NONE if the provider states none.
///
/// Errors: what the provider answered, such as TOKENLEASE_CREDENTIALS_REJECTED, TOKENLEASE_THROTTLED and
/// TOKENLEASE_INVALID_RESPONSE. TOKENLEASE_TOKEN_REJECTED if there is no token to refetch.
/// TOKENLEASE_TRANSPORT if the answer broke off. TOKENLEASE_BAD_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_exchange_read(
    exchange: Option<&tokenlease_exchange>,
    answer: *const tokenlease_answer,
    result: Option<&mut MaybeUninit<tokenlease_result>>,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    lifetime_ms: Option<&mut MaybeUninit<i64>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (exchange, result) = (required(exchange, "exchange")?, required(result, "result")?);
        let token = required(token, "token")?;
        let lifetime_ms = required(lifetime_ms, "lifetime_ms")?;
        // SAFETY: the caller passes an answer whose pointers are valid for their lengths.
        let answer = unsafe { read(answer) }?;
        let (mut granted, mut lifetime) = (None, TOKENLEASE_NONE);
        let meaning = match exchange.exchange.read(answer)? {
            Answer::Token(new) => {
                lifetime = new.expires_at().map_or(TOKENLEASE_NONE, |end| end.0.max(0));
                granted = Some(new.token);
                tokenlease_result::TOKENLEASE_RESULT_TOKEN
            }
            Answer::Active => tokenlease_result::TOKENLEASE_RESULT_ACTIVE,
            Answer::Inactive => tokenlease_result::TOKENLEASE_RESULT_INACTIVE,
            Answer::Revoked => tokenlease_result::TOKENLEASE_RESULT_REVOCATION_ACCEPTED,
            Answer::NoToken(error) | Answer::NotRevoked(error) | Answer::Failed(error) => {
                return Err(error.into());
            }
        };
        result.write(meaning);
        lifetime_ms.write(lifetime);
        match granted {
            Some(granted) => {
                let header = exchange.exchange.token_header();
                hand_over(token, tokenlease_token::new(granted, header));
            }
            None => _ = token.write(ptr::null_mut()),
        }
        Ok(())
    })
}

/// Overwrites the secrets of an exchange and frees it. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_exchange_free(exchange: Option<Box<tokenlease_exchange>>) {
    free(exchange);
}

/// Returns the call of that kind.
fn call(kind: i32, token: Option<&tokenlease_token>) -> Result<Call, Box<tokenlease_error>> {
    use tokenlease_exchange_kind as Kind;
    let of_none = |call| match token {
        None => Ok(call),
        Some(_) => Err(tokenlease_error::bad_argument(
            "the argument token is set for an exchange that is about none",
            "NULL",
        )),
    };
    let token = || required(token, "token").map(|token| token.inner().clone());
    match kind {
        _ if kind == Kind::TOKENLEASE_EXCHANGE_LOGIN as i32 => of_none(Call::Login),
        _ if kind == Kind::TOKENLEASE_EXCHANGE_REFETCH as i32 => of_none(Call::Refetch),
        _ if kind == Kind::TOKENLEASE_EXCHANGE_VALIDATE as i32 => token().map(Call::Validate),
        _ if kind == Kind::TOKENLEASE_EXCHANGE_REVOKE as i32 => token().map(Call::Revoke),
        _ => Err(tokenlease_error::bad_argument(
            &format!("the argument kind is {kind}"),
            "a tokenlease_exchange_kind",
        )),
    }
}
