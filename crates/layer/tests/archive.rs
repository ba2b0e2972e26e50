//! `ADD` of a local file: what is an archive, and what comes out of it.

mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::Command;

use common::{Scratch, archive, block, config, linked, meta, pax};
use layer::archive::{entries, is_archive};
use proptest::prelude::*;
use tree::{Entry, Kind, Time};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn sample() -> Vec<u8> {
    archive(&[block(b'5', "./", b""), block(b'5', "./d", b""), block(b'0', "./d/f", b"hello")])
}

/// Entries as lines; the scratch folder is gone by then, and with it the files' bytes.
fn unpacked(tar: &[u8]) -> Result<Vec<String>, String> {
    let scratch = Scratch::new();
    let entries = entries(tar, &scratch.0).map_err(|e| e.to_string())?;
    Ok(entries.iter().map(line).collect())
}

fn line(entry: &Entry) -> String {
    let path = String::from_utf8_lossy(&entry.path);
    let what = match &entry.kind {
        Kind::Dir => "dir".to_owned(),
        Kind::File { size, content, source } => {
            let mut bytes = Vec::new();
            source.open().unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!((bytes.len() as u64, blake3::hash(&bytes).as_bytes()), (*size, &content.0));
            format!("`{}`", String::from_utf8_lossy(&bytes))
        }
        Kind::Symlink { target } => format!("-> {}", String::from_utf8_lossy(target)),
        Kind::Hardlink { target } => format!("= {}", String::from_utf8_lossy(target)),
        other => format!("{other:?}"),
    };
    format!("{path} {what}")
}

#[test]
fn a_tar_is_an_archive_however_compressed() {
    for pack in [|bytes: &[u8]| bytes.to_vec(), gzip, xz, bzip2, zstd] {
        let bytes = pack(&sample());
        assert!(is_archive(bytes.as_slice()).unwrap());
        assert_eq!(unpacked(&bytes).unwrap(), [" dir", "d dir", "d/f `hello`"]);
    }
}

#[test]
fn several_compressed_streams_in_a_row_are_one() {
    let sample = sample();
    for pack in [gzip, xz, bzip2, zstd] {
        let bytes = [pack(&sample[..700]), pack(&sample[700..])].concat();
        assert_eq!(unpacked(&bytes).unwrap().len(), 3);
    }
}

#[test]
fn other_files_are_none() {
    let zip = b"PK\x03\x04\x14\0\0\0\x08\0rest of a zip".to_vec();
    let table = [
        ("nothing", vec![]),
        ("text", b"hello".to_vec()),
        ("long text", b"hello ".repeat(500)),
        ("empty tar", vec![0; 10240]),
        ("empty tar.gz", gzip(&[])),
        ("tar.gz without members", gzip(&[0; 10240])),
        ("gzip of text", gzip(&b"hello ".repeat(500))),
        ("zip", zip),
        ("half a gzip", gzip(&sample())[..20].to_vec()),
        ("half a header", sample()[..511].to_vec()),
        ("damaged header", [b"x".to_vec(), sample()[1..].to_vec()].concat()),
        ("gzip of a gzip", gzip(&gzip(&sample()))),
    ];
    for (name, bytes) in table {
        assert!(!is_archive(bytes.as_slice()).unwrap(), "{name}");
    }
}

#[test]
fn metadata_comes_with_the_entries() {
    let scratch = Scratch::new();
    let records =
        [("uid", "500"), ("gid", "501"), ("mtime", "12.5"), ("SCHILY.xattr.security.capability", "cap")];
    let tar = archive(&[pax(&records), block(b'0', "f", b"")]);
    let found = entries(tar.as_slice(), &scratch.0).unwrap();
    let meta = &found[0].meta;
    assert_eq!((meta.mode, meta.uid, meta.gid), (0o755, 500, 501));
    assert_eq!(meta.mtime, Time { sec: 12, nsec: 500_000_000 });
    assert_eq!(meta.xattrs[&b"security.capability"[..]], b"cap");
}

