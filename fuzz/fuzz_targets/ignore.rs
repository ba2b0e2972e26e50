//! Any bytes as an ignore file, and the last line of them as a path.
#![no_main]

#[allow(dead_code, reason = "each target takes its own function")]
#[path = "../../crates/dockerfile/tests/it/holds.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    if let Ok(path) = std::str::from_utf8(&bytes[end..]) {
        holds::ignore(&bytes[..end], path.trim_matches(['\n', '/']));
    }
});
