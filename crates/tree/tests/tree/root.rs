//! Nothing outside of an opened folder can be reached through it.

use std::io::Read;
use std::time::Duration;

use crate::support::Scratch;

#[track_caller]
fn check(objects: &str, path: &str, expected: Result<&str, &str>) {
    let scratch = Scratch::new();
    let root = scratch.root("r", objects);
    let read = root.file(path.as_bytes()).and_then(|mut file| {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    });
    assert_eq!(read.as_deref().map_err(|e| e.to_string()), expected.map_err(str::to_owned));
}

#[test]
fn a_regular_file_is_read() {
    check("f 0644 a/b=hi", "a/b", Ok("hi"));
}

#[test]
fn a_link_is_never_followed() {
    check("f 0644 a=hi\nl b -> a", "b", Err("open `b`: too many levels of symbolic links"));
    check("f 0644 a/f=hi\nl b -> a", "b/f", Err("open `b/f`: too many levels of symbolic links"));
}

#[test]
fn the_root_cannot_be_left() {
    check("f 0644 a=hi", "../r/a", Err("open `../r/a`: invalid cross-device link"));
    check("f 0644 a=hi", "/etc/passwd", Err("open `/etc/passwd`: invalid cross-device link"));
}

#[test]
fn only_regular_files_are_opened_and_a_fifo_does_not_block() {
    check("p 0600 fifo", "fifo", Err("open `fifo`: not a regular file"));
    check("d 0755 dir", "dir", Err("open `dir`: not a regular file"));
}

#[test]
fn a_path_longer_than_the_kernel_takes_is_walked() {
    let scratch = Scratch::new();
    let root = scratch.root("r", "");
    let deep = vec!["d".repeat(200); 30].join("/");
    make_deep(&scratch.0.join("r"), &deep);
    let mut text = String::new();
    root.file(format!("{deep}/f").as_bytes()).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "deep");
    assert!(root.file(format!("{deep}/../x/f").as_bytes()).is_err());
}

fn make_deep(root: &std::path::Path, deep: &str) {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let mut dir = openat(CWD, root, OFlags::DIRECTORY, Mode::empty()).unwrap();
    for part in deep.split('/') {
        mkdirat(&dir, part, Mode::RWXU).unwrap();
        dir = openat(&dir, part, OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let file = openat(&dir, "f", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
    rustix::io::write(file, b"deep").unwrap();
}

#[test]
fn a_path_through_a_file_is_nothing() {
    let scratch = Scratch::new();
    let root = scratch.root("r", "f 0644 a=hi\nl l -> a");
    assert!(root.stat(b"a/b").unwrap().is_none());
    assert!(root.stat(b"l/b").unwrap().is_none());
    assert!(root.stat(b"l").unwrap().is_some());
    assert!(root.stat(b"").unwrap().is_some());
}

#[test]
fn links_and_attributes_are_read_of_the_object_itself() {
    let scratch = Scratch::new();
    let root = scratch.root("r", "f 0644 a=hi\nl l -> a\na a user.k=v");
    assert_eq!(root.readlink(b"l").unwrap(), b"a");
    assert_eq!(root.xattrs(b"a").unwrap(), [(b"user.k".to_vec(), b"v".to_vec())]);
    assert_eq!(root.xattrs(b"l").unwrap(), []);
}

#[test]
fn long_attributes_come_whole() {
    let scratch = Scratch::new();
    let root = scratch.root("r", &format!("f 0644 a=hi\na a user.k={}", "v".repeat(1500)));
    assert_eq!(root.xattrs(b"a").unwrap()[0].1.len(), 1500);
}

#[test]
fn a_directory_swapped_for_a_link_while_it_is_read_leads_nowhere() {
    let scratch = Scratch::new();
    let root = scratch.root("r", "d 0755 d\nf 0644 d/f=inside");
    let outside = scratch.root("outside", "f 0644 f=secret");
    let (d, link) = (scratch.0.join("r/d"), scratch.0.join("r/l"));
    std::os::unix::fs::symlink(outside.path(), &link).unwrap();
    let swapping = std::thread::spawn(move || {
        for _ in 0..2000 {
            let exchange = rustix::fs::RenameFlags::EXCHANGE;
            rustix::fs::renameat_with(rustix::fs::CWD, &d, rustix::fs::CWD, &link, exchange).unwrap();
        }
        std::thread::sleep(Duration::from_millis(1));
    });
    while !swapping.is_finished() {
        let mut text = String::new();
        if let Ok(mut file) = root.file(b"d/f") {
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, "inside");
        }
    }
    swapping.join().unwrap();
}
