//! Packs: many objects in one file, beside it an index of version 2.
//!
//! ```text
//! .idx   ff 't' 'O' 'c' | 2 | 256 counts by first byte | ids, sorted | CRCs | offsets (31 bits) | offsets (64 bits)
//! .pack  'PACK' | version | count | objects: type and size, of a delta its base, a zlib stream
//! ```
//! Nothing is read whole: packs have gigabytes, and of those a handful of objects are wanted. A number from the
//! files is believed only as far as reading by it goes. See git's pack-format documentation.

use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Read;
use super::object::{Id, Kind, LARGEST, inflate};

/// A pack and its index, open.
pub struct Pack {
    index: File,
    data: File,
    count: u64,
}

/// What a chain of deltas begins with.
pub enum Base {
    /// An object.
    Whole(Kind, Vec<u8>),
    /// One that may be anywhere.
    Elsewhere(Id),
}

/// git itself makes none of more than fifty, or of 4095 if asked to.
pub const LONGEST_CHAIN: usize = 4096;

const COUNTS: u64 = 8;
const IDS: u64 = COUNTS + 256 * 4;

/// The packs of a folder that can be opened.
pub fn all(folder: &Path) -> Vec<Pack> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut names: Vec<_> = names.filter(|path| path.extension().is_some_and(|e| e == "idx")).collect();
    names.sort();
    names.iter().filter_map(|path| Pack::open(path)).collect()
}

impl Pack {
    fn open(index: &Path) -> Option<Pack> {
        let data = File::open(index.with_extension("pack")).ok()?;
        let index = File::open(index).ok()?;
        let mut pack = Pack { index, data, count: 0 };
        let is_ours = pack.index_bytes::<8>(0).ok()? == [0xff, b't', b'O', b'c', 0, 0, 0, 2];
        pack.count = u64::from(pack.index_number(COUNTS + 255 * 4).ok()?);
        is_ours.then_some(pack)
    }

