//! Names and numbers of Linux signals, as STOPSIGNAL takes them.

const NAMES: [(&str, i32); 36] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("RTMIN", 34),
    ("RTMAX", 64),
];

/// The number of a signal given by name, with or without `SIG`, or by number.
pub fn parse(text: &str) -> Result<i32, String> {
    let invalid = || format!("invalid signal: {text}");
    if let Ok(number) = text.parse::<i32>() {
        return Some(number).filter(|number| *number != 0).ok_or_else(invalid);
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    by_name(name).or_else(|| real_time(name)).ok_or_else(invalid)
}

fn by_name(name: &str) -> Option<i32> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// `RTMIN+1` to `RTMIN+15` and `RTMAX-14` to `RTMAX-1`.
fn real_time(name: &str) -> Option<i32> {
    let (base, sign, most) = if name.starts_with("RTMIN+") { (34, 1, 15) } else { (64, -1, 14) };
    let digits = name.strip_prefix("RTMIN+").or_else(|| name.strip_prefix("RTMAX-"))?;
    let plain = !digits.starts_with(['0', '+', '-']);
    let offset = digits.parse::<i32>().ok().filter(|offset| plain && *offset <= most)?;
    Some(base + sign * offset)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn knows_names_and_numbers() {
        for (text, expected) in [
            ("SIGTERM", Some(15)),
            ("term", Some(15)),
            ("9", Some(9)),
            ("SIGRTMIN+3", Some(37)),
            ("rtmax-1", Some(63)),
            ("SIGRTMIN+16", None),
            ("SIGRTMIN+03", None),
            ("0", None),
            ("SIGSIGTERM", None),
            ("", None),
            ("99999999999", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
    }
}
