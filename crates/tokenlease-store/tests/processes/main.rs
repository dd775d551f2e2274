//! What a store promises to many processes, with real processes over real HTTP: the test program
//! runs itself again for each.
#![cfg(all(unix, feature = "file"))]

mod bare;
mod child;
mod crowd;
mod death;
mod engine;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod engines;
mod hour;
mod misfits;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod namespaces;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod network;
mod outage;
mod records;
mod refused;
mod servers;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod servers_away;
mod sharing;
mod storm;
mod wire;
mod world;
