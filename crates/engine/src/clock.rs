//! The one place where tare asks what time it is. Tests shift it with `TARE_CLOCK`, in seconds.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub fn now() -> i64 {
    let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    real + shift()
}

fn shift() -> i64 {
    std::env::var("TARE_CLOCK").ok().and_then(|s| s.parse().ok()).unwrap_or(0)
}
