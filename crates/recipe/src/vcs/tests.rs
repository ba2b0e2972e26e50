//! Repositories made by hand, so that no git is needed; ids are made up, for nothing here checks them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::scratch::Scratch;

const COMMIT: &str = "11111111111111111111111111111111111111c0";
const FILE: &[u8] = b"package main\n";

fn id(byte: u8) -> [u8; 20] {
    [byte; 20]
}

fn name(byte: u8) -> String {
    format!("{byte:02x}").repeat(20)
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn object(scratch: &Scratch, name: &str, kind: &str, body: &[u8]) {
    let bytes = [format!("{kind} {}\0", body.len()).as_bytes(), body].concat();
    scratch.write(&format!(".git/objects/{}/{}", &name[..2], &name[2..]), zlib(&bytes));
}

fn line(mode: &str, path: &str, of: u8) -> Vec<u8> {
    [format!("{mode} {path}\0").as_bytes(), &id(of)].concat()
}

/// A commit of `main.go` (blob 0xb0) and `svc/a.go` (blob 0xb1), on a branch, with an origin.
fn repository() -> Scratch {
    let scratch = Scratch::new(&[
        ("main.go", "package main\n"),
        ("svc/a.go", "package a\n"),
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".git/refs/heads/main", COMMIT),
        (".git/config", "[remote \"origin\"]\n\turl = git@example.com:a/b.git\n"),
    ]);
    let body = format!(
        "tree {}\nauthor A <a@b> 1 +0000\ncommitter A > B <a@b> 1700000000 +0130\n\ncommitter no> 1 +0\n",
        name(0xa0)
    );
    object(&scratch, COMMIT, "commit", body.as_bytes());
    object(
        &scratch,
        &name(0xa0),
        "tree",
        &[line("100644", "main.go", 0xb0), line("40000", "svc", 0xa1)].concat(),
    );
    object(&scratch, &name(0xa1), "tree", &line("100644", "a.go", 0xb1));
    object(&scratch, &name(0xb0), "blob", FILE);
    object(&scratch, &name(0xb1), "blob", b"package a\n");
    index(&scratch, &[("main.go", 0xb0), ("svc/a.go", 0xb1)], &[]);
    scratch
}

/// An index of version 2 of these files, as they are now.
fn index(scratch: &Scratch, files: &[(&str, u8)], extensions: &[u8]) {
    let mut out = b"DIRC\0\0\0\x02".to_vec();
    out.extend((files.len() as u32).to_be_bytes());
    for (path, blob) in files {
        let found = std::fs::symlink_metadata(scratch.path.join(path)).expect("a file");
        let start = out.len();
        let numbers = [
            0,
            0,
            found.mtime() as u32,
            found.mtime_nsec() as u32,
            0,
            0,
            0o100_644,
            0,
            0,
            found.len() as u32,
        ];
        numbers.iter().for_each(|number| out.extend(number.to_be_bytes()));
        out.extend(id(*blob));
        out.extend((path.len() as u16).to_be_bytes());
        out.extend(path.as_bytes());
        let length = out.len() - start;
        out.resize(start + (length / 8 + 1) * 8, 0);
    }
    out.extend(extensions);
    out.extend([0; 20]);
    scratch.write(".git/index", out);
}

fn labels(scratch: &Scratch, below: &str) -> BTreeMap<String, String> {
    let mut notes = Vec::new();
    let found = super::labels(&scratch.path.join(below), &mut notes);
    assert_eq!(notes, [""; 0]);
    found
        .into_iter()
        .map(|(name, value)| (name.rsplit('.').next().unwrap_or_default().to_owned(), value))
        .collect()
}

fn revision(scratch: &Scratch, below: &str) -> String {
    labels(scratch, below).remove("revision").unwrap_or_default()
}

fn dirty() -> String {
    format!("{COMMIT}-dirty")
}

