//! A layer's canonical changes as one file.
//!
//! ```text
//! "tare changes 1\n", then records, each
//!   u8 kind   0 remove, 1 opaque, 2 dir, 3 file, 4 symlink, 5 hardlink, 6 fifo, 7 char, 8 block
//!   path      u32 length, bytes
//!   (kinds 2 and up)  u32 mode, u32 uid, u32 gid, i64 seconds, u32 nanoseconds,
//!                     u32 count of xattrs, each name and value as u32 length, bytes
//!   file      u64 size, 32 bytes of BLAKE3       symlink, hardlink   target as u32 length, bytes
//!   devices   u32 major, u32 minor
//! ```
//! Numbers are little-endian. Where a file's bytes are is not written: they are in the layer's folder.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use tree::root::Root;
use tree::{Change, Content, Entry, Kind, Meta, Source, Time, Xattrs};

const MAGIC: &[u8] = b"tare changes 1\n";

/// Writes a list, whose bytes are never in memory as a whole.
///
/// # Errors
/// If `out` can't be written to.
pub fn encode(changes: &[Change], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(MAGIC)?;
    let mut bytes = Vec::new();
    changes.iter().try_for_each(|change| {
        bytes.clear();
        put_change(&mut bytes, change);
        out.write_all(&bytes)
    })
}

fn put_change(out: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Remove(path) => put_head(out, 0, path),
        Change::Opaque(path) => put_head(out, 1, path),
        Change::Put(entry) => {
            put_head(out, kind_number(&entry.kind), &entry.path);
            put_meta(out, &entry.meta);
            put_kind(out, &entry.kind);
        }
    }
}

fn put_head(out: &mut Vec<u8>, kind: u8, path: &[u8]) {
    out.push(kind);
    put_bytes(out, path);
}

fn kind_number(kind: &Kind) -> u8 {
    match kind {
        Kind::Dir => 2,
        Kind::File { .. } => 3,
        Kind::Symlink { .. } => 4,
        Kind::Hardlink { .. } => 5,
        Kind::Fifo => 6,
        Kind::Char { .. } => 7,
        Kind::Block { .. } => 8,
    }
}

fn put_meta(out: &mut Vec<u8>, meta: &Meta) {
    [meta.mode, meta.uid, meta.gid].iter().for_each(|n| out.extend(n.to_le_bytes()));
    out.extend(meta.mtime.sec.to_le_bytes());
    out.extend(meta.mtime.nsec.to_le_bytes());
    out.extend((meta.xattrs.len() as u32).to_le_bytes());
    for (name, value) in &meta.xattrs {
        put_bytes(out, name);
        put_bytes(out, value);
    }
}

fn put_kind(out: &mut Vec<u8>, kind: &Kind) {
    match kind {
        Kind::Dir | Kind::Fifo => {}
        Kind::File { size, content, .. } => {
            out.extend(size.to_le_bytes());
            out.extend(content.0);
        }
        Kind::Symlink { target } | Kind::Hardlink { target } => put_bytes(out, target),
        Kind::Char { major, minor } | Kind::Block { major, minor } => {
            [major, minor].iter().for_each(|n| out.extend(n.to_le_bytes()));
        }
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

/// Reads a list back; the files' bytes are those below `fs`, if there is such a folder.
///
/// # Errors
/// If the file can't be read or is not such a list.
pub fn read(path: &Path, fs: Option<&Arc<Root>>) -> io::Result<Vec<Change>> {
    let bytes = std::fs::read(path)?;
    decode(&bytes, fs).ok_or_else(|| io::Error::other("not a list of changes"))
}

fn decode(bytes: &[u8], root: Option<&Arc<Root>>) -> Option<Vec<Change>> {
    let mut input = Input(bytes.strip_prefix(MAGIC)?);
    let mut changes = Vec::new();
    while !input.0.is_empty() {
        changes.push(input.change(root)?);
    }
    Some(changes)
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn change(&mut self, root: Option<&Arc<Root>>) -> Option<Change> {
        let kind = self.take(1)?[0];
        let path = self.bytes()?;
        Some(match kind {
            0 => Change::Remove(path),
            1 => Change::Opaque(path),
            _ => {
                let path = tree::Path::from(path);
                let meta = self.meta()?;
                let kind = self.kind(kind, &path, root)?;
                Change::Put(Entry { path, meta, kind })
            }
        })
    }

    fn meta(&mut self) -> Option<Meta> {
        let (mode, uid, gid) = (self.u32()?, self.u32()?, self.u32()?);
        let mtime = Time { sec: self.u64()? as i64, nsec: self.u32()? };
        let pairs = (0..self.u32()?).map(|_| Some((self.bytes()?, self.bytes()?)));
        let xattrs = pairs.collect::<Option<Xattrs>>()?;
        Some(Meta { mode, uid, gid, mtime, xattrs })
    }

    fn kind(&mut self, kind: u8, path: &tree::Path, root: Option<&Arc<Root>>) -> Option<Kind> {
        Some(match kind {
            2 => Kind::Dir,
            3 => self.file(path, root)?,
            4 => Kind::Symlink { target: self.bytes()? },
            5 => Kind::Hardlink { target: self.bytes()? },
            6 => Kind::Fifo,
            7 => Kind::Char { major: self.u32()?, minor: self.u32()? },
            8 => Kind::Block { major: self.u32()?, minor: self.u32()? },
            _ => return None,
        })
    }

    fn file(&mut self, path: &tree::Path, root: Option<&Arc<Root>>) -> Option<Kind> {
        let size = self.u64()?;
        let content = Content(self.take(32)?.try_into().ok()?);
        let source = match root {
            Some(root) => Source::Disk { root: root.clone(), path: path.clone() },
            None => Source::Bytes(Arc::new([])),
        };
        Some(Kind::File { size, content, source })
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = self.u32()? as usize;
        Some(self.take(length)?.to_vec())
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &str, kind: Kind) -> Change {
        let mut meta =
            Meta { mode: 0o4755, uid: 1, gid: 65534, mtime: Time { sec: -1, nsec: 5 }, ..Meta::default() };
        meta.xattrs.insert(b"user.x".to_vec(), vec![0, 1]);
        Change::Put(Entry { path: path.into(), meta, kind })
    }

    fn encoded(changes: &[Change]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(changes, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn every_kind_comes_back() {
        let file = Kind::File { size: 3, content: Content([7; 32]), source: Source::Bytes(Arc::new([])) };
        let all = vec![
            Change::Remove(b"gone".to_vec()),
            Change::Opaque(b"d".to_vec()),
            put("d", Kind::Dir),
            put("f", file),
            put("s", Kind::Symlink { target: b"../f".to_vec() }),
            put("h", Kind::Hardlink { target: b"f".to_vec() }),
            put("p", Kind::Fifo),
            put("c", Kind::Char { major: 1, minor: 3 }),
            put("b", Kind::Block { major: 8, minor: 0 }),
        ];
        let bytes = encoded(&all);
        let back = decode(&bytes, None).unwrap();
        assert_eq!(encoded(&back), bytes);
        assert_eq!(format!("{back:?}"), format!("{all:?}"));
    }

    #[test]
    fn a_cut_list_is_refused() {
        let bytes = encoded(&[Change::Remove(b"gone".to_vec())]);
        for end in 0..bytes.len() {
            let whole = end == MAGIC.len();
            assert_eq!(decode(&bytes[..end], None).is_some(), whole, "{end}");
        }
    }
}
