#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod connection;
mod consumers;
mod counts;
mod endpoints;
mod form;
mod forward;
mod guard;
mod limits;
mod listen;
mod profiles;
mod rate;
mod router;
mod secret;
mod server;
mod state;
pub mod systemd;

pub use crate::{
    forward::ForwardTo,
    limits::Limits,
    secret::{hash, new_secret},
    server::{Control, Server, Settings},
};
