//! The exchanges of Wyn Enterprise: a profile of [OAuth2](super::oauth2), from the vendor's article
//! "How To Use Connect Tokens".

mod issue;
mod revoke;
mod userinfo;
mod wire;

pub(crate) use self::wire::whole_seconds;
pub use self::{
    issue::Issue,
    revoke::Revoke,
    userinfo::Userinfo,
    wire::{DEFAULT_CLIENT, FACTORY_CLIENT_SECRET, REVOCATION_PATH, TOKEN_PATH, USERINFO_PATH},
};
