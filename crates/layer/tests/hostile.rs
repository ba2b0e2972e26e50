//! Archives that somebody made to do harm: an entry or an error, inside the root, in bounded memory and work.

mod common;
#[path = "common/holds.rs"]
mod holds;

use std::fs;

use common::{Scratch, archive, block, config, linked, pax};
use layer::archive::entries;
use layer::header::{Fields, Header};
use proptest::prelude::*;

fn refused(tar: &[u8]) -> String {
    let scratch = Scratch::new();
    let found = entries(tar, &scratch.0).map(|all| all.len());
    found.expect_err("it is refused").to_string()
}

fn high_water() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A header whose size is written in base 256, as large as the field takes.
fn claiming(flag: u8, size: u64) -> Vec<u8> {
    let mut bytes = Header::ustar(&Fields { flag, path: b"f", ..Fields::default() }).0.0.to_vec();
    bytes[124..136].fill(0);
    bytes[124] = 0x80;
    bytes[128..136].copy_from_slice(&size.to_be_bytes());
    seal(&mut bytes, 0);
    bytes
}

fn seal(bytes: &mut [u8], at: usize) {
    let Some(block) = bytes.get_mut(at..at + 512) else { return };
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[test]
fn what_is_claimed_is_not_allocated() {
    let before = high_water();
    let most = i64::MAX as u64;
    for (parts, message) in [
        (vec![claiming(b'0', most)], "ends in the middle"),
        (vec![claiming(b'0', most), vec![7; 1024]], "ends in the middle"),
        (vec![claiming(b'0', most + 1)], "size that is no number"),
        (vec![claiming(b'x', most)], "more than 1048576"),
        (vec![claiming(b'L', 1 << 32)], "more than 1048576"),
        (vec![claiming(b'g', 1 << 32)], "more than 1048576"),
        (vec![claiming(b'x', 1 << 20)], "ends in the middle"),
        (vec![block(b'x', "p", b"4294967296 path=a\n")], "malformed PAX"),
        (vec![block(b'x', "p", b"18446744073709551616 path=a\n")], "malformed PAX"),
        (vec![pax(&[("size", "4294967296")]), block(b'0', "f", b"")], "ends in the middle"),
        (vec![pax(&[("size", "18446744073709551615")]), block(b'0', "f", b"")], "impossible size"),
    ] {
        let mut reader = layer::Reader::new(&*parts.concat()).read_all();
        assert!(reader.pop().is_some_and(|error| error.contains(message)), "{message}");
    }
    assert!(high_water() - before < 64 << 10, "{} KiB", high_water() - before);
}

/// To the end or the first error, without reading what members hold.
trait ReadAll {
    fn read_all(self) -> Vec<String>;
}

impl<R: std::io::Read> ReadAll for layer::Reader<R> {
    fn read_all(mut self) -> Vec<String> {
        loop {
            match self.next() {
                Ok(Some(_)) => {}
                Ok(None) => return Vec::new(),
                Err(error) => return vec![error.to_string()],
            }
        }
    }
}

#[test]
fn attributes_and_links_have_a_limit() {
    let large = "a".repeat(900_000);
    let record = [pax(&[("SCHILY.xattr.user.a", &large)]), block(b'0', "f", b"")].concat();
    let tar = archive(&vec![record; 80]);
    assert!(refused(&tar).contains("more than 64 MiB of attributes"));
    let tar = archive(&[pax(&[("linkpath", &"a/".repeat(3000))]), linked(b'2', "s", "x", b"")]);
    assert!(refused(&tar).contains("a link to 6000 bytes, more than 4096"));
}

/// A link of two thousand names, and forty links one behind the other.
fn links(count: usize, members: usize) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = (0..count)
        .map(|index| {
            let target = format!("{}/l{}", "a/..".repeat(400).replace("..a", "../a"), index + 1);
            [pax(&[("linkpath", &target)]), linked(b'2', &format!("l{index}"), "x", b"")].concat()
        })
        .collect();
    parts.push(linked(b'2', &format!("l{count}"), "d", b""));
    // By turns, so that no answer can be kept for the next.
    parts.extend((0..members).map(|index| block(b'0', &format!("{}/f{index}", ["l0", "e"][index % 2]), b"")));
    archive(&parts)
}