#[test]
fn what_comes_out_is_what_an_unpacker_would_leave() {
    let f = |path: &str, data: &str| block(b'0', path, data.as_bytes());
    let d = |path: &str| block(b'5', path, b"");
    let l = |path: &str, target: &str| linked(b'2', path, target, b"");
    let h = |path: &str, target: &str| linked(b'1', path, target, b"");
    let table: &[(&[Vec<u8>], &[&str])] = &[
        (&[f("b", "1"), f("a", "2")], &["a `2`", "b `1`"]),
        (&[f("a", "1"), f("a", "2")], &["a `2`"]),
        (&[d("a"), f("a/b", "1"), f("a", "2")], &["a `2`"]),
        (&[d("a"), f("a/b", "1"), d("a")], &["a dir", "a/b `1`"]),
        (&[f("a/b", "1")], &["a/b `1`"]),
        (&[f("a/b", "1"), f("a", "2")], &["a `2`"]),
        // The first name in order has the file, whichever was first in the archive.
        (&[f("b", "1"), h("a", "b"), h("c", "./b")], &["a `1`", "b = a", "c = a"]),
        (&[f("a", "1"), h("b", "a"), f("a", "2")], &["a `2`", "b `1`"]),
        (&[l("s", "x"), h("t", "s")], &["s -> x", "t -> x"]),
        (&[d("d"), l("s", "d"), f("s/f", "1")], &["d dir", "d/f `1`", "s -> d"]),
        (&[l("s", "/x/../y"), f("s/f", "1")], &["s -> /x/../y", "y/f `1`"]),
        (&[l("s", "../.."), f("s/f", "1")], &["f `1`", "s -> ../.."]),
        (&[f("a", "1"), h("a", "a")], &["a `1`"]),
        (&[f(".wh.x", "1")], &[".wh.x `1`"]),
    ];
    for (parts, expected) in table {
        let scratch = Scratch::new();
        let found = entries(archive(parts).as_slice(), &scratch.0).unwrap();
        assert_eq!(found.iter().map(line).collect::<Vec<_>>(), *expected);
    }
    let refused: &[(&[Vec<u8>], &str)] = &[
        (&[f("../a", "")], "leads out of it"),
        (&[h("a", "b")], "`a` is a hard link to `b`, which is no file of the archive"),
        (&[d("d"), h("a", "d")], "no file of the archive"),
        (&[f("a", ""), f("a/b", "")], "below what is no directory"),
        (&[l("a", "b"), l("b", "a"), f("a/x", "")], "below what is no directory"),
        (&[l("./", "x")], "root of an archive"),
    ];
    for (parts, message) in refused {
        let error = unpacked(&archive(parts)).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn what_the_system_tar_packs_if_there_is_one() {
    let scratch = Scratch::new();
    let source = scratch.join("source");
    fs::create_dir_all(source.join("d")).unwrap();
    fs::write(source.join("d/f"), "hello").unwrap();
    fs::hard_link(source.join("d/f"), source.join("g")).unwrap();
    fs::write(source.join("n".repeat(200)), "long").unwrap();
    std::os::unix::fs::symlink("d/f", source.join("s")).unwrap();
    for format in ["gnu", "pax", "ustar", "oldgnu", "v7"] {
        let packed = scratch.join(format);
        let done = Command::new("tar")
            .arg("-C")
            .arg(&source)
            .arg(format!("--format={format}"))
            .arg("-cf")
            .arg(&packed)
            .arg(".")
            .output();
        let Ok(output) = done else { return };
        let spill = scratch.join(&format!("{format}.d"));
        fs::create_dir(&spill).unwrap();
        let found = entries(File::open(&packed).unwrap(), &spill).unwrap();
        let mut lines: Vec<_> = found.iter().map(line).collect();
        if output.status.success() {
            // v7 can't hold the long name and tar says so.
            assert_eq!(lines.remove(4), format!("{} `long`", "n".repeat(200)), "{format}");
        }
        assert_eq!(lines, [" dir", "d dir", "d/f `hello`", "g = d/f", "s -> d/f"], "{format}");
        assert!(found.iter().all(|entry| entry.meta.uid == meta(0).uid), "{format}");
    }
}

#[test]
fn sparse_files_are_refused_and_not_copied_as_they_are() {
    let tar = archive(&[block(b'S', "f", b"")]);
    assert!(is_archive(tar.as_slice()).unwrap());
    assert!(unpacked(&tar).unwrap_err().contains("sparse"));
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn damaged_archives_are_read_or_refused(
        pack in 0usize..5,
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = [|bytes: &[u8]| bytes.to_vec(), gzip, xz, bzip2, zstd][pack](&sample());
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + bytes.len() / 2);
        let _ = is_archive(bytes.as_slice());
        let _ = unpacked(&bytes);
    }
}
