//! The C library: opaque handles over the blocking client.
//!
//! This crate makes no decisions. Each function checks its arguments, calls the client, and hands
//! over the result; it catches panics. The rules for callers are at the top of
//! `include/tokenlease.h`. A test generates that header from these files, doc comments included, so
//! the doc comments are written for C programmers. Items have their C names, so that one search
//! finds both sides.
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![expect(
    unsafe_code,
    reason = "C passes raw pointers. Few places turn them into references, text and handles; each \
              names the rule of the header that it relies on"
)]
#![expect(non_camel_case_types, reason = "items have their C names")]
#![expect(
    clippy::missing_safety_doc,
    reason = "the doc comments are for C; the top of the header has the rules for callers"
)]
#![expect(
    clippy::unnecessary_box_returns,
    reason = "an error is handed to C in the box that it was made in"
)]
#![allow(
    clippy::doc_markdown,
    reason = "the doc comments are for C, where names have no backticks"
)]

pub mod answer;
mod boundary;
mod bytes;
pub mod call;
pub mod client;
pub mod config;
pub mod config_sources;
pub mod constants;
pub mod credentials;
pub mod custom_store;
pub mod effect;
pub mod error;
pub mod exchange;
pub mod facts;
pub mod inspection;
pub mod log;
pub mod machine;
pub mod machine_call;
pub mod option_table;
pub mod outcome;
pub mod registry;
pub mod registry_entries;
pub mod request;
pub mod status;
mod store_calls;
mod store_check;
pub mod token;
pub mod token_calls;
pub mod version;
pub mod wait_options;

// The header promises that threads share these handles, and that any thread may free any handle.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    const fn moved<T: Send>() {}
    shared::<client::tokenlease_client>();
    shared::<registry::tokenlease_registry>();
    shared::<registry_entries::tokenlease_report>();
    shared::<token::tokenlease_token>();
    shared::<error::tokenlease_error>();
    shared::<machine::tokenlease_machine>();
    shared::<machine_call::tokenlease_machine_call>();
    shared::<exchange::tokenlease_exchange>();
    moved::<config::tokenlease_config>();
    moved::<effect::tokenlease_effect>();
};
