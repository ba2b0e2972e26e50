//! A list of changes in a view, against the folder that it is a list of.

use std::sync::Arc;

use tree::hash::{NoHashes, hash};
use tree::view::layer::Layer;
use tree::view::listing::Listing;
use tree::{View, snapshot};

use crate::support::{Scratch, entry_line};

/// What a view shows with `upper` as a folder, and with the list of its changes in its place, is the same.
#[track_caller]
fn check(lower: &str, upper: &str) {
    let scratch = Scratch::new();
    let below = scratch.root("lower", lower);
    let above = scratch.root("upper", upper);
    let changes = snapshot(&above, &View::new(vec![below.clone()]), &[], &NoHashes).unwrap().changes;
    let listed = Layer::Listed(Listing::new(&Arc::new(changes)).unwrap());
    let list = View::of(vec![listed, Layer::Disk(below.clone())]);
    let disk = View::new(vec![above, below]);
    let lines = |view: &View| -> Vec<String> {
        let entries = hash(view.walk(b"").unwrap(), &NoHashes).unwrap();
        entries.iter().map(|entry| format!("{} {:?}", entry_line(entry), entry.meta.mtime)).collect()
    };
    assert_eq!(lines(&list), lines(&disk));
    for found in disk.walk(b"").unwrap() {
        let stat =
            |view: &View| view.lookup(&found.path).unwrap().map(|node| (node.stat.kind, node.stat.mode));
        assert_eq!(stat(&list), stat(&disk));
        assert_eq!(list.read(&found.path).unwrap(), disk.read(&found.path).unwrap());
        assert_eq!(list.list(&found.path).unwrap().len(), disk.list(&found.path).unwrap().len());
        assert_eq!(list.xattrs(&found.path).unwrap(), disk.xattrs(&found.path).unwrap());
    }
    assert!(list.lookup(b"nowhere/at/all").unwrap().is_none());
}

#[test]
fn files_links_and_directories() {
    check("", "f 0644 a/b=content\nf 0755 a/c=\nl l -> a/b\nd 0700 empty\np 0600 pipe");
    check("f 0644 a/old=old", "f 0600 a/new=new");
}

#[test]
fn attributes_come_along() {
    check("f 0644 a=a", "f 0644 b=b\na b user.x=y");
}

#[test]
fn what_is_hidden_stays_hidden() {
    check("f 0644 d/a=a\nf 0644 d/b=b", "x d/a");
    check("f 0644 d/a=a\nf 0644 d/b=b", "d 0755 d\no d\nf 0644 d/c=c");
    check("f 0644 d/a=a", "x d");
    check("f 0644 d/a=a", "f 0644 d=file");
    check("f 0644 d=file", "f 0644 d/a=a");
    check("l d -> e\nf 0644 e/x=x", "f 0644 d/a=a");
}

#[test]
fn links_are_followed_through_both() {
    let scratch = Scratch::new();
    let below = scratch.root("lower", "l etc -> real\nf 0644 real/passwd=root");
    let above = scratch.root("upper", "l alias -> etc/passwd");
    let changes = snapshot(&above, &View::new(vec![below.clone()]), &[], &NoHashes).unwrap().changes;
    let view = View::of(vec![Layer::Listed(Listing::new(&Arc::new(changes)).unwrap()), Layer::Disk(below)]);
    assert_eq!(view.read(b"alias").unwrap().as_deref(), Some(b"root".as_slice()));
}

#[test]
fn a_hard_link_is_refused() {
    let scratch = Scratch::new();
    let root = scratch.root("upper", "f 0644 a=a\nh b = a");
    let changes = snapshot(&root, &View::new(Vec::new()), &[], &NoHashes).unwrap().changes;
    assert!(Listing::new(&Arc::new(changes)).is_err());
}
