//! The wire format: one question out, the addresses of its answer back. See RFC 1035 section 4.
//!
//! ```text
//! header:   id(2) flags(2) questions(2) answers(2) authorities(2) additionals(2)
//! question: name type(2) class(2)
//! record:   name type(2) class(2) ttl(4) length(2) data
//! name:     (length label)* 0, or a pointer 11xxxxxx xxxxxxxx at any place instead
//! ```
//! CNAMEs are not followed: a recursive server puts the addresses behind them into the same answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const HEADER: usize = 12;
const CLASS_IN: u16 = 1;
const RECURSION_DESIRED: u16 = 0x0100;
const IS_ANSWER: u16 = 0x8000;
const TRUNCATED: u16 = 0x0200;
const CODE: u16 = 0x000f;
const NO_SUCH_NAME: u16 = 3;

/// The two types of record that we ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    A = 1,
    Aaaa = 28,
}

/// An answer to our question.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub addresses: Vec<IpAddr>,
    pub truncated: bool,
    pub server_failure: bool,
}

/// A query for one name, recursion desired; `None` for what can't be a name.
pub(super) fn question(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(HEADER + name.len() + 6);
    for word in [id, RECURSION_DESIRED, 1, 0, 0, 0] {
        out.extend(word.to_be_bytes());
    }
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|n| (1..64).contains(n) && label.is_ascii())?;
        out.push(length);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out.extend((kind as u16).to_be_bytes());
    out.extend(CLASS_IN.to_be_bytes());
    (out.len() - HEADER - 4 <= 255).then_some(out)
}

/// The answer in `bytes`; `None` if it isn't one to `question`, or is malformed.
pub(super) fn answer(bytes: &[u8], id: u16, question: &[u8], kind: Kind) -> Option<Answer> {
    let flags = word(bytes, 2)?;
    let asked = question.get(HEADER..)?;
    let repeated = bytes.get(HEADER..HEADER + asked.len())?;
    if word(bytes, 0)? != id || flags & IS_ANSWER == 0 || !repeated.eq_ignore_ascii_case(asked) {
        return None;
    }
    let code = flags & CODE;
    let truncated = flags & TRUNCATED != 0;
    let server_failure = code != 0 && code != NO_SUCH_NAME;
    let addresses = if truncated { Vec::new() } else { records(bytes, HEADER + asked.len(), kind)? };
    Some(Answer { addresses, truncated, server_failure })
}

fn records(bytes: &[u8], mut at: usize, kind: Kind) -> Option<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for _ in 0..word(bytes, 6)? {
        at = after_name(bytes, at)?;
        let (this, class) = (word(bytes, at)?, word(bytes, at + 2)?);
        let length = usize::from(word(bytes, at + 8)?);
        let data = bytes.get(at + 10..at + 10 + length)?;
        if this == kind as u16 && class == CLASS_IN {
            addresses.push(address(data, kind)?);
        }
        at += 10 + length;
    }
    Some(addresses)
}

fn address(data: &[u8], kind: Kind) -> Option<IpAddr> {
    match kind {
        Kind::A => <[u8; 4]>::try_from(data).ok().map(|a| Ipv4Addr::from(a).into()),
        Kind::Aaaa => <[u8; 16]>::try_from(data).ok().map(|a| Ipv6Addr::from(a).into()),
    }
}

fn after_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            // A pointer ends a name; where it leads does not matter to us.
            n if n >= 0xc0 => return Some(at + 2),
            n if n < 64 => at += 1 + usize::from(n),
            _ => return None,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to `question` with a CNAME before the address.
    fn reply(question: &[u8]) -> Vec<u8> {
        let mut out = question.to_vec();
        out[2] |= 0x80;
        out[7] = 2;
        out.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xc0, 12]);
        out.extend([1, b'x', 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 1, 2, 3]);
        out
    }

    #[test]
    fn addresses_behind_a_cname_are_found() {
        let asked = question(7, "a.example", Kind::A).unwrap();
        let found = answer(&reply(&asked), 7, &asked, Kind::A).unwrap();
        assert_eq!(found.addresses, ["10.1.2.3".parse::<IpAddr>().unwrap()]);
        assert_eq!(answer(&reply(&asked), 8, &asked, Kind::A), None);
        let other = question(7, "b.example", Kind::A).unwrap();
        assert_eq!(answer(&reply(&asked), 7, &other, Kind::A), None);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let asked = question(7, "a.example", Kind::A).unwrap();
        let whole = reply(&asked);
        for length in 0..whole.len() {
            assert_eq!(answer(&whole[..length], 7, &asked, Kind::A), None, "{length}");
        }
        for at in 4..whole.len() {
            for value in [0, 63, 64, 128, 192, 255] {
                let mut bent = whole.clone();
                bent[at] = value;
                let _ = answer(&bent, 7, &asked, Kind::A);
            }
        }
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        for bad in ["", "a..b", ".a", "é.example", &"x".repeat(64), &"abc.".repeat(70)] {
            assert_eq!(question(1, bad, Kind::A), None, "{bad}");
        }
    }
}
