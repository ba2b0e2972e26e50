//! What is read: every dialect, and nothing that could be read in two ways.

mod common;

use std::io::{self, Read};

use common::{archive, block, config, content, dir, encode, entry, file, hardlink, linked, pax, symlink};
use layer::header::{Fields, Header};
use layer::read::{Member, MemberKind};
use layer::{Reader, Times};
use proptest::prelude::*;
use tree::{Change, Kind, Time};

type Seen = Vec<(Member, Vec<u8>)>;

fn read(bytes: &[u8]) -> Result<Seen, String> {
    let mut reader = Reader::new(bytes);
    let mut seen = Vec::new();
    while let Some(member) = reader.next().map_err(|e| e.to_string())? {
        let mut data = Vec::new();
        reader.read_to_end(&mut data).map_err(|e| e.to_string())?;
        seen.push((member, data));
    }
    Ok(seen)
}

fn names(bytes: &[u8]) -> Vec<String> {
    read(bytes)
        .unwrap()
        .iter()
        .map(|(member, _)| String::from_utf8_lossy(&member.path).into_owned())
        .collect()
}

fn fails(bytes: &[u8], message: &str) {
    let error = read(bytes).unwrap_err();
    assert!(error.contains(message), "{error}");
}

#[test]
fn what_the_tar_crate_writes() {
    for mut header in [tar::Header::new_gnu(), tar::Header::new_ustar(), tar::Header::new_old()] {
        let mut builder = tar::Builder::new(Vec::new());
        header.set_mode(0o4755);
        header.set_uid(7);
        header.set_gid(8);
        header.set_mtime(9);
        header.set_size(5);
        let mut dir = header.clone();
        dir.set_size(0);
        if header.as_gnu().is_some() || header.as_ustar().is_some() {
            dir.set_entry_type(tar::EntryType::Directory);
        }
        builder.append_data(&mut dir, "d/", io::empty()).unwrap();
        builder.append_data(&mut header, "d/f", &b"hello"[..]).unwrap();
        let seen = read(&builder.into_inner().unwrap()).unwrap();
        assert_eq!(seen[0].0.kind, MemberKind::Dir);
        let (member, data) = &seen[1];
        assert_eq!((member.path.as_slice(), data.as_slice()), (&b"d/f"[..], &b"hello"[..]));
        assert_eq!((member.meta.mode, member.meta.uid, member.meta.gid), (0o4755, 7, 8));
        assert_eq!(member.meta.mtime, Time { sec: 9, nsec: 0 });
    }
}

#[test]
fn long_names_of_gnu() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    let (path, target) = ("n".repeat(300), "t".repeat(300));
    builder.append_data(&mut header, &path, &b"x"[..]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "s", &target).unwrap();
    let seen = read(&builder.into_inner().unwrap()).unwrap();
    assert_eq!(seen[0].0.path, path.as_bytes());
    assert_eq!(seen[1].0.kind, MemberKind::Symlink { target: target.into() });
}

#[test]
fn pax_says_what_the_header_cannot() {
    let records = [
        ("path", "long/er"),
        ("size", "3"),
        ("uid", "4294967295"),
        ("gid", "70000"),
        ("mtime", "-1.5"),
        ("SCHILY.xattr.user.a", "v=\n"),
        ("comment", "ignored"),
    ];
    let mut data = block(b'0', "f", b"abc");
    data[..512].copy_from_slice(&Header::ustar(&Fields { flag: b'0', path: b"f", ..Fields::default() }).0.0);
    let seen = read(&archive(&[pax(&records), data])).unwrap();
    let (member, data) = &seen[0];
    assert_eq!((member.path.as_slice(), data.as_slice()), (&b"long/er"[..], &b"abc"[..]));
    assert_eq!((member.meta.uid, member.meta.gid), (u32::MAX, 70000));
    assert_eq!(member.meta.mtime, Time { sec: -2, nsec: 500_000_000 });
    assert_eq!(member.meta.xattrs[&b"user.a"[..]], b"v=\n");
}

#[test]
fn records_are_for_one_member_and_global_ones_for_all() {
    let global = block(b'g', "g", &encode(&[("uid", "5"), ("mtime", "6"), ("comment", "abc")]));
    let one = [pax(&[("uid", "9"), ("path", "b")]), block(b'0', "x", b"")].concat();
    let seen = read(&archive(&[global, block(b'0', "a", b""), one, block(b'0', "c", b"")])).unwrap();
    let found: Vec<_> = seen.iter().map(|(m, _)| (m.path.as_slice(), m.meta.uid, m.meta.mtime.sec)).collect();
    assert_eq!(found, [(&b"a"[..], 5, 6), (b"b", 9, 6), (b"c", 5, 6)]);
}

