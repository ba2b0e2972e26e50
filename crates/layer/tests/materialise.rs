//! Changes to a folder: the same one that their tar would have become.

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;

use common::{Scratch, content, dir, entry, file, hardlink, listing, meta, mtime, opaque, remove, symlink};
use layer::Times;
use tree::root::Root;
use tree::{Change, Kind, Source};

fn changes() -> Vec<Change> {
    let mut changes = vec![
        dir(""),
        dir("d"),
        file("d/f", "hello"),
        hardlink("d/g", "d/f"),
        symlink("d/s", "/nowhere"),
        Change::Put(entry("d/t", 0o6751, content(b"x"))),
        Change::Put(entry("d/u", 0o640, Kind::Fifo)),
        Change::Put(entry("e", 0o1777, Kind::Dir)),
        opaque("e"),
        remove("gone"),
    ];
    changes.extend((0..200).map(|i| file(&format!("e/{i}"), &i.to_string())));
    changes
}

#[test]
fn it_is_what_the_tar_becomes() {
    let scratch = Scratch::new();
    let changes = changes();
    let mut tar = Vec::new();
    layer::write(&changes, &Times::Preserve, &mut tar).unwrap();
    let (one, two) = (scratch.join("one"), scratch.join("two"));
    layer::apply(tar.as_slice(), &one, &|_| None, &|_| {}).unwrap();
    assert_eq!(layer::materialise(&changes, &two).unwrap(), []);
    assert_eq!(listing(&one), listing(&two));
    assert_eq!(two.join("d/f").metadata().unwrap().ino(), two.join("d/g").metadata().unwrap().ino());
    for path in ["", "d", "d/f", "d/s", "d/u", "e", "e/7"] {
        assert_eq!(mtime(&two.join(path)), meta(0).mtime, "{path}");
    }
}

#[test]
fn the_order_of_changes_does_not_matter() {
    let scratch = Scratch::new();
    let mut changes = changes();
    layer::materialise(&changes, &scratch.join("one")).unwrap();
    changes.reverse();
    layer::materialise(&changes, &scratch.join("two")).unwrap();
    assert_eq!(listing(&scratch.join("one")), listing(&scratch.join("two")));
}

#[test]
fn a_root_that_is_not_mentioned_is_plain() {
    let scratch = Scratch::new();
    let layer = scratch.join("layer");
    layer::materialise(&[file("f", "")], &layer).unwrap();
    assert_eq!(layer.metadata().unwrap().mode() & 0o7777, 0o755);
    assert_eq!(mtime(&layer).sec, 0);
}

#[test]
fn what_is_put_and_removed_is_put() {
    let scratch = Scratch::new();
    let layer = scratch.join("layer");
    layer::materialise(&[file("f", "1"), remove("f"), dir("d"), remove("d")], &layer).unwrap();
    assert_eq!(listing(&layer), ["d dir 755 opaque", "f 644 `1`"]);
}

#[test]
fn files_come_from_the_disk_and_are_checked() {
    let scratch = Scratch::new();
    let change = |bytes: &[u8]| {
        let Kind::File { size, content, .. } = content(bytes) else { unreachable!() };
        let source =
            Source::Disk { root: Root::open(&scratch.0).unwrap(), path: b"source".as_slice().into() };
        [Change::Put(entry("f", 0o600, Kind::File { size, content, source }))]
    };
    fs::write(scratch.join("source"), "hello").unwrap();
    layer::materialise(&change(b"hello"), &scratch.join("ok")).unwrap();
    assert_eq!(listing(&scratch.join("ok")), ["f 600 `hello`"]);
    for (number, other) in [&b"hellO"[..], b"hell", b"hello!"].into_iter().enumerate() {
        let error = layer::materialise(&change(other), &scratch.join(&number.to_string())).unwrap_err();
        assert_eq!(error.to_string(), "`f` changed while it was read");
    }
}

#[test]
fn nothing_is_copied_after_a_stop() {
    let scratch = Scratch::new();
    let stop = true.into();
    let error = layer::materialise_unless(&stop, &[file("f", "1")], &scratch.join("layer")).unwrap_err();
    assert_eq!((error.to_string().as_str(), listing(&scratch.join("layer")).len()), ("stopped", 0));
}

#[test]
fn one_bad_file_among_many_is_an_error() {
    let scratch = Scratch::new();
    let mut changes = changes();
    let Kind::File { content, source, .. } = content(b"abc") else { unreachable!() };
    changes.push(Change::Put(entry("e/bad", 0o644, Kind::File { size: 4, content, source })));
    let error = layer::materialise(&changes, &scratch.join("layer")).unwrap_err();
    assert_eq!(error.to_string(), "`e/bad` changed while it was read");
}

#[test]
fn a_missing_parent_is_named() {
    let scratch = Scratch::new();
    let error = layer::materialise(&[file("a/f", "")], &scratch.join("layer")).unwrap_err();
    assert_eq!(error.to_string(), "open `a`: no such file or directory");
}
