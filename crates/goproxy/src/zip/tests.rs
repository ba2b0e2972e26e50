//! Zips as they should be, and as an attacker would have them.

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use std::io::{Cursor, Write};

use super::*;
use crate::testing::{self, Scratch, go};

const PREFIX: &str = "golang.org/toolchain@v0.0.1-go1.2.3.linux-amd64/";

fn open(bytes: &[u8]) -> Result<Zip> {
    Zip::open(Scratch::new().file("x.zip", bytes), &go())
}

/// What is wrong with a zip of these names.
fn complaint(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{PREFIX}{name}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    open(&testing::zip(&files)).err().map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn files_come_out_sorted_and_without_prefix() {
    let (bytes, sum) = testing::go_zip();
    let mut zip = open(&bytes).unwrap();
    let names: Vec<(&str, u64)> = zip.entries().iter().map(|e| (e.name.as_str(), e.size)).collect();
    assert_eq!(names, [("VERSION", 8), ("bin/go", 10)]);
    let mut text = String::new();
    zip.read(1).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "a program\n");
    assert_eq!(zip.sum().unwrap().to_string(), sum);
    assert!(zip.read(2).is_err());
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in
        ["../x", "a/../b", "/x", "a//b", "./x", "a/.", "..", "a\\b", "c:x", "a\nb", "a*", "x.", "a\0b"]
    {
        assert!(
            complaint(&[name]).contains("is not a name that Go allows"),
            "{name:?}: {}",
            complaint(&[name])
        );
    }
    for name in ["a b", "ä/ö", "a+b@c", ".hidden/..x"] {
        assert_eq!(complaint(&[name]), "", "{name}");
    }
}

#[test]
fn other_prefixes_are_refused() {
    for name in ["x", "golang.org/toolchain@v2/x", "golang.org/toolchain@v0.0.1-go1.2.3.linux-amd64x/y"] {
        let error = open(&testing::zip(&[(name, "x")])).err().unwrap();
        assert!(error.to_string().contains("is not below"), "{error}");
    }
}

#[test]
fn names_that_a_file_system_may_mix_up_are_refused() {
    for names in
        [["a", "A"], ["a/x", "A/y"], ["a", "a/b"], ["ä", "Ä"], ["s", "ſ"], ["k", "\u{212a}"], ["a/", "a"]]
    {
        assert!(complaint(&names).contains("are in each other's way"), "{names:?}: {}", complaint(&names));
    }
    assert_eq!(complaint(&["a/x", "a/y", "a/", "b"]), "");
}

#[test]
fn the_same_name_twice_is_refused() {
    let bytes = testing::zip(&[(&format!("{PREFIX}aa"), "x"), (&format!("{PREFIX}ab"), "y")]);
    let (from, to) = (format!("{PREFIX}ab").into_bytes(), format!("{PREFIX}aa").into_bytes());
    let at = |bytes: &[u8]| bytes.windows(from.len()).position(|window| window == from);
    let mut twice = bytes;
    while let Some(at) = at(&twice) {
        twice[at..at + to.len()].copy_from_slice(&to);
    }
    let error = open(&twice).err().unwrap();
    assert!(error.to_string().ends_with("a name is in it twice"), "{error}");
}

#[test]
fn symlinks_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink(format!("{PREFIX}link"), "/etc", SimpleFileOptions::default()).unwrap();
    let error = open(&zip.finish().unwrap().into_inner()).err().unwrap();
    assert!(error.to_string().contains("`link` is neither a file nor a directory"), "{error}");
}

#[test]
fn directories_count_for_the_sum_alone() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_directory(format!("{PREFIX}d"), SimpleFileOptions::default()).unwrap();
    zip.start_file(format!("{PREFIX}d/f"), SimpleFileOptions::default()).unwrap();
    zip.write_all(b"x").unwrap();
    let mut with = open(&zip.finish().unwrap().into_inner()).unwrap();
    let mut without = open(&testing::zip(&[(&format!("{PREFIX}d/f"), "x")])).unwrap();
    assert_eq!(with.entries(), [Entry { name: "d/f".to_owned(), size: 1, index: 1 }]);
    assert_ne!(with.sum().unwrap(), without.sum().unwrap());
}

#[test]
fn a_false_size_or_damage_is_found() {
    let big = "x".repeat(10_000);
    let bytes = testing::zip(&[(&format!("{PREFIX}a"), &big)]);
    // The unpacked size in the directory.
    let directory = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    for size in [9_999u32, 10_001, 1] {
        let mut lie = bytes.clone();
        lie[directory + 24..directory + 28].copy_from_slice(&size.to_le_bytes());
        assert!(open(&lie).unwrap().sum().is_err(), "{size}");
    }
    let sum = open(&bytes).unwrap().sum().unwrap();
    let damaged = |at: usize| {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        open(&damaged).unwrap().sum().ok()
    };
    // Some bits of packed data mean nothing.
    let sums: Vec<Option<Sum>> = (directory - 12..directory).map(damaged).collect();
    assert!(sums.contains(&None) && sums.iter().all(|got| got.is_none_or(|got| got == sum)), "{sums:?}");
}

#[test]
fn what_is_unpacked_is_limited() {
    let mut bytes = testing::zip(&[(&format!("{PREFIX}a"), "x"), (&format!("{PREFIX}b"), "x")]);
    let starts: Vec<usize> =
        (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(b"PK\x01\x02")).collect();
    for at in starts {
        bytes[at + 24..at + 28].copy_from_slice(&(300u32 << 20).to_le_bytes());
    }
    let error = open(&bytes).err().unwrap();
    assert!(error.to_string().contains("unpacked it has"), "{error}");
}

#[test]
fn other_files_are_no_zips() {
    for bytes in [&b""[..], b"hello", &[0; 100_000], &testing::go_zip().0[..100]] {
        assert_eq!(open(bytes).err().unwrap().kind, Kind::Zip);
    }
}
