//! What a store promises to many processes, with real processes over real HTTP: the test program
//! runs itself again for each.
#![cfg(all(unix, feature = "file"))]

mod child;
mod crowd;
mod death;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod engines;
mod outage;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod servers;
mod sharing;
mod world;