    /// Where an object is.
    pub fn find(&self, id: Id) -> Read<Option<u64>> {
        let first = u64::from(id.0[0]);
        let mut low = if first == 0 { 0 } else { u64::from(self.index_number(COUNTS + (first - 1) * 4)?) };
        let mut high = u64::from(self.index_number(COUNTS + first * 4)?);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.index_bytes::<20>(IDS + middle * 20)?.cmp(&id.0) {
                std::cmp::Ordering::Equal => return self.offset(middle).map(Some),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    fn offset(&self, at: u64) -> Read<u64> {
        let short = IDS + self.count * 24;
        let number = self.index_number(short + at * 4)?;
        match number >> 31 {
            0 => Ok(u64::from(number)),
            _ => {
                let long = short + self.count * 4 + u64::from(number & 0x7fff_ffff) * 8;
                Ok(u64::from_be_bytes(self.index_bytes(long)?))
            }
        }
    }

    /// What an object is made of: its base, and the deltas on the way to it, the last first.
    pub fn chain(&self, mut offset: u64, longest: usize) -> Read<(Base, Vec<Vec<u8>>)> {
        let mut deltas = Vec::new();
        loop {
            let header = self.header(offset)?;
            let body =
                || inflate(BufReader::with_capacity(4096, At { file: &self.data, at: header.body }), LARGEST);
            match header.what {
                What::Whole(kind) => return Ok((Base::Whole(kind, body()?), deltas)),
                What::DeltaOn(id) => {
                    deltas.push(body()?);
                    return Ok((Base::Elsewhere(id), deltas));
                }
                What::DeltaAt(base) => {
                    deltas.push(body()?);
                    offset = base;
                }
            }
            if deltas.len() >= longest {
                return Err("a chain of deltas is too long".to_owned());
            }
        }
    }

    fn header(&self, offset: u64) -> Read<Header> {
        let mut at = At { file: &self.data, at: offset };
        let first = at.byte()?;
        let mut byte = first;
        while byte & 0x80 != 0 {
            byte = at.byte()?;
        }
        let what = match first >> 4 & 7 {
            1 => What::Whole(Kind::Commit),
            2 => What::Whole(Kind::Tree),
            3 => What::Whole(Kind::Blob),
            4 => What::Whole(Kind::Tag),
            6 => {
                let back = at.distance()?;
                What::DeltaAt(
                    offset.checked_sub(back).filter(|_| back > 0).ok_or("a delta's base is malformed")?,
                )
            }
            7 => What::DeltaOn(Id(at.bytes()?)),
            other => return Err(format!("a pack has an object of unknown type {other}")),
        };
        Ok(Header { what, body: at.at })
    }

    fn index_bytes<const N: usize>(&self, at: u64) -> Read<[u8; N]> {
        let mut bytes = [0; N];
        self.index.read_exact_at(&mut bytes, at).map_err(|e| format!("read a pack's index: {e}"))?;
        Ok(bytes)
    }

    fn index_number(&self, at: u64) -> Read<u32> {
        self.index_bytes(at).map(u32::from_be_bytes)
    }
}

struct Header {
    what: What,
    body: u64,
}

enum What {
    Whole(Kind),
    DeltaAt(u64),
    DeltaOn(Id),
}

/// A place in a file, to read on from.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl At<'_> {
    fn byte(&mut self) -> Read<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn bytes<const N: usize>(&mut self) -> Read<[u8; N]> {
        let mut bytes = [0; N];
        self.file.read_exact_at(&mut bytes, self.at).map_err(|e| format!("read a pack: {e}"))?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// Seven bits a byte, the highest first, each further byte adding one so that no number has two forms.
    fn distance(&mut self) -> Read<u64> {
        let mut byte = self.byte()?;
        let mut number = u64::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.byte()?;
            number = number
                .checked_add(1)
                .and_then(|n| n.checked_mul(128))
                .ok_or("a delta's base is malformed")?;
            number |= u64::from(byte & 0x7f);
        }
        Ok(number)
    }
}

impl std::io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.file.read_at(buffer, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// A base with a delta applied: copies out of it, and new bytes.
pub fn apply(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut delta = delta.iter().copied();
    let from = size(&mut delta)?;
    let to = size(&mut delta)?;
    if from != base.len() as u64 || to > LARGEST {
        return None;
    }
    let mut out = Vec::new();
    while let Some(op) = delta.next() {
        match op {
            0 => return None,
            1..0x80 => out.extend((0..op).map_while(|_| delta.next())),
            _ => {
                let offset = sparse(op, 0..4, &mut delta)?;
                let length = match sparse(op, 4..7, &mut delta)? {
                    0 => 0x10000,
                    length => length,
                };
                out.extend_from_slice(base.get(offset..offset + length)?);
            }
        }
        if out.len() as u64 > to {
            return None;
        }
    }
    (out.len() as u64 == to).then_some(out)
}

/// Seven bits a byte, the lowest first.
fn size(delta: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let (mut number, mut shift) = (0u64, 0);
    loop {
        let byte = delta.next()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
}

/// A number of whose bytes only those are there whose bit of `op` is set.
fn sparse(op: u8, bits: std::ops::Range<u32>, delta: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let mut number = 0;
    for (place, bit) in bits.enumerate() {
        if op >> bit & 1 == 1 {
            number |= usize::from(delta.next()?) << (8 * place);
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas() {
        let base = b"hello world";
        assert_eq!(apply(base, &[11, 8, 0x90, 5, 3, b'a', b'b', b'c']).as_deref(), Some(&b"helloabc"[..]));
        assert_eq!(apply(base, &[11, 5, 0x91, 6, 5]).as_deref(), Some(&b"world"[..]));
        for bad in [
            &[][..],
            &[10, 0],
            &[11, 1, 0],
            &[11, 5, 0x91, 9, 5],
            &[11, 9, 0x90, 5],
            &[11, 3, 3, b'a'],
            &[0xff; 40],
        ] {
            assert_eq!(apply(base, bad), None, "{bad:?}");
        }
    }
}
