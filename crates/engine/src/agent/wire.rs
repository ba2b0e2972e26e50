//! SSH's way to write numbers and strings: bytes to fields and back. RFC 4251, section 5.

/// Reads fields one after the other.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// That many bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    /// `uint32`
    pub fn number(&mut self) -> Option<u32> {
        self.take(4).map(|bytes| u32::from_be_bytes(bytes.try_into().expect("they are four")))
    }

    /// `string`
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length as usize)
    }

    /// `mpint` that isn't negative, without zeros in front.
    pub fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        (!negative).then(|| without_zeros(bytes))
    }
}

/// A `string`.
pub fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}

/// An `mpint`, of bytes with the highest first.
pub fn put_integer(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = without_zeros(bytes);
    // One that starts with a set bit would be negative.
    let sign: &[u8] = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    put_string(out, &[sign, bytes].concat());
}

/// Some strings, one after the other.
pub fn strings(all: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    all.iter().for_each(|bytes| put_string(&mut out, bytes));
    out
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (bytes, length) in [(&[][..], 4), (&[1], 5), (&[0x80], 6), (&[0, 0, 7], 5)] {
            let mut out = Vec::new();
            put_integer(&mut out, bytes);
            assert_eq!(out.len(), length, "{bytes:?}");
            assert_eq!(Fields(&out).integer(), Some(without_zeros(bytes)));
        }
        assert_eq!(Fields(&strings(&[b"ab", b""])).string(), Some(&b"ab"[..]));
    }

    #[test]
    fn what_is_cut_off_is_nothing() {
        for bytes in [&[][..], &[0, 0, 0], &[0, 0, 0, 2, 1], &[0xff, 0xff, 0xff, 0xff, 1]] {
            assert_eq!(Fields(bytes).string(), None);
        }
        assert_eq!(Fields(&[0, 0, 0, 1, 0x80]).integer(), None);
    }
}
