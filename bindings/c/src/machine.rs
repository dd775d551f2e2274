//! A client whose program sends the requests.

use std::{
    ffi::c_char,
    mem::{MaybeUninit, size_of},
    sync::Arc,
};

use tokenlease::{
    core::{Now, Timestamp, WallTime},
    hosted::HostedClient,
};

use crate::{
    boundary::{
        SizedOptions, check_buffer, copy, free, guard, hand_over, millis, required, sized, text,
    },
    config::tokenlease_config,
    constants::TOKENLEASE_NONE,
    effect::tokenlease_effect,
    error::tokenlease_error,
    machine_call::tokenlease_machine_call,
    registry::tokenlease_registry,
    status::tokenlease_status,
    token::tokenlease_token,
};

/// A client that sends nothing itself, for hosts that must use their own HTTP library: it decides what
/// to do, with the same store and the same promises as a tokenlease_client, and the host does it. The
/// loop of a host, with one call:
///
///     tokenlease_machine_begin(machine, TOKENLEASE_CALL_TOKEN, NULL, NULL, &call, &error);
///     do {
///         tokenlease_machine_poll(machine, call, &effect, &error);
///         action = tokenlease_effect_action(effect);
///         if (action == TOKENLEASE_ACTION_SEND) {
///             ... send tokenlease_effect_request(effect), fill in answer ...
///             tokenlease_effect_answered(effect, &answer, &error);
///         } else {
///             tokenlease_effect_perform(effect, &error);  the library's store, and waiting
///         }
///         tokenlease_effect_free(effect);
///     } while (action != TOKENLEASE_ACTION_DONE);
///     tokenlease_machine_call_result(call, &result, &token, &error);
///
/// Thread-safe: several threads may run this loop with a machine, each with its own call. docs/hosted.md
/// describes it. The options of HTTP (proxy, certificates) do not apply to it, and the option
/// "max_concurrent_logins" neither: the host's threads are that bound.
pub struct tokenlease_machine(pub(crate) Arc<HostedClient>);

/// Options of a machine. Begin with TOKENLEASE_MACHINE_OPTIONS_INIT, then set fields. In a language
/// without this macro, set size to the size of the struct, and each time to TOKENLEASE_NONE or a value.
/// Later versions add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenlease_machine_options {
    /// The size of the struct in bytes.
    pub size: usize,
    /// The host's monotonic clock, in milliseconds since any moment. TOKENLEASE_NONE: the machine reads
    /// the system's clocks. A host that sets both clocks moves them by tokenlease_machine_set_now, so a
    /// test needs no time to pass.
    pub elapsed_ms: i64,
    /// The host's wall clock, in milliseconds since 1970-01-01T00:00:00Z. TOKENLEASE_NONE if elapsed_ms
    /// is.
    pub wall_ms: i64,
}

// SAFETY: it is `#[repr(C)]`, begins with its size, and has only integers.
unsafe impl SizedOptions for tokenlease_machine_options {
    const DEFAULT: Self =
        Self { size: size_of::<Self>(), elapsed_ms: TOKENLEASE_NONE, wall_ms: TOKENLEASE_NONE };
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Makes a machine from a config, in a registry, like tokenlease_client_new. registry may be NULL, and
/// options may be NULL. The credentials are read now, also from files and functions, and never again: to
/// change them, make another machine. Free the machine with tokenlease_machine_free.
///
/// Errors: those of tokenlease_client_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_machine_new(
    config: Option<&tokenlease_config>,
    registry: Option<&tokenlease_registry>,
    options: *const tokenlease_machine_options,
    machine: Option<&mut MaybeUninit<*mut tokenlease_machine>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (config, machine) = (required(config, "config")?, required(machine, "machine")?);
        // SAFETY: the caller passes a struct with its size.
        let options = unsafe { sized(options, "options") }?;
        let clocks = match (options.elapsed_ms, options.wall_ms) {
            (TOKENLEASE_NONE, TOKENLEASE_NONE) => None,
            (elapsed, wall) => Some(now(elapsed, wall)?),
        };
        let registry = registry.map(tokenlease_registry::inner);
        let builder = config.options().client(config.credentials()?, registry)?;
        hand_over(machine, tokenlease_machine(Arc::new(builder.build_hosted(clocks)?)));
        Ok(())
    })
}

