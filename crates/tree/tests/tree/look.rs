//! What a COPY selects, as it looks from outside.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tree::entry::Time;
use tree::look;
use tree::scan::{Everything, scan};

use crate::support::Scratch;

const LATER: Time = Time { sec: i64::MAX / 2, nsec: 0 };

fn digest(scratch: &Scratch, sources: &[&[u8]], whole: bool) -> [u8; 32] {
    let found = scan(&tree::Root::open(scratch.0.join("c")).unwrap(), b"", &Everything).unwrap();
    look(&found, sources, whole, LATER).unwrap().expect("nothing is young in the future")
}

/// Whether what the sources select looks as before after a change.
#[track_caller]
fn check(sources: &[&[u8]], change: impl Fn(&std::path::Path), same: bool) {
    let scratch = Scratch::new();
    scratch.root("c", "f 0644 a=x\nf 0644 d/f=y\nf 0644 d/s/g=z\nl l -> d\nf 0644 other=o");
    let before = digest(&scratch, sources, false);
    assert_eq!(before, digest(&scratch, sources, false));
    // A tick of the clock by which inodes are dated.
    std::thread::sleep(std::time::Duration::from_millis(20));
    change(&scratch.0.join("c"));
    assert_eq!(before == digest(&scratch, sources, false), same);
}

#[test]
fn what_changes_what_is_copied_changes_the_look() {
    let write = |name: &'static str| move |dir: &std::path::Path| fs::write(dir.join(name), "w").unwrap();
    check(&[b"d"], write("d/f"), false);
    check(&[b"d"], write("d/s/g"), false);
    check(&[b"d"], write("d/new"), false);
    check(&[b"l"], write("d/f"), false);
    check(&[b"d/*"], write("d/s/g"), false);
    check(&[b"a", b"d/f"], write("d/f"), false);
    check(&[b"."], write("new"), false);
    check(&[b"d"], |dir| fs::remove_file(dir.join("d/f")).unwrap(), false);
    check(
        &[b"d"],
        |dir| fs::set_permissions(dir.join("d/s"), PermissionsExt::from_mode(0o700)).unwrap(),
        false,
    );
    check(&[b"a"], |dir| fs::rename(dir.join("other"), dir.join("a")).unwrap(), false);
}

#[test]
fn what_is_not_copied_is_not_looked_at() {
    check(&[b"d"], |dir| fs::write(dir.join("a"), "w").unwrap(), true);
    check(&[b"d/s", b"a"], |dir| fs::write(dir.join("d/f"), "w").unwrap(), true);
}

#[test]
fn the_whole_is_all_of_it() {
    let scratch = Scratch::new();
    scratch.root("c", "f 0644 a=x\nf 0644 b=y");
    let before = digest(&scratch, &[b"a"], true);
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(scratch.0.join("c/b"), "w").unwrap();
    assert_ne!(before, digest(&scratch, &[b"a"], true));
}

#[test]
fn young_files_have_no_look() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "f 0644 a=x\nd 0755 d");
    let found = scan(&root, b"", &Everything).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = Time { sec: now.as_secs() as i64, nsec: 0 };
    assert_eq!(look(&found, &[b"a"], false, now).unwrap(), None);
    assert!(look(&found, &[b"d"], false, now).unwrap().is_some());
    assert!(look(&found, &[b"gone"], false, now).is_err());
}
