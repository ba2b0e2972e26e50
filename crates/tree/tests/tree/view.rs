//! Layers laid over each other as overlayfs does it.

use tree::View;
use tree::hash::NoHashes;

use crate::support::{Scratch, entry_line, expect, show};

/// The whole tree that the layers, top first, show; by walking, and again name by name.
#[track_caller]
fn check(layers: &[&str], expected: &str) {
    let scratch = Scratch::new();
    let view = scratch.view(layers);
    let walked = view.walk(b"").unwrap();
    let fresh = View::of(view.layers().to_vec());
    for found in &walked {
        let node = fresh.lookup(&found.path).unwrap().expect("a name that was walked is there");
        assert_eq!(format!("{:?}", fresh.found(&found.path, &node).unwrap().unwrap()), format!("{found:?}"));
    }
    let entries = tree::hash(walked, &NoHashes).unwrap();
    expect(&entries.iter().map(entry_line).collect::<Vec<_>>(), expected);
}

#[test]
fn directories_merge_and_the_uppermost_file_wins() {
    check(
        &["f 0600 d/a=new\nd 0700 d", "f 0644 d/a=old\nf 0644 d/b=b\nf 0644 c=c"],
        "f 0644 me c=c\nd 0700 me d\nf 0600 me d/a=new\nf 0644 me d/b=b",
    );
}

#[test]
fn a_whiteout_hides_a_name() {
    check(&["x d/a", "f 0644 d/a=old\nf 0644 d/b=b"], "d 0755 me d\nf 0644 me d/b=b");
}

#[test]
fn a_whiteout_hides_a_whole_directory_and_one_above_brings_only_its_own() {
    check(&["d 0755 d\nf 0644 d/new=n", "x d", "f 0644 d/old=o"], "d 0755 me d\nf 0644 me d/new=n");
}

#[test]
fn an_opaque_directory_hides_what_is_below() {
    check(
        &["d 0755 d\nf 0644 d/new=n\no d", "f 0644 d/old=o\nf 0644 e=e"],
        "d 0755 me d\nf 0644 me d/new=n\nf 0644 me e=e",
    );
}

#[test]
fn opaque_counts_for_what_is_deeper_too() {
    check(&["f 0644 d/s/new=n\no d", "f 0644 d/s/old=o"], "d 0755 me d\nd 0755 me d/s\nf 0644 me d/s/new=n");
}

#[test]
fn a_file_in_between_cuts_off_the_directories_below() {
    check(&["f 0644 d/new=n", "f 0644 d=file", "f 0644 d/old=o"], "d 0755 me d\nf 0644 me d/new=n");
    check(&["f 0644 d=file", "f 0644 d/old=o"], "f 0644 me d=file");
}

#[test]
fn overlays_own_attributes_are_not_the_images() {
    check(
        &["f 0644 a=x\na a user.k=v\na a user.overlay.origin=1\na a user.overlay.overlay.opaque=y"],
        "f 0644 me a=x [user.k=v] [user.overlay.opaque=y]",
    );
}

#[test]
fn hard_links_hold_within_a_layer() {
    check(&["f 0644 a=x\nh b = a", "f 0644 c=x"], "f 0644 me a=x\nh 0644 me b = a\nf 0644 me c=x");
}

#[test]
fn no_layers_are_an_empty_root() {
    check(&[], "");
    let view = View::new(Vec::new());
    assert_eq!(view.lookup(b"").unwrap().unwrap().stat.mode, 0o755);
    assert!(view.lookup(b"a/b").unwrap().is_none());
}

#[test]
fn what_is_not_there_is_nothing() {
    let scratch = Scratch::new();
    let view = scratch.view(&["f 0644 f=x\nl l -> d", "f 0644 d/x=x"]);
    for path in ["nope", "f/below", "l/x", "d/x/y", "nope/x"] {
        assert!(view.lookup(path.as_bytes()).unwrap().is_none(), "{path}");
    }
    assert!(view.list(b"f").unwrap().is_empty());
}

#[test]
fn a_list_is_sorted_and_answers_lookups() {
    let scratch = Scratch::new();
    let view = scratch.view(&["f 0644 b=\nx c", "f 0644 a=\nf 0644 c="]);
    let names: Vec<String> = view.list(b"").unwrap().iter().map(|child| show(&child.name)).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(view.lookup(b"c").unwrap().is_none());
    assert!(view.lookup(b"a").unwrap().is_some());
}

#[track_caller]
fn resolves(objects: &str, path: &str, expected: &str) {
    let scratch = Scratch::new();
    let view = scratch.view(&[objects]);
    assert_eq!(show(&view.resolve(path.as_bytes(), true).unwrap()), expected);
}

#[test]
fn links_are_followed_inside_the_root() {
    resolves("d 0755 usr/lib\nl lib -> usr/lib", "/lib/x", "usr/lib/x");
    resolves("d 0755 a\nl a/abs -> /etc", "a/abs/passwd", "etc/passwd");
    resolves("d 0755 a\nl a/up -> ../../../../etc", "a/up/passwd", "etc/passwd");
    resolves("l one -> two\nl two -> three\nd 0755 three", "one/./x", "three/x");
    resolves("l dangling -> not/there", "dangling/x", "not/there/x");
}

#[test]
fn dots_end_at_the_root() {
    resolves("d 0755 a", "/../../a/../b", "b");
    resolves("d 0755 a/b\nl l -> a/b", "l/../x", "a/x");
}

#[test]
fn the_last_link_is_followed_only_if_asked() {
    let scratch = Scratch::new();
    let view = scratch.view(&["l l -> a"]);
    assert_eq!(view.resolve(b"l", false).unwrap(), b"l");
    assert_eq!(view.resolve(b"l", true).unwrap(), b"a");
}

#[test]
fn a_circle_of_links_is_an_error() {
    let scratch = Scratch::new();
    let view = scratch.view(&["l a -> b\nl b -> a"]);
    let error = view.resolve(b"a", true).unwrap_err().to_string();
    assert_eq!(error, "too many symbolic links in `a`");
}

#[test]
fn small_files_are_read_through_links() {
    let scratch = Scratch::new();
    let view =
        scratch.view(&["d 0755 etc\nl etc/passwd -> /usr/passwd", "d 0755 etc\nf 0644 usr/passwd=root"]);
    assert_eq!(view.read(b"etc/passwd").unwrap().as_deref(), Some(b"root".as_slice()));
    assert_eq!(view.read(b"etc/group").unwrap(), None);
    assert_eq!(view.read(b"etc").unwrap(), None);
}
