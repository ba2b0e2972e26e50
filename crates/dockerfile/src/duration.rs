//! Durations as Go reads and writes them: `1h30m`, `1.5s`, `100ms`.

/// Units from small to large, in nanoseconds. Both signs for micro are letters that people type.
const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The nanoseconds that `text` names.
pub fn parse(text: &str) -> Result<i64, String> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    let total = sum(rest).ok_or_else(|| complaint(text))?;
    let signed = if negative { -total } else { total };
    i64::try_from(signed).map_err(|_| complaint(text))
}

fn complaint(text: &str) -> String {
    format!("invalid duration `{text}`, expected a number with a unit, like `30s` or `1m30s`")
}

fn sum(text: &str) -> Option<i128> {
    let mut rest = text;
    let mut total = 0i128;
    while !rest.is_empty() {
        let (nanoseconds, behind) = term(rest)?;
        total = total.checked_add(nanoseconds)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

fn term(text: &str) -> Option<(i128, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..end])?;
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanoseconds = i128::from(whole) * i128::from(*unit) + fraction_of(fraction, *unit);
    let any = text.starts_with(|c: char| c.is_ascii_digit()) || !fraction.is_empty();
    any.then_some((nanoseconds, &rest[end..]))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// `0.fraction` of a unit, cut to whole nanoseconds.
fn fraction_of(fraction: &str, unit: i64) -> i128 {
    // Digits behind the fifteenth are below a nanosecond even of an hour.
    let digits = &fraction[..fraction.len().min(15)];
    let scale = 10i128.pow(u32::try_from(digits.len()).unwrap_or(0));
    digits.parse::<i128>().map_or(0, |value| value * i128::from(unit) / scale)
}

/// `nanoseconds` as Go prints a duration: `1m30s`, `1.5s`, `100ms`.
pub fn format(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let value = nanoseconds.unsigned_abs();
    match value {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{value}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(value, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(value, 1_000_000)),
        _ => format!("{sign}{}", clock(value)),
    }
}

fn clock(value: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let (minutes, rest) = (value / (60 * SECOND), value % (60 * SECOND));
    let seconds = format!("{}s", decimal(rest, SECOND));
    match (minutes / 60, minutes % 60) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

fn decimal(value: u64, unit: u64) -> String {
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{rest:0width$}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::{format, parse};

    #[test]
    fn reads_what_go_reads() {
        for (text, expected) in [
            ("0", Some(0)),
            ("30s", Some(30_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            (".5ms", Some(500_000)),
            ("1.s", Some(1_000_000_000)),
            ("+5us", Some(5_000)),
            ("-5µs", Some(-5_000)),
            ("0.100000000000000000000h", Some(360_000_000_000)),
            ("9223372036854775807ns", Some(i64::MAX)),
            ("-9223372036854775808ns", None),
            ("9223372036854775808ns", None),
            ("99999999999h", None),
            ("", None),
            ("5", None),
            (".s", None),
            ("s", None),
            ("1d", None),
            ("--1s", None),
            ("1s ", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn writes_what_go_writes() {
        for (nanoseconds, expected) in [
            (0, "0s"),
            (7, "7ns"),
            (1_500, "1.5µs"),
            (100_000_000, "100ms"),
            (1_500_000_000, "1.5s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (-1_000_000_000, "-1s"),
        ] {
            assert_eq!(format(nanoseconds), expected);
        }
    }
}
