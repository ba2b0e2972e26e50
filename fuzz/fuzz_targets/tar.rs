//! Any bytes as an archive.
#![no_main]

#[path = "../../crates/layer/tests/common/holds.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holds::tar(bytes));
