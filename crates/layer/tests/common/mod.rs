//! What the tests share: a scratch folder, short ways to make changes, and a folder as text.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use layer::header::{Fields, Header};
use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use tree::{Change, Content, Entry, Kind, Meta, Source, Time};

/// The same cases in every run.
pub fn config(cases: u32) -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(20_261_122);
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

/// A folder that goes away with the test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("layer-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Owned by whoever runs the test, as an ordinary user can't give files away.
pub fn meta(mode: u32) -> Meta {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Meta { mode, uid, gid, mtime: Time { sec: 1_700_000_000, nsec: 0 }, xattrs: Default::default() }
}

pub fn entry(path: &str, mode: u32, kind: Kind) -> Entry {
    Entry { path: path.into(), meta: meta(mode), kind }
}

pub fn dir(path: &str) -> Change {
    Change::Put(entry(path, 0o755, Kind::Dir))
}

pub fn content(bytes: &[u8]) -> Kind {
    let content = Content(*blake3::hash(bytes).as_bytes());
    Kind::File { size: bytes.len() as u64, content, source: Source::Bytes(bytes.into()) }
}

pub fn file(path: &str, bytes: &str) -> Change {
    Change::Put(entry(path, 0o644, content(bytes.as_bytes())))
}

pub fn symlink(path: &str, target: &str) -> Change {
    Change::Put(entry(path, 0o777, Kind::Symlink { target: target.into() }))
}

pub fn hardlink(path: &str, target: &str) -> Change {
    Change::Put(entry(path, 0o644, Kind::Hardlink { target: target.into() }))
}

pub fn remove(path: &str) -> Change {
    Change::Remove(path.into())
}

pub fn opaque(path: &str) -> Change {
    Change::Opaque(path.into())
}

/// The folder as sorted lines: path, and what is there.
pub fn listing(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    list(root, root, &mut lines);
    lines.sort();
    lines
}

fn list(root: &Path, dir: &Path, lines: &mut Vec<String>) {
    for found in fs::read_dir(dir).unwrap() {
        let path = found.unwrap().path();
        let name =
            String::from_utf8_lossy(path.strip_prefix(root).unwrap().as_os_str().as_bytes()).into_owned();
        lines.push(format!("{name} {}", describe(&path)));
        if path.symlink_metadata().unwrap().is_dir() {
            list(root, &path, lines);
        }
    }
}

fn describe(path: &Path) -> String {
    let stat = path.symlink_metadata().unwrap();
    let kind = stat.file_type();
    let mode = stat.mode() & 0o7777;
    if kind.is_symlink() {
        return format!("-> {}", fs::read_link(path).unwrap().display());
    }
    if kind.is_char_device() && stat.rdev() == 0 {
        return "whiteout".into();
    }
    if kind.is_dir() {
        return format!("dir {mode:o}{}", if is_opaque(path) { " opaque" } else { "" });
    }
    if kind.is_file() {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        return format!("{mode:o} `{text}`");
    }
    if kind.is_fifo() { format!("fifo {mode:o}") } else { "device".into() }
}

pub fn is_opaque(path: &Path) -> bool {
    xattr(path, "user.overlay.opaque").as_deref() == Some(b"y")
}

pub fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 1024];
    let count = rustix::fs::lgetxattr(path, name, &mut buffer[..]).ok()?;
    buffer.truncate(count);
    Some(buffer)
}

pub fn mtime(path: &Path) -> Time {
    let stat = path.symlink_metadata().unwrap();
    Time { sec: stat.mtime(), nsec: stat.mtime_nsec() as u32 }
}

/// A member by hand: header, data, padding.
pub fn block(flag: u8, path: &str, data: &[u8]) -> Vec<u8> {
    linked(flag, path, "", data)
}

pub fn linked(flag: u8, path: &str, link: &str, data: &[u8]) -> Vec<u8> {
    let fields =
        Fields { flag, path: path.as_bytes(), link: link.as_bytes(), size: data.len() as u64, ..own() };
    let mut bytes = Header::ustar(&fields).0.0.to_vec();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    block(b'x', "p", &encode(records))
}

pub fn encode(records: &[(&str, &str)]) -> Vec<u8> {
    let mut all = layer::pax::Records::default();
    records.iter().for_each(|(key, value)| all.set(key, *value));
    all.encode()
}

pub fn archive(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 1024]].concat()
}

fn own() -> Fields<'static> {
    let meta = meta(0);
    Fields { mode: 0o755, uid: meta.uid, gid: meta.gid, mtime: meta.mtime.sec, ..Fields::default() }
}
