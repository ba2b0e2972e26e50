//! What is read, how often, and what comes of it.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};

use tree::entry::Content;
use tree::hash::{Hashes, Ident, NoHashes, hash};
use tree::scan::{Everything, scan};
use tree::{Entry, Found, Kind, Meta};

use crate::support::{Scratch, entry_line, expect, make};

#[derive(Default)]
struct Memory(Mutex<HashMap<Ident, Content>>);

impl Hashes for Memory {
    fn get(&self, id: &Ident) -> Option<Content> {
        self.0.lock().unwrap().get(id).copied()
    }

    fn put(&self, id: Ident, content: Content) {
        self.0.lock().unwrap().insert(id, content);
    }
}

#[track_caller]
fn check(objects: &str, expected: &str) {
    let scratch = Scratch::new();
    let root = scratch.root("c", objects);
    let entries = hash(scan(&root, b"", &Everything).unwrap(), &NoHashes).unwrap();
    expect(&entries.iter().map(entry_line).collect::<Vec<_>>(), expected);
}

fn content(entry: &Entry) -> Content {
    match &entry.kind {
        Kind::File { content, .. } => *content,
        other => panic!("not a file: {other:?}"),
    }
}

#[test]
fn trap_24_the_first_name_is_the_file_and_the_others_link_to_it() {
    check(
        "f 0644 b/f=x\nh a-z = b/f\nh b-a = b/f",
        "f 0644 0:0 a-z=x\nd 0755 0:0 b\nh 0644 0:0 b/f = a-z\nh 0644 0:0 b-a = a-z",
    );
}

#[test]
fn a_name_whose_others_are_elsewhere_is_a_file() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "f 0644 a=x\nh b = a");
    let found = scan(&root, b"b", &Everything).unwrap();
    expect(&[entry_line(&hash(found, &NoHashes).unwrap()[0])], "f 0644 0:0 b=x");
}

#[test]
fn the_digest_is_blake3_of_the_bytes() {
    let scratch = Scratch::new();
    let big = "0123456789abcdef".repeat(40_000);
    let root = scratch.root("c", "f 0644 empty=");
    fs::write(scratch.0.join("c/big"), &big).unwrap();
    let entries = hash(scan(&root, b"", &Everything).unwrap(), &NoHashes).unwrap();
    assert_eq!(content(&entries[0]).0, *blake3::hash(big.as_bytes()).as_bytes());
    assert_eq!(content(&entries[1]).0, *blake3::hash(b"").as_bytes());
}

#[test]
fn what_is_known_is_not_read() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "f 0644 a=x");
    let known = Content([7; 32]);
    let found = scan(&root, b"", &Everything).unwrap();
    let memory = Memory::default();
    let tree::found::Shape::File(file) = &found[0].shape else { panic!("a file") };
    memory.put(file.ident().unwrap(), known);
    assert_eq!(content(&hash(found, &memory).unwrap()[0]), known);
}

#[test]
fn what_was_read_is_remembered_once_the_clock_has_moved_on() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "f 0644 a=x");
    let memory = Memory::default();
    std::thread::sleep(std::time::Duration::from_millis(60));
    hash(scan(&root, b"", &Everything).unwrap(), &memory).unwrap();
    assert_eq!(memory.0.lock().unwrap().len(), 1);
}

#[test]
fn a_file_that_grows_while_it_is_read_is_an_error() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "");
    let path = scratch.0.join("c/log");
    fs::write(&path, vec![0; 32 << 20]).unwrap();
    let found = scan(&root, b"", &Everything).unwrap();
    let growing = std::thread::spawn(move || {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        for _ in 0..200 {
            file.write_all(b"x").unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
    let mut errors = Vec::new();
    while !growing.is_finished() {
        errors.extend(hash(found.clone(), &NoHashes).err().map(|e| e.to_string()));
    }
    growing.join().unwrap();
    assert_eq!(errors.first().map(String::as_str), Some("`log` changed while it was read"));
}

#[test]
fn a_file_that_is_gone_is_named() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "f 0644 a=x\nf 0644 b=x");
    let found = scan(&root, b"", &Everything).unwrap();
    fs::remove_file(scratch.0.join("c/b")).unwrap();
    let error = hash(found, &NoHashes).unwrap_err().to_string();
    assert_eq!(error, "open `b`: no such file or directory");
}

#[test]
fn bytes_in_memory_are_files_too() {
    let found =
        Found::bytes(b"EOF".to_vec(), Meta { mode: 0o644, ..Meta::default() }, Arc::from(&b"text"[..]));
    expect(&[entry_line(&hash(vec![found], &NoHashes).unwrap()[0])], "f 0644 0:0 EOF=text");
}

#[test]
fn ten_thousand_files_at_once() {
    let scratch = Scratch::new();
    let root = scratch.root("c", "");
    for dir in 0..100 {
        let lines: String = (0..100).map(|i| format!("f 0644 d{dir}/f{i}={i}\n")).collect();
        make(&scratch.0.join("c"), &lines);
    }
    let entries = hash(scan(&root, b"", &Everything).unwrap(), &NoHashes).unwrap();
    assert_eq!(entries.len(), 10_100);
}
