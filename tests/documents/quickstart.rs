//! The program of `docs/quickstart-rust.md`.

include!(concat!(env!("OUT_DIR"), "/quickstart.rs"));
