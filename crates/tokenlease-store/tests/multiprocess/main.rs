//! The guarantees of a store to many processes, tested with real processes over real HTTP. The test
//! program starts itself once more for each process.
#![cfg(unix)]

mod baseline;
mod child;
mod clock_offset;
mod cold_start;
mod engine;
mod failover;
mod folder_outage;
mod killed_owner;
mod network_namespaces;
mod partitions;
mod process;
mod raw_http;
mod raw_records;
mod rejected_credentials;
mod rejected_tokens;
mod server_outage;
mod server_rejections;
mod server_stores;
mod sharing;
mod subjects;
mod unreadable_records;
mod world;
