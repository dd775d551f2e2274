//! The exchanges of WinKAS Air, after the WinKAS help pages "API Authorization" and "API Token".
//!
//! WinKAS asks its users to use one token for its whole lifetime, and to request a new one only when
//! that is absolutely necessary. No response states when a token expires.

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
