//! The exchanges of WinKAS Air, from the provider's pages "API Authorization" and "API Token".
//!
//! The provider's rule is to use one token during its whole life and to authorize a new one only when
//! that is absolutely necessary. No answer says when a token ends.

mod login;
mod login_by_token;
mod refetch;
mod validate;
pub(crate) mod wire;

pub use self::{
    login::Login, login_by_token::LoginByToken, refetch::Refetch, validate::Validate,
    wire::DEFAULT_SERVER,
};
pub(crate) use self::{
    login::read as read_login, refetch::read as read_refetch, validate::read as read_validation,
    wire::failed_inside,
};