#[test]
fn names_come_out_clean() {
    let table = [
        ("./", ""),
        ("/", ""),
        ("./a", "a"),
        ("/a//b/", "a/b"),
        ("a/./b", "a/b"),
        ("a/../b", "b"),
        ("a/..", ""),
    ];
    for (raw, clean) in table {
        assert_eq!(names(&archive(&[block(b'5', raw, b"")])), [clean], "{raw}");
    }
    let link = read(&archive(&[linked(b'1', "l", "/./a/b", b"")])).unwrap();
    assert_eq!(link[0].0.kind, MemberKind::Hardlink { target: b"a/b".to_vec() });
}

#[test]
fn names_that_lead_out_are_refused() {
    for raw in ["..", "../x", "a/../../x", "/../x"] {
        fails(&archive(&[block(b'0', raw, b"")]), "leads out of it");
        fails(&archive(&[linked(b'1', "l", raw, b"")]), "leads out of it");
    }
    let long = "x/".repeat(2049);
    fails(&archive(&[pax(&[("path", &long)]), block(b'0', "x", b"")]), "more than 4096");
}

#[test]
fn a_pax_size_never_counts_for_another_header() {
    // The size stands before a GNU long name: for a reader that takes it there, the file's data are headers.
    let inner = block(b'0', "smuggled", b"");
    let long = block(b'L', "l", b"name\0");
    let parts = [pax(&[("size", "512")]), long, block(b'0', "f", &inner)];
    let seen = read(&archive(&parts)).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].0.path.as_slice(), seen[0].1.as_slice()), (&b"name"[..], inner.as_slice()));
}

#[test]
fn headers_without_data_have_none_whatever_their_size() {
    for flag in *b"123456" {
        let mut header =
            Header::ustar(&Fields { flag, path: b"d", link: b"t", size: 512, ..Fields::default() })
                .0
                .0
                .to_vec();
        header.extend(block(b'0', "next", b""));
        assert_eq!(names(&archive(&[header])), ["d", "next"], "{flag}");
    }
}

#[test]
fn what_is_ambiguous_is_refused() {
    let f = || block(b'0', "f", b"");
    let table: Vec<(Vec<Vec<u8>>, &str)> = vec![
        (vec![pax(&[("path", "a")]), pax(&[("path", "b")]), f()], "two headers of one kind"),
        (vec![block(b'L', "l", b"a"), block(b'L', "l", b"b"), f()], "two headers of one kind"),
        (vec![pax(&[("path", "a")]), block(b'g', "g", b""), f()], "global header between"),
        (vec![pax(&[("path", "a")])], "ends after a header"),
        (vec![block(b'g', "g", &encode(&[("size", "1")])), f()], "global header with `size`"),
        (vec![block(b'g', "g", &encode(&[("path", "a")])), f()], "global header with `path`"),
        (vec![block(b'0', "d/", b"data")], "directory with data"),
        (vec![pax(&[("size", "x")]), f()], "PAX `size` of `x`"),
        (vec![pax(&[("size", "-1")]), f()], "PAX `size`"),
        (vec![pax(&[("path", "a\0b")]), f()], "NUL"),
        (vec![pax(&[("uid", "4294967296")]), f()], "PAX `uid`"),
        (vec![block(b'x', "p", b"12 path=a\n"), f()], "malformed PAX"),
        (vec![pax(&[("GNU.sparse.major", "1")]), f()], "sparse files"),
        (vec![block(b'S', "f", b"")], "sparse files"),
        (vec![block(b'V', "f", b"")], "type `V`"),
        (vec![pax(&[("size", "18446744073709551615")]), f(), f()], "tar"),
    ];
    for (parts, message) in table {
        fails(&archive(&parts), message);
    }
}

#[test]
fn extension_headers_are_bounded() {
    let fields = Fields { flag: b'L', path: b"l", size: (1 << 20) + 1, ..Fields::default() };
    fails(&Header::ustar(&fields).0.0, "more than 1048576");
}

