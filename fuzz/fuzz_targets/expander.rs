//! Any text as a word with variables in it.
#![no_main]

#[allow(dead_code, reason = "each target takes its own function")]
#[path = "../../crates/dockerfile/tests/it/holds.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|word: &str| holds::expander(word));
