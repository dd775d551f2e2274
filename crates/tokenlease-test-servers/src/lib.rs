//! Starts the real servers of tokenlease's tests: Redis or Valkey, PostgreSQL, `PgBouncer`, and a TLS
//! server that requires client certificates.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod certificate;
mod client_certificates;
mod place;
mod pooler;
mod postgres;
mod process;
mod redis;

pub use self::{
    client_certificates::ClientCertificates,
    place::{Place, fake_time},
    pooler::pooler,
    postgres::{postgres, postgres_at},
    process::{Running, found},
    redis::{redis, redis_at, redis_of_cluster, sentinel},
};
