//! Each fault of a network between a client and its server: the call ends in time, with its own
//! error, without a secret at a wrong place, and no login is sent more often than the rules allow.
#![allow(unreachable_pub, reason = "the modules of one test")]

mod answers;
mod cuts;
mod raw;
mod secrets;
mod tls;
