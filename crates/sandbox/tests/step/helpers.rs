//! Short ways to say what a case needs.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use sandbox::{Mount, MountKind, Step};

use crate::world::run;

/// The table of a file's cases.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub const CASES: &[Case] = &[$((stringify!($name), $name)),*];
    };
}

pub fn check(step: &Step, expected: &str) {
    assert_eq!(run(step).ok(), expected);
}

pub fn names(dir: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(dir).expect("list");
    let mut names: Vec<OsString> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names
}

pub fn mount(target: &str, kind: MountKind) -> Mount {
    Mount { target: target.into(), kind }
}

pub fn bind(source: &Path, target: &str, readonly: bool) -> Mount {
    mount(target, MountKind::Bind { source: source.into(), readonly, recursive: true })
}

pub fn secret(target: &str, contents: &[u8], mode: u32) -> Mount {
    mount(target, MountKind::File { contents: contents.into(), mode, uid: 0, gid: 0, readonly: true })
}
