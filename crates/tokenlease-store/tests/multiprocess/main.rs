//! The guarantees of a store to many processes, tested with real processes over real HTTP. The test
//! program starts itself once more for each process.
//!
//! Servers of stores, signals and other users are tested on Unix alone.
#![cfg_attr(not(unix), expect(dead_code, reason = "the tests of servers use it"))]

mod baseline;
mod child;
mod clock_offset;
mod cold_start;
mod engine;
#[cfg(unix)]
mod failover;
#[cfg(unix)]
mod folder_outage;
mod killed_owner;
#[cfg(unix)]
mod network_namespaces;
#[cfg(unix)]
mod partitions;
mod process;
mod raw_http;
mod raw_records;
mod rejected_credentials;
mod rejected_tokens;
#[cfg(unix)]
mod server_outage;
#[cfg(unix)]
mod server_rejections;
#[cfg(unix)]
mod server_stores;
mod sharing;
mod subjects;
#[cfg(unix)]
mod unix;
mod unreadable_records;
mod world;
