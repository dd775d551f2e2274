//! What a store promises to many processes, with real processes over real HTTP: the test program
//! runs itself again for each.
#![cfg(unix)]

mod bare;
mod child;
mod crowd;
mod death;
mod engine;
mod engines;
mod hour;
mod misfits;
mod namespaces;
mod network;
mod outage;
mod records;
mod rejected;
mod servers;
mod servers_away;
mod sharing;
mod storm;
mod wire;
mod world;
