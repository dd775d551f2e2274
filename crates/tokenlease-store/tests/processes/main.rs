//! What a store promises to many processes, with real processes over real HTTP: the test program
//! runs itself again for each.
#![cfg(unix)]

mod child;
mod crowd;
mod death;
mod outage;
mod servers;
mod sharing;
mod world;
