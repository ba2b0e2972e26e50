//! What the tests share: the smallest ELF files that carry Go's build info, of every kind there is, and what is generated.

#![allow(dead_code)]

use proptest::test_runner::{Config as ProptestConfig, RngSeed};

/// The same cases in every run.
pub fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(20_261_122);
    ProptestConfig { failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

/// Where the data segment is in memory; less a page, in the file.
pub const BASE: u64 = 0x40_1000;
const DATA: usize = 0x1000;
const MARK: &[u8; 16] = b"\x30w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6";

/// What kind of file to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    pub wide: bool,
    pub big: bool,
    /// Whether the blob has a section of its own.
    pub section: bool,
    /// Whether the strings follow the blob, as since Go 1.18.
    pub inline: bool,
}

pub const USUAL: Kind = Kind { wide: true, big: false, section: true, inline: true };

pub fn kinds() -> impl Iterator<Item = Kind> {
    (0..16).map(|n| Kind { wide: n & 1 == 0, big: n & 2 != 0, section: n & 4 == 0, inline: n & 8 == 0 })
}

/// A program with these two strings in it.
pub fn program(kind: Kind, version: &str, modules: &str) -> Vec<u8> {
    let modules = marked(modules);
    let before = if kind.section { 0 } else { 0x30 };
    let mut data = vec![0; before];
    if !kind.section {
        // Chance: not on a multiple of 16.
        data[8..22].copy_from_slice(b"\xff Go buildinf:");
    }
    data.extend(match kind.inline {
        true => inline(version.as_bytes(), &modules),
        false => pointed(kind, BASE + before as u64, version.as_bytes(), &modules),
    });
    elf(kind, &data)
}

/// The module info as the linker has it: nothing, or text between two marks.
fn marked(modules: &str) -> Vec<u8> {
    if modules.is_empty() { Vec::new() } else { [MARK, modules.as_bytes(), MARK].concat() }
}

pub fn inline(version: &[u8], modules: &[u8]) -> Vec<u8> {
    let mut blob = b"\xff Go buildinf:\x08\x02".to_vec();
    blob.resize(32, 0);
    for text in [version, modules] {
        blob.extend(varint(text.len() as u64));
        blob.extend(text);
    }
    blob
}

pub fn varint(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

fn pointed(kind: Kind, at: u64, version: &[u8], modules: &[u8]) -> Vec<u8> {
    let size = if kind.wide { 8 } else { 4 };
    let (headers, texts) = (at + 32, at + 32 + 4 * size);
    let mut blob = b"\xff Go buildinf:".to_vec();
    blob.extend([size as u8, u8::from(kind.big)]);
    kind.words(&mut blob, &[headers, headers + 2 * size]);
    blob.resize(32, 0);
    kind.words(&mut blob, &[texts, version.len() as u64]);
    kind.words(&mut blob, &[texts + version.len() as u64, modules.len() as u64]);
    [&blob, version, modules].concat()
}

impl Kind {
    /// How many bytes of section headers are at the end.
    pub fn section_headers(self) -> usize {
        match (self.section, self.wide) {
            (false, _) => 0,
            (true, true) => 3 * 64,
            (true, false) => 3 * 40,
        }
    }

    fn number(self, out: &mut Vec<u8>, value: u64, size: usize) {
        let bytes = value.to_be_bytes();
        match self.big {
            true => out.extend(&bytes[8 - size..]),
            false => out.extend(bytes[8 - size..].iter().rev()),
        }
    }

    fn half(self, out: &mut Vec<u8>, value: u64) {
        self.number(out, value, 2);
    }

    fn int(self, out: &mut Vec<u8>, value: u64) {
        self.number(out, value, 4);
    }

    fn words(self, out: &mut Vec<u8>, values: &[u64]) {
        values.iter().for_each(|&value| self.number(out, value, if self.wide { 8 } else { 4 }));
    }
}

/// Headers, one segment of code, one of data, and the sections after it.
pub fn elf(kind: Kind, data: &[u8]) -> Vec<u8> {
    let names = b"\0.text\0.go.buildinfo\0.shstrtab\0";
    let (head, segment, section) = if kind.wide { (64, 56, 64) } else { (52, 32, 40) };
    let (names_at, data_len) = (DATA + data.len(), data.len() as u64);
    let sections = if kind.section { 3 } else { 0 };
    let mut out = b"\x7fELF".to_vec();
    out.extend([if kind.wide { 2 } else { 1 }, if kind.big { 2 } else { 1 }, 1]);
    out.resize(16, 0);
    kind.half(&mut out, 2);
    kind.half(&mut out, if kind.wide { 62 } else { 3 });
    kind.int(&mut out, 1);
    let sections_at = if kind.section { names_at + names.len() } else { 0 };
    kind.words(&mut out, &[BASE, head, sections_at as u64]);
    kind.int(&mut out, 0);
    for value in [head, segment, 2, section, sections, if kind.section { 2 } else { 0 }] {
        kind.half(&mut out, value);
    }
    program_header(kind, &mut out, 5, 0, 0x40_0000, 0x100);
    program_header(kind, &mut out, 6, DATA as u64, BASE, data_len);
    out.resize(DATA, 0);
    out.extend(data);
    if kind.section {
        out.extend(names);
        section_header(kind, &mut out, [0; 4]);
        section_header(kind, &mut out, [7, BASE, DATA as u64, data_len]);
        section_header(kind, &mut out, [21, 0, names_at as u64, names.len() as u64]);
    }
    out
}

fn program_header(kind: Kind, out: &mut Vec<u8>, flags: u64, offset: u64, address: u64, size: u64) {
    kind.int(out, 1);
    if kind.wide {
        kind.int(out, flags);
    }
    kind.words(out, &[offset, address, address, size, size]);
    if !kind.wide {
        kind.int(out, flags);
    }
    kind.words(out, &[0x1000]);
}

fn section_header(kind: Kind, out: &mut Vec<u8>, [name, address, offset, size]: [u64; 4]) {
    kind.int(out, name);
    kind.int(out, u64::from(name != 0));
    kind.words(out, &[0, address, offset, size]);
    kind.int(out, 0);
    kind.int(out, 0);
    kind.words(out, &[16, 0]);
}
