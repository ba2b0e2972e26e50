//! A program's file to the build info in it: the linker's blob, in both of its formats.
//!
//! Fed by `elf`, feeds `info`. The blob stands on a multiple of 16 bytes:
//! ```text
//!  0  magic, 14 bytes
//! 14  size of a pointer: 4 or 8
//! 15  flags: 1 big endian, 2 inline
//! 16  inline (Go 1.18 and later): nothing until 32, then the version and the module info, each a varint
//!     length and so many bytes
//!     otherwise: two pointers to Go strings, each a pointer to the bytes and their number
//! ```
//! The module info is between two marks of 16 bytes. See `debug/buildinfo` of Go's library.
//! A blob that breaks these rules is chance, or not Go's, and the file is taken for no Go program.

use std::io::{self, Cursor, Read, Seek};

use crate::elf::Elf;
use crate::info::{self, BuildInfo};

const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGN: u64 = 16;
const HEADER: u64 = 32;
const BIG_ENDIAN: u8 = 1;
const INLINE: u8 = 2;
const MARK: usize = 16;

/// How much of a data segment is looked through at a time; a multiple of `ALIGN`.
const CHUNK: u64 = 1 << 20;

/// More than any list of modules: a thousand of them are 100 KB.
const MOST_TEXT: u64 = 16 << 20;

/// Whether a file that begins with `head` may be an ELF file.
pub fn is_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

/// The build info of a program; `None` if it isn't an ELF file, or not one of Go's.
///
/// An `Err` is build info that Go's own tools refuse as well.
pub fn read(elf: &[u8]) -> Result<Option<BuildInfo>, String> {
    read_from(Cursor::new(elf))
}

/// As [`read`], for a file: reads its headers and the build info, a few KB as a rule.
///
/// An `Err` is also a file that can't be read.
pub fn read_from(file: impl Read + Seek) -> Result<Option<BuildInfo>, String> {
    match raw(file).map_err(|e| e.to_string())? {
        Some(raw) => info::parse(&raw.version, &raw.modules).map(Some),
        None => Ok(None),
    }
}

/// The two strings of the blob.
struct Raw {
    version: String,
    modules: String,
}

fn raw<R: Read + Seek>(file: R) -> io::Result<Option<Raw>> {
    let Some(mut elf) = Elf::open(file)? else { return Ok(None) };
    let Some(blob) = find(&mut elf)? else { return Ok(None) };
    let header = elf.at(blob, HEADER)?;
    let strings = match header.get(15) {
        Some(flags) if flags & INLINE != 0 => inline(&mut elf, blob + HEADER)?,
        Some(_) => pointed(&mut elf, &header)?,
        None => None,
    };
    Ok(strings.filter(|(version, _)| !version.is_empty()).map(|(version, modules)| Raw {
        version: String::from_utf8_lossy(&version).into_owned(),
        modules: String::from_utf8_lossy(unmarked(&modules)).into_owned(),
    }))
}

/// The address of the blob.
fn find<R: Read + Seek>(elf: &mut Elf<R>) -> io::Result<Option<u64>> {
    let data = elf.data();
    let Some(end) = data.start.checked_add(data.size) else { return Ok(None) };
    let mut next = data.start.checked_next_multiple_of(ALIGN);
    while let Some(at) = next.filter(|&at| at < end) {
        let chunk = elf.at(at, CHUNK.min(end - at))?;
        if let Some(line) = chunk.chunks(ALIGN as usize).position(|line| line.starts_with(MAGIC)) {
            let blob = at + line as u64 * ALIGN;
            return Ok(Some(blob).filter(|blob| end - blob >= HEADER));
        }
        next = at.checked_add(CHUNK).filter(|_| chunk.len() as u64 == CHUNK);
    }
    Ok(None)
}

type Strings = Option<(Vec<u8>, Vec<u8>)>;

fn inline<R: Read + Seek>(elf: &mut Elf<R>, at: u64) -> io::Result<Strings> {
    let Some((version, next)) = counted(elf, at)? else { return Ok(None) };
    Ok(counted(elf, next)?.map(|(modules, _)| (version, modules)))
}

/// A string after its length, and the address after it.
fn counted<R: Read + Seek>(elf: &mut Elf<R>, at: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
    let Some((length, size)) = varint(&elf.at(at, 10)?) else { return Ok(None) };
    let Some(start) = at.checked_add(size) else { return Ok(None) };
    Ok(exactly(elf, start, length)?.map(|bytes| (bytes, start + length)))
}

/// Go's `binary.Uvarint`: seven bits a byte, the lowest first. The value, and how many bytes it took.
fn varint(bytes: &[u8]) -> Option<(u64, u64)> {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let value = bytes[..=last].iter().enumerate().try_fold(0u64, |value, (i, byte)| {
        let bits = u64::from(byte & 0x7f);
        let shifted = bits.checked_shl(7 * i as u32).filter(|s| s >> (7 * i) == bits)?;
        Some(value | shifted)
    })?;
    Some((value, last as u64 + 1))
}

fn pointed<R: Read + Seek>(elf: &mut Elf<R>, header: &[u8]) -> io::Result<Strings> {
    let pointers = Pointers { size: header[14].into(), big: header[15] & BIG_ENDIAN != 0 };
    if !matches!(pointers.size, 4 | 8) {
        return Ok(None);
    }
    let Some([version, modules]) = header.get(16..).and_then(|both| pointers.two(both)) else {
        return Ok(None);
    };
    Ok(Some((string(elf, pointers, version)?, string(elf, pointers, modules)?)))
}

#[derive(Clone, Copy)]
struct Pointers {
    size: usize,
    big: bool,
}

impl Pointers {
    fn two(self, bytes: &[u8]) -> Option<[u64; 2]> {
        Some([self.one(bytes.get(..self.size)?), self.one(bytes.get(self.size..2 * self.size)?)])
    }

    fn one(self, bytes: &[u8]) -> u64 {
        let join = |value, byte: &u8| value << 8 | u64::from(*byte);
        if self.big { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    }
}

/// The Go string at `at`; empty if there is none, as for a program that was built without modules.
fn string<R: Read + Seek>(elf: &mut Elf<R>, pointers: Pointers, at: u64) -> io::Result<Vec<u8>> {
    let header = elf.at(at, 2 * pointers.size as u64)?;
    match pointers.two(&header) {
        Some([start, length]) => Ok(exactly(elf, start, length)?.unwrap_or_default()),
        None => Ok(Vec::new()),
    }
}

/// `None` if there is less.
fn exactly<R: Read + Seek>(elf: &mut Elf<R>, at: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
    if length > MOST_TEXT {
        return Ok(None);
    }
    Ok(Some(elf.at(at, length)?).filter(|bytes| bytes.len() as u64 == length))
}

/// The module info between its marks, which aren't text.
fn unmarked(modules: &[u8]) -> &[u8] {
    match modules.len().checked_sub(MARK) {
        Some(end) if end > MARK && modules[end - 1] == b'\n' => &modules[MARK..end],
        _ => &[],
    }
}
