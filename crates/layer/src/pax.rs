//! PAX records, `LENGTH KEY=VALUE` lines, to a map and back.
//!
//! They say what a ustar header can't: long names, big numbers, extended attributes. Parsing is strict: a
//! record that two readers could understand differently is how one archive becomes two file trees.
//! See POSIX.1-2017 pax "pax Extended Header".

use std::collections::BTreeMap;
use std::io;

use base64::Engine;
use tree::Time;

use crate::failure::{bad, show};

const SCHILY: &[u8] = b"SCHILY.xattr.";
const LIBARCHIVE: &[u8] = b"LIBARCHIVE.xattr.";

/// Records by key.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Records(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl Records {
    /// Reads records.
    ///
    /// # Errors
    /// If they are not exactly records from the first byte to the last.
    pub fn parse(mut bytes: &[u8]) -> io::Result<Records> {
        let mut records = Records::default();
        while !bytes.is_empty() {
            let (key, value, rest) = record(bytes).ok_or_else(|| bad("tar has a malformed PAX record"))?;
            records.0.insert(key.to_vec(), value.to_vec());
            bytes = rest;
        }
        Ok(records)
    }

    /// The records as bytes, by key.
    pub fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(key, value)| encode(key, value)).collect()
    }

    /// Sets a record.
    pub fn set(&mut self, key: &str, value: impl Into<Vec<u8>>) {
        self.0.insert(key.into(), value.into());
    }

    /// Sets an extended attribute.
    ///
    /// # Errors
    /// If the name holds `=`, which ends a key.
    pub fn set_xattr(&mut self, name: &[u8], value: &[u8]) -> io::Result<()> {
        if name.contains(&b'=') {
            return Err(bad(format!(
                "the name of the extended attribute `{}` can't be in a tar",
                show(name)
            )));
        }
        self.0.insert([SCHILY, name].concat(), value.to_vec());
        Ok(())
    }

    /// A record's value; an empty one takes the record back.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key.as_bytes()).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    /// A name or link target.
    ///
    /// # Errors
    /// If it holds a NUL, at which another reader might end it.
    pub fn name(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let value = self.get(key);
        if value.is_some_and(|name| name.contains(&0)) {
            return Err(bad(format!("tar has a PAX `{key}` with a NUL in it")));
        }
        Ok(value.map(<[u8]>::to_vec))
    }

    /// A whole number.
    ///
    /// # Errors
    /// If it is not decimal digits, or too big for its type.
    pub fn number<T: TryFrom<u64>>(&self, key: &str) -> io::Result<Option<T>> {
        let parse = |value| T::try_from(decimal(value)?).ok();
        self.get(key).map(|value| parse(value).ok_or_else(|| wrong(key, value))).transpose()
    }

    /// A time, seconds with a fraction or without.
    ///
    /// # Errors
    /// If it is something else.
    pub fn time(&self, key: &str) -> io::Result<Option<Time>> {
        self.get(key).map(|value| time(value).ok_or_else(|| wrong(key, value))).transpose()
    }

    /// Extended attributes, in the spelling of star and Go, or else in that of libarchive.
    ///
    /// # Errors
    /// If a name is empty or holds a NUL, or an encoding is broken.
    pub fn xattrs(&self) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
        let mut found = BTreeMap::new();
        for (key, value) in
            self.0.range(LIBARCHIVE.to_vec()..).map_while(|(k, v)| Some((k.strip_prefix(LIBARCHIVE)?, v)))
        {
            found.insert(unpercent(key)?, unbase64(value)?);
        }
        for (key, value) in
            self.0.range(SCHILY.to_vec()..).map_while(|(k, v)| Some((k.strip_prefix(SCHILY)?, v)))
        {
            found.insert(key.to_vec(), value.clone());
        }
        match found.keys().find(|name| name.is_empty() || name.contains(&0)) {
            Some(name) => Err(bad(format!("tar has an extended attribute with the name `{}`", show(name)))),
            None => Ok(found),
        }
    }

    /// Whether there is a key that starts so.
    pub fn has(&self, prefix: &str) -> bool {
        self.0
            .range(prefix.as_bytes().to_vec()..)
            .next()
            .is_some_and(|(key, _)| key.starts_with(prefix.as_bytes()))
    }
}

fn wrong(key: &str, value: &[u8]) -> io::Error {
    bad(format!("tar has a PAX `{key}` of `{}`", show(value)))
}

/// The first record and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(decimal(&bytes[..space])?).ok()?;
    if length > bytes.len() || length <= space {
        return None;
    }
    let (record, rest) = bytes.split_at(length);
    let body = record[space + 1..].strip_suffix(b"\n")?;
    let equals = body.iter().position(|&byte| byte == b'=').filter(|&at| at > 0)?;
    let (key, value) = (&body[..equals], &body[equals + 1..]);
    (!key.contains(&0)).then_some((key, value, rest))
}