#[test]
fn a_commit() {
    let scratch = repository();
    let expected =
        [("created", "2023-11-14T22:13:20Z"), ("revision", COMMIT), ("source", "https://example.com/a/b")];
    let expected: BTreeMap<_, _> = expected.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    assert_eq!(labels(&scratch, ""), expected);
    assert_eq!(labels(&scratch, "svc"), expected);
}

#[test]
fn no_repository_no_commit_and_a_folder_that_is_not_tracked_have_none() {
    let scratch = repository();
    scratch.write("new/go.mod", "");
    assert_eq!(labels(&scratch, "new"), BTreeMap::new());
    std::fs::remove_file(scratch.path.join(".git/refs/heads/main")).expect("removed");
    assert_eq!(labels(&scratch, ""), BTreeMap::new());
    std::fs::remove_dir_all(scratch.path.join(".git")).expect("removed");
    assert_eq!(labels(&scratch, ""), BTreeMap::new());
}

#[test]
fn changed_files() {
    let scratch = repository();
    scratch.write("main.go", FILE);
    assert_eq!(revision(&scratch, ""), COMMIT, "written again, with the same content");
    scratch.write("main.go", "package xain\n");
    assert_eq!(revision(&scratch, ""), dirty(), "of the same size");
    assert_eq!(revision(&scratch, "svc"), COMMIT, "in another folder");
    std::fs::remove_file(scratch.path.join("main.go")).expect("removed");
    assert_eq!(revision(&scratch, ""), dirty(), "removed");
}

#[test]
fn staged_files() {
    let scratch = repository();
    scratch.write("new.go", "package main\n");
    assert_eq!(revision(&scratch, ""), COMMIT, "not tracked");
    index(&scratch, &[("main.go", 0xb0), ("new.go", 0xb0), ("svc/a.go", 0xb1)], &[]);
    assert_eq!(revision(&scratch, ""), dirty(), "added");
    index(&scratch, &[("main.go", 0xb0)], &[]);
    assert_eq!(revision(&scratch, ""), dirty(), "removed");
    assert_eq!(revision(&scratch, "svc"), dirty(), "removed there");
    index(&scratch, &[("main.go", 0xb1), ("svc/a.go", 0xb1)], &[]);
    assert_eq!(revision(&scratch, ""), dirty(), "of other content");
}

#[test]
fn trees_that_the_index_knows_are_not_read() {
    let scratch = repository();
    std::fs::remove_file(scratch.path.join(".git/objects/a1").join("a1".repeat(19))).expect("removed");
    let content = [b"\0-1 1\nsvc\x001 0\n".as_slice(), &id(0xa1)].concat();
    let extension = [b"TREE", (content.len() as u32).to_be_bytes().as_slice(), &content].concat();
    index(&scratch, &[("main.go", 0xb0), ("svc/a.go", 0xb1)], &extension);
    assert_eq!(revision(&scratch, ""), COMMIT);
}

#[test]
fn what_cannot_be_read_is_said() {
    let scratch = repository();
    let check = |expected: &str, labels: usize| {
        let mut notes = Vec::new();
        assert_eq!(super::labels(&scratch.path, &mut notes).len(), labels, "{notes:?}");
        assert_eq!(notes, [expected]);
    };
    scratch.write(".git/index", "DIRC\0\0\0\x02");
    let malformed = "the index is malformed, or of a form that isn't read here";
    check(
        &format!("the label `revision` may be wrong: can't tell whether files were changed: {malformed}"),
        3,
    );
    scratch.write(".git/HEAD", "ref: ../../etc/passwd");
    check("no labels from the commit: `HEAD` names `../../etc/passwd`", 0);
    scratch.write(".git/HEAD", name(9));
    check(&format!("no labels from the commit: object {} is missing", name(9)), 0);
    scratch.write(".git/HEAD", name(0xb0));
    check(&format!("no labels from the commit: object {} is a blob, not a commit", name(0xb0)), 0);
}