#[test]
fn broken_streams() {
    let whole = archive(&[block(b'0', "f", &[7; 1000])]);
    for cut in [1, 511, 513, 1500, 1535] {
        fails(&whole[..cut], "in the middle");
    }
    // Go, and with it every runtime, takes an archive without its end.
    assert_eq!(names(&whole[..1536]), ["f"]);
    let mut wrong = whole.clone();
    wrong[0] = b'g';
    fails(&wrong, "wrong checksum");
    assert_eq!(read(&[]).unwrap(), []);
}

#[test]
fn what_follows_the_end_is_drained() {
    let bytes = [archive(&[]), b"rest".to_vec()].concat();
    let mut reader = Reader::new(bytes.as_slice());
    assert_eq!(reader.next().unwrap(), None);
    reader.drain().unwrap();
    assert_eq!(reader.consumed(), bytes.len() as u64);
}

#[test]
fn data_that_was_not_read_is_skipped() {
    let bytes = archive(&[block(b'0', "a", &[1; 700]), block(b'0', "b", b"x")]);
    let mut reader = Reader::new(bytes.as_slice());
    reader.next().unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().path, b"b");
}

fn name() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-zA-Z0-9 ._äß-]{1,120}")
        .unwrap()
        .prop_filter("a name", |name| name != "." && name != ".." && !name.starts_with(".wh."))
}

prop_compose! {
    fn put()(
        path in proptest::collection::vec(name(), 1..5),
        what in 0..5,
        data in proptest::collection::vec(any::<u8>(), 0..2000),
        mode in 0u32..0o10000,
        (uid, gid) in any::<(u32, u32)>(),
        sec in any::<i64>().prop_map(|sec| sec / 4),
        xattrs in proptest::collection::btree_map("user\\.[a-z]{1,200}", proptest::collection::vec(any::<u8>(), 0..300), 0..3),
    ) -> Change {
        let target = String::from_utf8_lossy(&data).replace('\0', "0").into_bytes();
        let kind = match what {
            0 => Kind::Dir,
            1 => Kind::Symlink { target },
            2 => Kind::Fifo,
            3 => Kind::Char { major: uid % 4096, minor: gid % 4096 },
            _ => content(&data),
        };
        let mut change = entry(&path.join("/"), mode, kind);
        (change.meta.uid, change.meta.gid, change.meta.mtime.sec) = (uid, gid, sec);
        change.meta.xattrs = xattrs.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
        Change::Put(change)
    }
}

fn kind_of(kind: &Kind) -> MemberKind {
    match kind.clone() {
        Kind::Dir => MemberKind::Dir,
        Kind::File { size, .. } => MemberKind::File { size },
        Kind::Symlink { target } => MemberKind::Symlink { target },
        Kind::Hardlink { target } => MemberKind::Hardlink { target },
        Kind::Fifo => MemberKind::Fifo,
        Kind::Char { major, minor } => MemberKind::Char { major, minor },
        Kind::Block { major, minor } => MemberKind::Block { major, minor },
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn what_was_written_is_read(mut changes in proptest::collection::vec(put(), 0..8)) {
        tree::entry::sort(&mut changes);
        let mut bytes = Vec::new();
        layer::write(&changes, &Times::Preserve, &mut bytes).unwrap();
        let seen = read(&bytes).unwrap();
        prop_assert_eq!(seen.len(), changes.len());
        for ((member, data), change) in seen.iter().zip(&changes) {
            let Change::Put(entry) = change else { unreachable!() };
            let expected = Member { path: entry.path.to_vec(), meta: entry.meta.clone(), kind: kind_of(&entry.kind) };
            prop_assert_eq!(member, &expected);
            if let Kind::File { source, .. } = &entry.kind {
                let mut original = Vec::new();
                source.open().unwrap().read_to_end(&mut original).unwrap();
                prop_assert_eq!(data, &original);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let _ = read(&bytes);
    }

    /// Damage behind the checksum: fields of a header that claims to be whole.
    #[test]
    fn damaged_archives_are_read_or_refused(
        damage in proptest::collection::vec((0usize..4096, any::<u8>()), 1..6),
        reseal in any::<bool>(),
    ) {
        let changes = [dir("d"), file("d/f", "data"), hardlink("d/g", "d/f"), symlink("d/s", &"t".repeat(200))];
        let mut bytes = Vec::new();
        layer::write(&changes, &Times::Preserve, &mut bytes).unwrap();
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
            if reseal {
                seal(&mut bytes, at / 512 * 512);
            }
        }
        let _ = read(&bytes);
    }
}

fn seal(bytes: &mut [u8], at: usize) {
    let block = &mut bytes[at..at + 512];
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
