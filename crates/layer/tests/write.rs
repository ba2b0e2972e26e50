//! What is written: canonical, complete, and read alike by a reader that is not ours.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};

use common::{Scratch, content, dir, entry, file, hardlink, opaque, remove, symlink};
use layer::Times;
use oci::Digest;
use tree::root::Root;
use tree::{Change, Content, Entry, Kind, Source, Time};

fn tar(changes: &[Change]) -> Vec<u8> {
    tar_at(changes, &Times::Preserve)
}

fn tar_at(changes: &[Change], times: &Times) -> Vec<u8> {
    let mut out = Vec::new();
    let size = layer::write(changes, times, &mut out).unwrap();
    assert_eq!(size, out.len() as u64);
    out
}

fn fails(changes: &[Change], message: &str) {
    let error = layer::write(changes, &Times::Preserve, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

/// Name, type, mode, mtime, link and data of each member, as the `tar` crate sees them.
fn members(bytes: &[u8]) -> Vec<(String, char, u32, u64, String, String)> {
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    let mut seen = Vec::new();
    for member in archive.entries().unwrap() {
        let mut member = member.unwrap();
        let mut data = String::new();
        member.read_to_string(&mut data).unwrap();
        let header = member.header();
        let link = member.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        let kind = char::from(header.entry_type().as_byte());
        seen.push((
            name,
            kind,
            header.mode().unwrap(),
            header.mtime().unwrap(),
            link.unwrap_or_default(),
            data,
        ));
    }
    seen
}

fn names(bytes: &[u8]) -> Vec<String> {
    members(bytes).into_iter().map(|member| member.0).collect()
}

#[test]
fn no_changes_are_the_empty_layer_that_all_builders_make() {
    let bytes = tar(&[]);
    assert_eq!(bytes, [0; 1024]);
    let known = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
    assert_eq!(Digest::of(&bytes).to_string(), known);
}

#[test]
fn every_kind_is_written() {
    let changes = [
        dir(""),
        dir("d"),
        opaque("d"),
        file("d/f", "hello"),
        hardlink("d/g", "d/f"),
        symlink("d/s", "/etc/passwd"),
        Change::Put(entry("d/t", 0o4755, content(b""))),
        Change::Put(entry("d/u", 0o600, Kind::Fifo)),
        Change::Put(entry("d/v", 0o600, Kind::Char { major: 1, minor: 3 })),
        Change::Put(entry("d/w", 0o600, Kind::Block { major: 8, minor: 1 })),
        remove("e"),
    ];
    let time = 1_700_000_000;
    let line = |name: &str, kind, mode, mtime, link: &str, data: &str| {
        (name.to_owned(), kind, mode, mtime, link.to_owned(), data.to_owned())
    };
    let expected = [
        line("./", '5', 0o755, time, "", ""),
        line("d/", '5', 0o755, time, "", ""),
        line("d/.wh..wh..opq", '0', 0, 0, "", ""),
        line("d/f", '0', 0o644, time, "", "hello"),
        line("d/g", '1', 0o644, time, "d/f", ""),
        line("d/s", '2', 0o777, time, "/etc/passwd", ""),
        line("d/t", '0', 0o4755, time, "", ""),
        line("d/u", '6', 0o600, time, "", ""),
        line("d/v", '3', 0o600, time, "", ""),
        line("d/w", '4', 0o600, time, "", ""),
        line(".wh.e", '0', 0, 0, "", ""),
    ];
    let bytes = tar(&changes);
    assert_eq!(members(&bytes), expected);
    let devices: Vec<_> = tar::Archive::new(Cursor::new(&bytes))
        .entries()
        .unwrap()
        .map(|member| member.unwrap().header().clone())
        .filter(|header| header.entry_type().is_character_special() || header.entry_type().is_block_special())
        .map(|header| (header.device_major().unwrap(), header.device_minor().unwrap()))
        .collect();
    assert_eq!(devices, [(Some(1), Some(3)), (Some(8), Some(1))]);
}

#[test]
fn the_order_of_changes_does_not_matter() {
    let mut changes =
        vec![dir("a"), file("a/b", "1"), file("a-b", "2"), remove("a.c"), dir("z"), opaque("z")];
    let bytes = tar(&changes);
    assert_eq!(names(&bytes), ["a/", "a/b", "a-b", ".wh.a.c", "z/", "z/.wh..wh..opq"]);
    changes.reverse();
    assert_eq!(tar(&changes), bytes);
}

#[test]
fn ustar_where_it_fits_and_pax_where_not() {
    let long = |prefix: usize, name: usize| format!("{}/{}", "p".repeat(prefix), "n".repeat(name));
    for (path, blocks) in
        [("n".repeat(100), 1), ("n".repeat(101), 3), (long(155, 100), 1), (long(156, 100), 3)]
    {
        let bytes = tar(&[file(&path, "")]);
        assert_eq!(names(&bytes), [path.as_str()]);
        assert_eq!(bytes.len(), (blocks + 2) * 512, "{path}");
    }
    let target = "t".repeat(101);
    assert_eq!(members(&tar(&[symlink("s", &target)]))[0].4, target);
}

#[test]
fn numbers_that_ustar_cannot_hold() {
    let mut big = entry("f", 0o644, content(b"x"));
    (big.meta.uid, big.meta.gid) = (u32::MAX - 1, 1 << 21);
    big.meta.mtime = Time { sec: -2, nsec: 500_000_000 };
    let bytes = tar(&[Change::Put(big)]);
    let mut archive = tar::Archive::new(Cursor::new(&bytes));
    let mut member = archive.entries().unwrap().next().unwrap().unwrap();
    let records: BTreeMap<String, String> = member
        .pax_extensions()
        .unwrap()
        .unwrap()
        .map(|record| record.map(|r| (r.key().unwrap().into(), r.value().unwrap().into())).unwrap())
        .collect();
    let expected = [("gid", "2097152"), ("mtime", "-2"), ("uid", "4294967294")];
    assert_eq!(records, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
}

#[test]
fn a_size_beyond_eight_gigabytes_is_in_a_record() {
    let size = 1 << 33;
    let kind = Kind::File { size, content: Content([0; 32]), source: Source::Bytes([].into()) };
    let mut out = Vec::new();
    // It fails on the content, but not before the headers were written.
    layer::write(&[Change::Put(entry("f", 0o644, kind))], &Times::Preserve, &mut out).unwrap_err();
    assert!(out.windows(19).any(|window| window == b"19 size=8589934592\n"));
}

#[test]
fn attributes_and_any_bytes_survive() {
    let mut odd = entry("", 0o644, content(b"x"));
    odd.path = b"\xff\n \xc3\xa4".to_vec().into();
    odd.meta.xattrs.insert(b"security.capability".to_vec(), vec![1, 0, 10, 255, b'=', b'\n']);
    let bytes = tar(&[Change::Put(odd)]);
    let mut archive = tar::Archive::new(Cursor::new(&bytes));
    let mut member = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(&*member.path_bytes(), b"\xff\n \xc3\xa4");
    let key = b"SCHILY.xattr.security.capability=\x01\x00\x0a\xff=\x0a\n";
    assert!(bytes.windows(key.len()).any(|window| window == key));
    assert_eq!(member.read(&mut [0; 4]).unwrap(), 1);
}

#[test]
fn times_follow_the_rule() {
    let at = |sec, nsec| {
        let mut change = entry(&format!("{sec}.{nsec}"), 0o644, content(b""));
        change.meta.mtime = Time { sec, nsec };
        Change::Put(change)
    };
    let changes = [at(100, 5), at(200, 0), at(200, 7), at(300, 0), remove("x")];
    let made =
        Times::Made { to: 7, since: Time { sec: 200, nsec: 1 }, also: [Time { sec: 100, nsec: 5 }].into() };
    let table = [
        (Times::Preserve, [100, 200, 200, 300, 0]),
        (Times::All { to: 7 }, [7; 5]),
        (made, [7, 200, 7, 7, 7]),
    ];
    for (times, expected) in table {
        let seen: Vec<u64> = members(&tar_at(&changes, &times)).iter().map(|member| member.3).collect();
        assert_eq!(seen, expected, "{times:?}");
    }
}

#[test]
fn a_file_that_changed_is_noticed() {
    let scratch = Scratch::new();
    let change = |bytes: &[u8]| {
        let Kind::File { size, content, .. } = content(bytes) else { unreachable!() };
        let source = Source::Disk { root: Root::open(&scratch.0).unwrap(), path: b"f".as_slice().into() };
        Change::Put(Entry { kind: Kind::File { size, content, source }, ..entry("d/f", 0o644, Kind::Dir) })
    };
    fs::write(scratch.join("f"), "hello").unwrap();
    assert_eq!(members(&tar(&[change(b"hello")]))[0].5, "hello");
    for other in [&b"hellO"[..], b"hell", b"hello!", b""] {
        fails(&[change(other)], "`d/f` changed while it was read");
    }
    fs::remove_file(scratch.join("f")).unwrap();
    fails(&[change(b"hello")], "read `d/f`: ");
}

#[test]
fn what_a_layer_cannot_say_is_refused() {
    fails(&[file("d/.wh.x", "")], "`d/.wh.x` can't be in a layer");
    fails(&[dir(".wh..wh..opq")], "can't be in a layer");
    fails(&[remove("a/.wh.b")], "can't be in a layer");
    fails(&[remove("")], "can't remove the root");
    fails(&[Change::Put(entry("c", 0o600, Kind::Char { major: 1 << 21, minor: 0 }))], "device numbers");
    let mut odd = entry("f", 0o644, content(b""));
    odd.meta.xattrs.insert(b"user.a=b".to_vec(), vec![]);
    fails(&[Change::Put(odd)], "write `f`: the name of the extended attribute `user.a=b` can't be in a tar");
}

#[test]
fn a_writer_that_is_full_is_an_error() {
    let mut small = [0; 700];
    assert!(layer::write(&[file("f", "x")], &Times::Preserve, &mut &mut small[..]).is_err());
}