/// Moves the clocks of a machine that was made with the host's own: the monotonic one, and the wall
/// clock in milliseconds since 1970-01-01T00:00:00Z.
///
/// Errors: TOKENLEASE_CONFIG if the machine reads the system's clocks.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_machine_set_now(
    machine: Option<&tokenlease_machine>,
    elapsed_ms: i64,
    wall_ms: i64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || Ok(required(machine, "machine")?.0.set_now(now(elapsed_ms, wall_ms)?)?))
}

/// Returns the next thing that the host must do, as an effect to free with tokenlease_effect_free.
/// tokenlease_effect_action says what.
///
/// With a call, the machine is done when that call is complete and nothing is to be done now. call may
/// be NULL: then it is done when no call is open and nothing is under way. Effects are those of all
/// calls of the machine. A host may take a result as soon as the call is complete, but a host that then
/// never polls again may leave a lock behind: poll until the action is TOKENLEASE_ACTION_DONE.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT for a call of another machine; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_machine_poll(
    machine: Option<&tokenlease_machine>,
    call: Option<&tokenlease_machine_call>,
    effect: Option<&mut MaybeUninit<*mut tokenlease_effect>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (machine, effect) = (required(machine, "machine")?, required(effect, "effect")?);
        let id = call.map(|call| call.of(&machine.0)).transpose()?;
        let step = machine.0.poll(id)?;
        hand_over(effect, tokenlease_effect::new(machine.0.clone(), step));
        Ok(())
    })
}

/// Gives the machine a token that was obtained elsewhere, like tokenlease_client_adopt.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_machine_adopt(
    machine: Option<&tokenlease_machine>,
    token: Option<&tokenlease_token>,
    lifetime_ms: i64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (machine, token) = (required(machine, "machine")?, required(token, "token")?);
        let lifetime = millis(lifetime_ms, "lifetime_ms")?;
        Ok(machine.0.adopt(token.inner().clone(), lifetime)?)
    })
}

/// Makes a token from text that was copied before or came from elsewhere. It sends nothing. Free the
/// token with tokenlease_token_free.
///
/// Errors: TOKENLEASE_CONFIG for text that cannot be a token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_machine_token_from_text(
    machine: Option<&tokenlease_machine>,
    token_text: *const c_char,
    token_text_length: usize,
    token: Option<&mut MaybeUninit<*mut tokenlease_token>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (machine, token) = (required(machine, "machine")?, required(token, "token")?);
        // SAFETY: the caller passes a text with its length.
        let token_text = unsafe { text(token_text, token_text_length, "token_text") }?;
        let header = machine.0.token_header()?;
        hand_over(token, tokenlease_token::new(machine.0.token_of(token_text)?, header));
        Ok(())
    })
}

/// Describes the current token in words, without the secret. Writes into a buffer like
/// tokenlease_client_copy_token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_machine_explain(
    machine: Option<&tokenlease_machine>,
    buffer: *mut c_char,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (machine, length) = (required(machine, "machine")?, required(length, "length")?);
        check_buffer(buffer, capacity)?;
        // SAFETY: the caller passes a buffer of `capacity` bytes.
        unsafe { copy(&machine.0.explain()?, buffer, capacity, length) }
    })
}

/// Frees a machine. Its calls and effects keep what they need of it. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_machine_free(machine: Option<Box<tokenlease_machine>>) {
    free(machine);
}

fn now(elapsed: i64, wall: i64) -> Result<Now, Box<tokenlease_error>> {
    for (clock, name) in [(elapsed, "elapsed_ms"), (wall, "wall_ms")] {
        if clock < 0 {
            let detail = format!("the argument {name} is {clock}");
            let expected = "0 or more milliseconds, for both clocks";
            return Err(tokenlease_error::bad_argument(&detail, expected));
        }
    }
    Ok(Now { elapsed: Timestamp(elapsed), wall: WallTime(wall) })
}
