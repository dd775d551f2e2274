//! The README and the pages of `docs/`, followed as a reader follows them: every command and every
//! program is run as it is printed, every link is followed, and the output is compared.
//!
//! [`page`] reads a page, [`session`] runs its blocks in one shell, [`built`] provides what the
//! pages install, and `build.rs` of this package compiles the Rust blocks.
#![cfg(unix)]

mod built;
#[path = "../python/environment.rs"]
mod environment;
mod formats;
mod links;
mod page;
mod quickstarts;
mod readme;
mod session;
