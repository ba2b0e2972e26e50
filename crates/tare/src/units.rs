//! Bytes and times as people read them.

use std::time::Duration;

/// `7.2 MB`: decimal units, as registries and Docker count.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{n} B"),
        _ if value < 9.95 => format!("{value:.2} {}", UNITS[unit]),
        _ if value < 99.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// `1.5GB`, `200m`, `1024`: a size as a user writes it.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let end = lower.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(lower.len());
    let number: f64 = lower[..end].trim().parse().ok()?;
    let factor = match &lower[end..] {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        "tib" => 1_099_511_627_776.0,
        _ => return None,
    };
    let bytes = number * factor;
    (0.0..9e18).contains(&bytes).then_some(bytes as u64)
}

/// `12ms`, `1.2s`, `3m05s`.
pub fn duration(d: Duration) -> String {
    match d.as_millis() {
        ms if ms < 100 => format!("{ms}ms"),
        ms if ms < 60_000 => format!("{:.1}s", ms as f64 / 1000.0),
        ms => format!("{}m{:02}s", ms / 60_000, ms / 1000 % 60),
    }
}

/// `0.4ms`, `12ms`, `1.23s`: to compare with others.
pub fn fine(d: Duration) -> String {
    match d.as_secs_f64() * 1000.0 {
        ms if ms < 0.05 => "0ms".to_owned(),
        ms if ms < 9.95 => format!("{ms:.1}ms"),
        ms if ms < 999.5 => format!("{ms:.0}ms"),
        ms if ms < 60_000.0 => format!("{:.2}s", ms / 1000.0),
        _ => duration(d),
    }
}

/// `3 hours ago`, from seconds.
pub fn ago(seconds: i64) -> String {
    let (n, unit) = match seconds.max(0) {
        s if s < 60 => (s, "second"),
        s if s < 3600 => (s / 60, "minute"),
        s if s < 86_400 => (s / 3600, "hour"),
        s if s < 14 * 86_400 => (s / 86_400, "day"),
        s if s < 60 * 86_400 => (s / (7 * 86_400), "week"),
        s if s < 730 * 86_400 => (s / (30 * 86_400), "month"),
        s => (s / (365 * 86_400), "year"),
    };
    format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_both_ways() {
        for (n, text) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (7_234_567, "7.23 MB"), (123_456_789, "123 MB")]
        {
            assert_eq!(bytes(n), text);
        }
        for (text, n) in
            [("1.5GB", Some(1_500_000_000)), ("64MiB", Some(67_108_864)), ("7", Some(7)), ("x", None)]
        {
            assert_eq!(parse_bytes(text), n, "{text}");
        }
    }

    #[test]
    fn times() {
        for (ms, text) in [(12, "12ms"), (1_240, "1.2s"), (185_000, "3m05s")] {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
        for (s, text) in [(1, "1 second ago"), (7_300, "2 hours ago"), (86_400 * 3, "3 days ago")] {
            assert_eq!(ago(s), text);
        }
    }
}
