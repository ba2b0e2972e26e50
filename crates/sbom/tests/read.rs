//! Build info is found in every kind of ELF file, and nothing else is taken for it.

mod common;

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use common::{USUAL, config, elf, inline, kinds, program, varint};
use proptest::prelude::*;
use sbom::{BuildInfo, Module, is_elf, read, read_from, text};

const MODULES: &str = "path\texample.com/shop\nmod\texample.com/shop\t(devel)\t\n\
    dep\texample.com/a\tv1.2.3\th1:VlbKKnNfV8bJzeqoa4cOKqO6bYr3WgKZxO8Z16+hsOM=\nbuild\tGOOS=linux\n";

fn none(file: &[u8]) {
    assert_eq!(read(file), Ok(None));
}

#[test]
fn every_kind_of_file() {
    for kind in kinds() {
        let file = program(kind, "go1.26.8", MODULES);
        let info = read(&file).unwrap().unwrap_or_else(|| panic!("{kind:?}"));
        assert_eq!(
            (info.go_version.as_str(), info.path.as_str()),
            ("go1.26.8", "example.com/shop"),
            "{kind:?}"
        );
        assert_eq!((info.deps.len(), info.settings.len()), (1, 1), "{kind:?}");
        assert_eq!(read_from(Cursor::new(&file)), Ok(Some(info)), "{kind:?}");
    }
}

#[test]
fn it_need_not_be_aligned_in_our_memory() {
    let file = [b"x".to_vec(), program(USUAL, "go1.26.8", MODULES)].concat();
    assert!(read(&file[1..]).unwrap().is_some());
}

#[test]
fn a_program_without_modules() {
    for kind in kinds() {
        let info = read(&program(kind, "go1.16", "")).unwrap().unwrap();
        assert_eq!(info, BuildInfo { go_version: "go1.16".to_owned(), ..BuildInfo::default() });
    }
}

#[test]
fn far_into_the_data() {
    let unaligned = common::Kind { section: false, ..USUAL };
    for before in [(1 << 20) - 16, 1 << 20, (3 << 20) + 16] {
        let mut data = vec![0; before];
        data.extend(inline(b"go1.26", b""));
        assert!(read(&elf(unaligned, &data)).unwrap().is_some(), "{before}");
    }
}

#[test]
fn other_files() {
    assert!(is_elf(b"\x7fELF\x02") && !is_elf(b"\x7fEL") && !is_elf(b"#!/bin/sh"));
    for file in [
        &b""[..],
        b"\x7fELF",
        b"\x7fELF\x03\x01\x01",
        b"MZ",
        &[b"\x7fELF\x02\x01\x01", &[0; 64][..]].concat(),
    ] {
        none(file);
    }
    for kind in kinds() {
        none(&elf(kind, &[0; 100]));
        none(&elf(kind, b""));
    }
}

#[test]
fn a_blob_by_chance() {
    let magic = b"\xff Go buildinf:";
    none(&elf(USUAL, magic));
    none(&elf(USUAL, &[magic, &[0; 18][..]].concat()));
    none(&elf(USUAL, &[magic, &[5; 18][..]].concat()));
    none(&elf(USUAL, &[magic, &[0xff; 40][..]].concat()));
    none(&elf(USUAL, &inline(b"", MODULES.as_bytes())));
}

#[test]
fn lengths_that_lie() {
    for length in [3, 1 << 24, (1 << 24) + 1, u64::from(u32::MAX), 1 << 62, u64::MAX] {
        let mut blob = inline(b"", b"");
        blob.truncate(32);
        blob.extend(varint(length));
        blob.extend(b"go");
        none(&elf(USUAL, &blob));
    }
    let eleven = [inline(b"", b"")[..32].to_vec(), vec![0x80; 10], vec![0]].concat();
    none(&elf(USUAL, &eleven));
    let too_big = [inline(b"", b"")[..32].to_vec(), vec![0xff; 9], vec![2]].concat();
    none(&elf(USUAL, &too_big));
}

