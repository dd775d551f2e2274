//! What the tests that cross a crate or a language share.
