//! The C library: opaque handles over the client for threads that block.
//!
//! Nothing is decided here. Each call looks at its arguments, calls the client, and hands over
//! what came of it; no panic leaves it. The rules for callers stand at the top of
//! `include/tokenlease.h`, which a test generates from these files, comments included: they are
//! written for readers of C. Names are C's, so that one search finds both sides.
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![expect(
    unsafe_code,
    reason = "C hands over bare pointers. They are turned into references, text and handles in \
              few places, each of which says which rule of the header it relies on"
)]
#![expect(non_camel_case_types, reason = "the names of C are used on both sides")]
#![expect(
    clippy::missing_safety_doc,
    reason = "the comments are C's, and what C must keep stands at the top of the header"
)]
#![expect(
    clippy::unnecessary_box_returns,
    reason = "errors are handed to C in the box that they were made in"
)]
#![allow(clippy::doc_markdown, reason = "the comments are C's, where names stand as they are")]

mod boundary;
pub mod client;
pub mod config;
pub mod credentials;
pub mod error;
pub mod registry;
pub mod status;
pub mod token;
pub mod version;

// As the header says: these are shared among threads, and all handles are freed by any of them.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    const fn moved<T: Send>() {}
    shared::<client::tokenlease_client>();
    shared::<registry::tokenlease_registry>();
    shared::<token::tokenlease_token>();
    shared::<error::tokenlease_error>();
    moved::<config::tokenlease_config>();
};