#[test]
fn headers_that_lie() {
    // Counts, offsets and addresses of the file, of its segments and of its sections, one byte at a time.
    for kind in kinds() {
        let file = program(kind, "go1.26.8", MODULES);
        let sections = file.len() - kind.section_headers()..file.len();
        for at in (0..0x100).chain(sections) {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut other = file.clone();
                other[at] = byte;
                assert!(read(&other).is_ok(), "{kind:?} {at} {byte}");
            }
        }
    }
}

#[test]
fn cut_anywhere() {
    for kind in kinds() {
        let file = program(kind, "go1.26.8", MODULES);
        let whole = read(&file).unwrap().unwrap();
        for end in (0..0x100).chain(0xff0..file.len()) {
            match read(&file[..end]).unwrap() {
                None => {}
                // Only the older format can lose one string and keep the other, as Go's own reader has it.
                Some(info) if kind.inline => assert_eq!(info, whole),
                Some(info) => assert_eq!(info.go_version, whole.go_version),
            }
        }
    }
}

#[test]
fn build_info_that_go_refuses() {
    let file = program(USUAL, "go1.26.8", "path\ta\ndep\tb\n");
    assert_eq!(
        read(&file),
        Err("line 2 of the Go build info: a module has 2 or 3 columns, not 1".to_owned())
    );
}

#[test]
fn bytes_that_are_not_text() {
    let unmarked = [&[0xff; 16][..], b"path\t\xff\n", &[0xff; 16]].concat();
    let info = read(&elf(USUAL, &inline(b"go1\xff", &unmarked))).unwrap().unwrap();
    assert_eq!((info.go_version.as_str(), info.path.as_str()), ("go1\u{fffd}", "\u{fffd}"));
}

/// A file that breaks after so many bytes.
struct Broken(Cursor<Vec<u8>>, u64);

impl Read for Broken {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.position() >= self.1 {
            true => Err(io::Error::other("the disk is gone")),
            false => self.0.read(buf),
        }
    }
}

impl Seek for Broken {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_file_that_cannot_be_read() {
    let file = program(USUAL, "go1.26.8", MODULES);
    for end in [0, 1, 0x40, 0x1000] {
        let broken = Broken(Cursor::new(file.clone()), end);
        assert_eq!(read_from(broken), Err("the disk is gone".to_owned()), "{end}");
    }
}

fn module() -> impl Strategy<Value = Module> {
    let plain = ("[^\t\n]{0,9}", "[^\t\n]{0,9}", "[^\t\n]{0,9}").prop_map(|(path, version, sum)| Module {
        path,
        version,
        sum,
        replace: None,
    });
    (plain.clone(), prop::option::of(plain)).prop_map(|(module, other)| match other {
        None => module,
        Some(other) => Module { sum: String::new(), replace: Some(Box::new(other)), ..module },
    })
}

fn info() -> impl Strategy<Value = BuildInfo> {
    let settings = prop::collection::vec((any::<String>(), any::<String>()), 0..4);
    (".{1,9}", "[^\t\n]{0,9}", prop::option::of(module()), prop::collection::vec(module(), 0..4), settings)
        .prop_map(|(go_version, path, main, deps, settings)| BuildInfo {
            go_version,
            path,
            main: main.filter(|main| *main != Module::default()),
            deps,
            settings,
        })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_text_says_is_read_again(info in info()) {
        let text = text(&info);
        let lines = text[info.go_version.len() + 1..].split_inclusive('\n').map(|line| &line[1..]);
        let modules: String = lines.collect();
        prop_assert_eq!(read(&program(USUAL, &info.go_version, &modules)), Ok(Some(info)));
    }

    #[test]
    fn any_bytes_in_any_place(
        kind in 0usize..16,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<u8>()), 1..9),
    ) {
        let mut file = program(kinds().nth(kind).unwrap(), "go1.26.8", MODULES);
        for (at, head, byte) in changes {
            // Most of the file is the hole between headers and data.
            let end = file.len();
            let at = if head { at.index(0x100) } else { 0x1000 + at.index(end - 0x1000) };
            file[at] = byte;
        }
        if let Ok(Some(info)) = read(&file) {
            prop_assert!(!info.go_version.is_empty());
            text(&info);
        }
    }
}
