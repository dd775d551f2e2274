#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenlease_fuzz::targets::certificate(data));