#[test]
fn versions() {
    let scratch = repository();
    let tagged = format!("object {COMMIT}\ntype commit\n\n");
    object(&scratch, &name(0xc1), "tag", tagged.as_bytes());
    scratch.write(".git/refs/tags/v1.2.0", COMMIT);
    scratch.write(".git/refs/tags/v1.10.0", name(0xc1));
    scratch.write(".git/refs/tags/latest", COMMIT);
    scratch.write(".git/refs/tags/v2.0.0", name(0xb0));
    let packed = format!(
        "# pack-refs with: peeled fully-peeled sorted \n{} refs/tags/v3.0.0\n{} refs/tags/svc/v0.1.0\n^{COMMIT}\n",
        name(7),
        name(8)
    );
    scratch.write(".git/packed-refs", packed);
    let version = |below: &str| labels(&scratch, below).remove("version");
    assert_eq!(version("").as_deref(), Some("v1.10.0"));
    assert_eq!(version("svc").as_deref(), Some("v0.1.0"));
    scratch.write("main.go", "package changed\n");
    assert_eq!(version(""), None);
}

/// A pack of one blob and two deltas on it, the second with its base by name; and its index.
#[test]
fn packs() {
    let scratch = repository();
    let base = b"package maim\n";
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x03".to_vec();
    let mut offsets = vec![pack.len()];
    pack.push(0x30 | base.len() as u8);
    pack.extend(zlib(base));
    offsets.push(pack.len());
    let delta = [13, 13, 0x90, 11, 2, b'n', b'\n'];
    pack.extend([0x60 | delta.len() as u8, (offsets[1] - offsets[0]) as u8]);
    pack.extend(zlib(&delta));
    offsets.push(pack.len());
    let delta = [13, 10, 0x90, 8, 2, b'a', b'\n'];
    pack.push(0x70 | delta.len() as u8);
    pack.extend(id(0x0b));
    pack.extend(zlib(&delta));
    let names = [0x0b, 0xb0, 0xb1];
    let mut idx = vec![0xff, b't', b'O', b'c', 0, 0, 0, 2];
    (0..=255u8)
        .for_each(|first| idx.extend((names.iter().filter(|n| **n <= first).count() as u32).to_be_bytes()));
    names.iter().for_each(|n| idx.extend(id(*n)));
    idx.extend([0; 12]);
    offsets.iter().for_each(|offset| idx.extend((*offset as u32).to_be_bytes()));
    scratch.write(".git/objects/pack/pack-1.pack", &pack);
    scratch.write(".git/objects/pack/pack-1.idx", &idx);
    for blob in ["b0", "b1"] {
        std::fs::remove_dir_all(scratch.path.join(".git/objects").join(blob)).expect("removed");
    }
    // Times are no help, so that the content has to be compared.
    scratch.write("main.go", FILE);
    scratch.write("svc/a.go", "package a\n");
    assert_eq!(revision(&scratch, ""), COMMIT);
    for length in 0..pack.len() {
        scratch.write(".git/objects/pack/pack-1.pack", &pack[..length]);
        super::labels(&scratch.path, &mut Vec::new());
    }
}

#[test]
fn a_worktree() {
    let scratch = repository();
    std::fs::rename(scratch.path.join(".git"), scratch.path.join("main.git")).expect("renamed");
    scratch.write("wt/main.go", FILE);
    scratch.write("wt/svc/a.go", "package a\n");
    scratch.write("wt/.git", "gitdir: ../main.git/worktrees/wt\n");
    scratch.write("main.git/worktrees/wt/HEAD", "ref: refs/heads/main\n");
    scratch.write("main.git/worktrees/wt/commondir", "../..\n");
    std::fs::rename(scratch.path.join("main.git/index"), scratch.path.join("main.git/worktrees/wt/index"))
        .expect("renamed");
    assert_eq!(revision(&scratch, "wt"), COMMIT);
    scratch.write("wt/main.go", "package changed\n");
    assert_eq!(revision(&scratch, "wt"), dirty());
}
