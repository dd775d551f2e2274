//! The entries of a registry: they are listed, ended and counted.

use std::{
    ffi::{CString, c_char},
    mem::MaybeUninit,
    ptr,
};

use tokenlease::{Count, EndBy, EntryFilter, Registry, RegistryEntry};

use crate::{
    boundary::{free, guard, hand_over, required},
    config::tokenlease_config,
    error::tokenlease_error,
    registry::tokenlease_registry,
    status::tokenlease_status,
};

/// How tokenlease_registry_end ends tokens. Later versions may add numbers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_end_by {
    /// They are removed from memory and store, and stay active at the provider.
    TOKENLEASE_END_BY_FORGETTING = 0,
    /// They are revoked at the provider, for every process that shares them. Where the provider cannot
    /// revoke tokens (winkas), they are forgotten.
    TOKENLEASE_END_BY_REVOCATION = 1,
}

/// A list or a report in JSON. It has no secret.
pub struct tokenlease_report(CString);

/// Lists the live tokens that clients of a registry use, in this process: identity, server, user, subject,
/// source and expiry. It reads neither the store nor a server. docs/json.md describes the fields.
///
/// The options "server", "user" and "subject" of a config select tokens; its other options are ignored.
/// config may be NULL, which selects all. registry may be NULL, which is the one of the process. Free the
/// report with tokenlease_report_free.
///
/// Errors: TOKENLEASE_CONFIG and TOKENLEASE_FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_registry_entries(
    registry: Option<&tokenlease_registry>,
    config: Option<&tokenlease_config>,
    report: Option<&mut MaybeUninit<*mut tokenlease_report>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let report = required(report, "report")?;
        let entries = of(registry)?.entries(&filter(config)?)?;
        hand_over(report, text(RegistryEntry::list_to_json(&entries)));
        Ok(())
    })
}

/// Ends the tokens that a config selects as for tokenlease_registry_entries, for example of all users at a
/// logout: here, in the store, and at the provider. by is a tokenlease_end_by. As many run at once as
/// logins may (the option "max_concurrent_logins"), each with its client's deadline. The report says for
/// each whether the provider confirmed it; docs/json.md describes the fields. A token that could not be
/// ended is no error of the call. config may be NULL, and registry may be NULL.
///
/// Errors: TOKENLEASE_CONFIG, TOKENLEASE_FORKED and TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_registry_end(
    registry: Option<&tokenlease_registry>,
    config: Option<&tokenlease_config>,
    by: i32,
    report: Option<&mut MaybeUninit<*mut tokenlease_report>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let report = required(report, "report")?;
        let by = match by {
            0 => EndBy::Forgetting,
            1 => EndBy::Revocation,
            _ => {
                let detail = format!("the argument by is {by}");
                return Err(tokenlease_error::bad_argument(&detail, "a tokenlease_end_by"));
            }
        };
        let ended = of(registry)?.end_blocking(&filter(config)?, by)?;
        hand_over(report, text(ended.to_json()));
        Ok(())
    })
}

/// Counts logins, refetches, validations and rejections of all clients of a registry, by provider, cause and
/// result, also of clients that were freed. docs/json.md describes the fields. registry may be NULL, which is
/// the one of the process. Free the report with tokenlease_report_free.
///
/// Errors: TOKENLEASE_CONFIG and TOKENLEASE_FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_registry_counts(
    registry: Option<&tokenlease_registry>,
    report: Option<&mut MaybeUninit<*mut tokenlease_report>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let report = required(report, "report")?;
        hand_over(report, text(Count::list_to_json(&of(registry)?.counts()?)));
        Ok(())
    })
}

/// Returns the JSON text of a report. It is valid until the report is freed. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_report_json(report: Option<&tokenlease_report>) -> *const c_char {
    report.map_or(ptr::null(), |report| report.0.as_ptr())
}

/// Frees a report. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_report_free(report: Option<Box<tokenlease_report>>) {
    free(report);
}

fn of(registry: Option<&tokenlease_registry>) -> tokenlease::Result<Registry> {
    registry.map_or_else(Registry::process, |registry| Ok(registry.inner().clone()))
}

fn filter(config: Option<&tokenlease_config>) -> tokenlease::Result<EntryFilter> {
    config.map_or_else(|| Ok(EntryFilter::default()), |config| config.options().entry_filter())
}

fn text(json: String) -> tokenlease_report {
    // JSON escapes a NUL.
    tokenlease_report(CString::new(json).unwrap_or_default())
}
