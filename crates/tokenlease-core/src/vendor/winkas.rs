//! The exchanges of WinKAS Air, from the vendor's pages "API Authorization" and "API Token".
//!
//! The vendor's rule is to use one token during its whole life and to authorize a new one only when
//! that is absolutely necessary. No answer says when a token ends.

mod issue;
mod issue_by_token;
mod refetch;
mod validate;
pub(crate) mod wire;

pub use self::{
    issue::Issue, issue_by_token::IssueByToken, refetch::Refetch, validate::Validate,
    wire::DEFAULT_SERVER,
};
pub(crate) use self::{
    issue::read as read_issue, refetch::read as read_refetch, validate::read as read_verdict,
    wire::failed_inside,
};
