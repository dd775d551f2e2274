//! The exchanges of Wyn Enterprise: a profile of [OAuth2](super::oauth2), after the Wyn article "How
//! To Use Connect Tokens".

mod batch_revoke;
mod login;
mod revoke;
mod userinfo;
mod wire;

pub(crate) use self::wire::{RESERVED_FIELDS, whole_seconds};
pub use self::{
    batch_revoke::BatchRevoke,
    login::Login,
    revoke::Revoke,
    userinfo::Userinfo,
    wire::{
        BATCH_REVOCATION_PATH, DEFAULT_CLIENT, FACTORY_CLIENT_SECRET, REVOCATION_PATH, TOKEN_PATH,
        USERINFO_PATH,
    },
};
