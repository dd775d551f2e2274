//! The exchanges of OAuth2 servers (RFC 6749, 6750, 7009, 7662 and 8414). Wyn Enterprise uses a profile of
//! them.
//!
//! Each exchange is a plain struct with `request` and `parse`. `endpoint` is always a complete URL.

pub(crate) mod client;
mod client_login;
mod discovery;
pub(crate) mod failure;
mod introspect;
mod login;
mod metadata;
mod refresh;
pub(crate) mod revoke;
mod userinfo;
pub(crate) mod wire;

pub use self::{
    client::{Client, ClientAuth},
    client_login::ClientLogin,
    discovery::{Discovery, DiscoveryStep},
    introspect::Introspect,
    login::Login,
    metadata::{Discover, Endpoint, Metadata, WellKnown},
    refresh::Refresh,
    revoke::Revoke,
    userinfo::Userinfo,
};
pub(crate) use self::{
    introspect::read as read_introspection, revoke::read as read_revocation,
    userinfo::read as read_userinfo, userinfo::says_invalid_token,
};
