//! What the digest of changes depends on.

use std::sync::Arc;

use tree::entry::{Change, Content, Entry, Kind, Meta, Source, Time};
use tree::id;

fn file(path: &str, content: u8) -> Entry {
    let kind = Kind::File {
        size: 3,
        content: Content([content; 32]),
        source: Source::Bytes(Arc::from(&b"abc"[..])),
    };
    Entry { path: path.into(), meta: Meta { mode: 0o644, ..Meta::default() }, kind }
}

fn put(entry: Entry) -> Change {
    Change::Put(entry)
}

fn with(change: impl Fn(&mut Entry)) -> [u8; 32] {
    let mut entry = file("a", 1);
    change(&mut entry);
    id(&[put(entry)])
}

#[test]
fn the_order_and_the_time_are_out() {
    let plain = id(&[put(file("a", 1)), put(file("b", 2))]);
    assert_eq!(plain, id(&[put(file("b", 2)), put(file("a", 1))]));
    assert_eq!(with(|_| ()), with(|entry| entry.meta.mtime = Time { sec: 9, nsec: 9 }));
}

#[test]
fn where_the_bytes_are_is_out() {
    let elsewhere = Source::Bytes(Arc::from(&b"other"[..]));
    let moved = with(|entry| {
        entry.kind = Kind::File { size: 3, content: Content([1; 32]), source: elsewhere.clone() }
    });
    assert_eq!(with(|_| ()), moved);
}

#[test]
fn everything_else_is_in() {
    let source = || Source::Bytes(Arc::from(&b"abc"[..]));
    let mut all = vec![
        id(&[]),
        id(&[put(file("a", 1)), put(file("a", 1))]),
        id(&[Change::Remove(b"a".to_vec())]),
        id(&[Change::Opaque(b"a".to_vec())]),
        with(|_| ()),
        with(|entry| entry.path = "b".into()),
        with(|entry| entry.meta.mode = 0o600),
        with(|entry| entry.meta.uid = 1),
        with(|entry| entry.meta.gid = 1),
        with(|entry| drop(entry.meta.xattrs.insert(b"user.a".to_vec(), b"b".to_vec()))),
        with(|entry| drop(entry.meta.xattrs.insert(b"user.ab".to_vec(), b"".to_vec()))),
        with(|entry| entry.kind = Kind::File { size: 3, content: Content([2; 32]), source: source() }),
        with(|entry| entry.kind = Kind::File { size: 4, content: Content([1; 32]), source: source() }),
        with(|entry| entry.kind = Kind::Dir),
        with(|entry| entry.kind = Kind::Fifo),
        with(|entry| entry.kind = Kind::Symlink { target: b"x".to_vec() }),
        with(|entry| entry.kind = Kind::Hardlink { target: b"x".to_vec() }),
        with(|entry| entry.kind = Kind::Char { major: 1, minor: 3 }),
        with(|entry| entry.kind = Kind::Block { major: 1, minor: 3 }),
        with(|entry| entry.kind = Kind::Char { major: 3, minor: 1 }),
    ];
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn caches_on_disk_outlive_a_new_version() {
    let hex: String = id(&[put(file("a", 1))]).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "ef24963650d1bb6f581685bd136a8d509759759a09659b602d75cd3b33bf9597");
}
