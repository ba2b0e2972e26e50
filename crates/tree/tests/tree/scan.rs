//! What a build context is.

use dockerfile::ignore::Patterns;
use tree::found::{Found, Shape};
use tree::hash::NoHashes;
use tree::scan::{Everything, scan};

use crate::support::{Scratch, entry_line, expect, show};

#[track_caller]
fn check(objects: &str, ignore: &str, start: &str, expected: &str) {
    let scratch = Scratch::new();
    let root = scratch.root("c", objects);
    let patterns = Patterns::parse(ignore.as_bytes()).unwrap();
    let found = scan(&root, start.as_bytes(), &patterns).unwrap();
    expect(&paths(&found), expected);
}

fn paths(found: &[Found]) -> Vec<String> {
    found
        .iter()
        .map(|found| format!("{}{}", show(&found.path), if found.is_dir() { "/" } else { "" }))
        .collect()
}

#[test]
fn the_order_is_by_components() {
    check(
        "f 0644 a-b=\nf 0644 a/b=\nf 0644 a.b=\nf 0644 a/b-c=\nd 0755 a/b.d",
        "",
        "",
        "a/\na/b\na/b-c\na/b.d/\na-b\na.b",
    );
}

#[test]
fn owners_and_attributes_stay_at_home() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "d 1777 d\nf 4755 d/f=x\na d/f user.k=v\nl d/l -> ../../etc");
    let found = scan(&root, b"", &Everything).unwrap();
    let entries = tree::hash(found, &NoHashes).unwrap();
    let lines: Vec<String> = entries.iter().map(entry_line).collect();
    expect(&lines, "d 1777 0:0 d\nf 4755 0:0 d/f=x\nl 0777 0:0 d/l -> ../../etc");
}

#[test]
fn trap_24_sockets_are_left_out_and_fifos_stay() {
    check("s sock\np 0600 fifo", "", "", "fifo");
}

#[test]
fn the_device_that_would_be_a_whiteout_is_left_out() {
    check("x gone\nf 0644 d/f=\nx d/gone", "", "", "d/\nd/f");
}

#[test]
fn trap_30_what_is_taken_back_in_brings_its_directories() {
    check(
        "f 0644 a/b/keep.txt=\nf 0644 a/b/x=\nf 0644 a/c/y=",
        "a\n!a/b/keep.txt",
        "",
        "a/\na/b/\na/b/keep.txt",
    );
}

#[test]
fn trap_30_an_ignored_directory_without_anything_taken_back_is_gone() {
    check("f 0644 a/b/x=\nf 0644 z=", "a\n!a/b/keep.txt", "", "z");
}

#[test]
fn trap_31_a_star_matches_at_the_root_only() {
    check("f 0644 1.md=\nf 0644 x/3.md=", "*.md", "", "x/\nx/3.md");
}

#[test]
fn trap_32_a_directory_stays_when_its_files_are_ignored() {
    check("f 0644 d/a.o=\nf 0644 d/b.o=", "**/*.o", "", "d/");
}

#[test]
fn an_ignored_directory_is_not_even_read() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "d 0000 secret\nf 0644 a=");
    let patterns = Patterns::parse(b"secret").unwrap();
    assert_eq!(paths(&scan(&root, b"", &patterns).unwrap()), ["a"]);
}

#[test]
fn a_part_is_scanned_with_what_is_above_it() {
    check("f 0644 a/b/c=\nf 0644 a/x=\nf 0644 y=", "", "a/b", "a/\na/b/\na/b/c");
    check("f 0644 a/b/c=\nf 0644 a/x=", "", "a/b/c", "a/\na/b/\na/b/c");
    check("f 0644 a/b/c=", "", "a/nope/x", "a/");
    check("f 0644 a/b/c=", "a", "a/b", "");
}

#[test]
fn links_are_not_followed() {
    check("f 0644 a/f=\nl l -> a\nl up -> ../..", "", "", "a/\na/f\nl\nup");
    check("f 0644 a/f=\nl l -> a", "", "l/f", "l");
}

#[test]
fn names_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let scratch = Scratch::new();
    let root = scratch.root("c", "");
    std::fs::write(scratch.0.join("c").join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "x").unwrap();
    let patterns = Patterns::parse(b"*.md").unwrap();
    let found = scan(&root, b"", &patterns).unwrap();
    assert_eq!(found[0].path, b"\xff\xfe");
    assert!(matches!(found[0].shape, Shape::File(_)));
}

#[test]
fn a_deep_tree_needs_no_stack_and_few_descriptors() {
    let deep = vec!["d"; 1500].join("/");
    let scratch = Scratch::new();
    let root = scratch.root("c", &format!("d 0755 {deep}"));
    assert_eq!(scan(&root, b"", &Everything).unwrap().len(), 1500);
}
