//! The fuzz targets of tokenlease, which run with libFuzzer: `just fuzz`.

#[allow(dead_code, reason = "its tests use the rest")]
pub mod targets;
#[path = "../../crates/tokenlease-core/tests/machine/world.rs"]
mod world;
