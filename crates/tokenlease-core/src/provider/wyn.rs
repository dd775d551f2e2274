//! The exchanges of Wyn Enterprise: a profile of [OAuth2](super::oauth2), after the Wyn article "How
//! To Use Connect Tokens".

mod login;
mod revoke;
mod userinfo;
mod wire;

pub(crate) use self::wire::{RESERVED_FIELDS, whole_seconds};
pub use self::{
    login::Login,
    revoke::Revoke,
    userinfo::Userinfo,
    wire::{DEFAULT_CLIENT, FACTORY_CLIENT_SECRET, REVOCATION_PATH, TOKEN_PATH, USERINFO_PATH},
};
