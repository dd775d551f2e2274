//! The vendors' exchanges, and the only place that tells vendors apart.
//!
//! Each exchange is one type in one file: a request builder and the parser of its answer, usable
//! alone with any HTTP stack. [`Server`] puts the exchanges of one identity's server behind one
//! face for the machine: a [`Call`] becomes a request, a response becomes an [`Answer`].
pub mod oauth2;
pub mod winkas;
pub mod wyn;