#[test]
fn names_below_long_links_do_not_cost_a_walk_each() {
    let scratch = Scratch::new();
    assert_eq!(entries(links(30, 4).as_slice(), &scratch.0).unwrap().len(), 35);
    assert!(refused(&links(30, 2000)).contains("too many levels of symbolic links"));
    let scratch = Scratch::new();
    let error = layer::apply(&*links(30, 2000), &scratch.join("layer"), &|_| None, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("too many levels of symbolic links"), "{error}");
}

#[test]
fn links_do_not_make_a_path_longer_than_any() {
    let deep = "d".repeat(200);
    let long = [deep.as_str(); 15].join("/");
    let link = |name: &str, target: &str| {
        [pax(&[("path", name), ("linkpath", target)]), linked(b'2', "x", "x", b"")].concat()
    };
    let s = format!("{long}/s");
    let tar = archive(&[link("s", &long), link(&s, &long), block(b'0', "s/s/f", b"")]);
    assert!(refused(&tar).contains("name too long"), "{}", refused(&tar));
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let flag = prop::sample::select(b"00000055512346xgLKSV7\0".to_vec());
    let path = prop::sample::select(vec![
        "a",
        "d/",
        "d/f",
        "./",
        "../a",
        "/a",
        "d/../a",
        "a/../../b",
        ".wh.a",
        "s/f",
        "",
    ]);
    let link = prop::sample::select(vec!["a", "d", "..", "../..", "/", "s", "/../a", ""]);
    let key = prop::sample::select(vec![
        "path",
        "linkpath",
        "size",
        "uid",
        "mtime",
        "GNU.sparse.major",
        "SCHILY.xattr.user.a",
    ]);
    let value =
        prop::sample::select(vec!["a", "../a", "0", "512", "99999999999", "-1", "1.5", "a/../..", "s/x", ""]);
    let data = prop::collection::vec(any::<u8>(), 0..700);
    (any::<bool>(), flag, path, link, prop::collection::vec((key, value), 0..3), data).prop_map(
        |(has_records, flag, path, link, records, data)| match has_records {
            true => [pax(&records), linked(flag, path, link, &data)].concat(),
            false => linked(flag, path, link, &data),
        },
    )
}

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let changes = prop::collection::vec(change, 0..4);
    (prop::collection::vec(part(), 1..6), changes, 0..3000usize).prop_map(|(parts, changes, lost)| {
        let mut bytes = archive(&parts);
        for (at, byte, sealed) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if sealed {
                seal(&mut bytes, at / 512 * 512);
            }
        }
        bytes.truncate(bytes.len() - if lost > 1500 { lost.min(bytes.len()) } else { 0 });
        bytes
    })
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn any_archive_is_read_or_refused(bytes in damaged()) {
        holds::tar(&bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        (0..bytes.len() / 512).for_each(|index| seal(&mut bytes, index * 512));
        holds::tar(&bytes);
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn any_archive_stays_inside(bytes in damaged()) {
        let scratch = Scratch::new();
        let spill = scratch.join("spill");
        fs::create_dir(&spill).unwrap();
        if let Ok(all) = entries(bytes.as_slice(), &spill) {
            prop_assert!(all.iter().all(|entry| holds::is_clean(&entry.path)));
        }
        let _ = layer::apply(bytes.as_slice(), &scratch.join("layer"), &|_| None, &|_| {});
        let names = fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().file_name());
        prop_assert!(names.into_iter().all(|name| name == "spill" || name == "layer"), "outside of the layer");
    }
}
