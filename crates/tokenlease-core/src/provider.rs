//! The exchanges of the providers: request builders and response parsers, without I/O.
//!
//! Each exchange is one type in one file, and works alone with any HTTP library: [`winkas`], [`wyn`]
//! and [`oauth2`]. [`Server`] puts the exchanges of one server behind one interface for the state
//! machine: it turns a [`Call`] into a request, and a response into an [`Answer`]. No module outside
//! of this one distinguishes providers.
//!
//! A response is read by its error code, then by its status, never by the wording of a description.
//! The only exception is WinKAS' Validate, whose result is the last word of its message. An error
//! about a response names the field. Of a repeated key in a JSON object the last one counts.

mod api_answer;
mod call;
mod challenge;
pub(crate) mod extra;
mod field;
mod granted;
pub mod oauth2;
mod presentation;
mod reading;
mod server;
mod text;
mod validation;
pub mod winkas;
mod words;
pub mod wyn;

pub use self::{
    api_answer::ApiAnswer,
    call::{Answer, Call, Grant},
    challenge::challenge_schemes,
    granted::{Granted, Life},
    oauth2::ClientAuth,
    presentation::{JSON_FIELD, TokenHeader},
    server::{OptionsFingerprint, Server},
    validation::Validation,
};