/// The length counts its own digits.
fn encode(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, byte| match byte {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// `-1.5` is half a second before -1: second -2 and half a second.
fn time(text: &[u8]) -> Option<Time> {
    let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = match text.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b""[..]),
    };
    let sec = i64::try_from(decimal(whole)?).ok()?;
    let nsec = nanoseconds(fraction)?;
    Some(match (negative, nsec) {
        (false, nsec) => Time { sec, nsec },
        (true, 0) => Time { sec: -sec, nsec: 0 },
        (true, nsec) => Time { sec: (-sec).checked_sub(1)?, nsec: 1_000_000_000 - nsec },
    })
}

fn nanoseconds(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nine = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some(nine.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
}

fn unbase64(text: &[u8]) -> io::Result<Vec<u8>> {
    // libarchive leaves out the padding, others write it.
    let end = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    engine.decode(&text[..end]).map_err(|_| bad("tar has an extended attribute in broken base64"))
}

fn unpercent(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = if byte == b'%' { escaped(tail)? } else { (byte, tail) };
        out.push(byte);
        rest = tail;
    }
    Ok(out)
}

fn escaped(text: &[u8]) -> io::Result<(u8, &[u8])> {
    let byte = text.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
    byte.map(|byte| (byte, &text[2..])).ok_or_else(|| bad("tar has an extended attribute with a broken name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_counts_itself() {
        for (value, length) in [("", 6), ("v", 7), ("vvvv", 11), ("vvvvv", 12)] {
            let bytes = encode(b"k", value.as_bytes());
            // "6 k=\n" has five bytes and says five.
            assert_eq!(
                bytes.len(),
                bytes.split(|b| *b == b' ').next().map(decimal).unwrap().unwrap() as usize
            );
            assert!(bytes.len() <= length);
        }
        for size in 80..120 {
            let bytes = encode(b"key", &vec![b'='; size]);
            assert_eq!(Records::parse(&bytes).unwrap().get("key").unwrap().len(), size);
        }
    }

    #[test]
    fn what_is_not_quite_a_record_is_refused() {
        let table: &[&[u8]] = &[
            b"6 a=b",
            b"5 a=b\n",
            b"7 a=b\n",
            b"6  a=b\n",
            b"+6 a=b\n",
            b" 6 a=b\n",
            b"6 a=b\n\0",
            b"5 =b\n",
            b"5 ab\n",
            b"0 a=b\n",
            b"1 \n",
            b"99999999999999999999999 a=b\n",
            b"7 a\0=b\n",
            b"6",
        ];
        for bytes in table {
            assert!(Records::parse(bytes).is_err(), "{}", show(bytes));
        }
        assert_eq!(Records::parse(b"6 a=b\n6 a=c\n").unwrap().get("a"), Some(&b"c"[..]));
    }

    #[test]
    fn times() {
        let table: &[(&str, Option<(i64, u32)>)] = &[
            ("0", Some((0, 0))),
            ("1700000000.25", Some((1_700_000_000, 250_000_000))),
            ("1.0000000019", Some((1, 1))),
            ("-5", Some((-5, 0))),
            ("-1.5", Some((-2, 500_000_000))),
            ("1.", Some((1, 0))),
            (".5", None),
            ("1e9", None),
            ("--1", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(sec, nsec)| Time { sec, nsec });
            assert_eq!(time(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn attributes_of_both_spellings() {
        let mut records = Records::default();
        records.set("LIBARCHIVE.xattr.user.a%3db", "aGk");
        records.set("LIBARCHIVE.xattr.user.b", "eHg=");
        records.set("SCHILY.xattr.user.b", "yes");
        let found = records.xattrs().unwrap();
        assert_eq!(found[&b"user.a=b"[..]], b"hi");
        assert_eq!(found[&b"user.b"[..]], b"yes");
        for (key, value) in
            [("SCHILY.xattr.", "x"), ("LIBARCHIVE.xattr.%0", "aGk"), ("LIBARCHIVE.xattr.a", "!")]
        {
            let mut records = Records::default();
            records.set(key, value);
            assert!(records.xattrs().is_err(), "{key}");
        }
    }

    #[test]
    fn names_and_numbers_are_strict() {
        let mut records = Records::default();
        records.set("path", "a\0b");
        records.set("size", "-1");
        records.set("uid", "4294967296");
        records.set("gid", "");
        assert!(records.name("path").is_err());
        assert!(records.number::<u64>("size").is_err());
        assert!(records.number::<u32>("uid").is_err());
        assert_eq!(records.number::<u32>("gid").unwrap(), None);
    }
}
