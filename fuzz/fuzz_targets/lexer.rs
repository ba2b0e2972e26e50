//! Any bytes as a Dockerfile.
#![no_main]

#[allow(dead_code, reason = "each target takes its own function")]
#[path = "../../crates/dockerfile/tests/it/holds.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|source: &[u8]| holds::lexer(source));
