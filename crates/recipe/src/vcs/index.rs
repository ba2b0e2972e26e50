//! git's index: what the next commit would have, and how the files looked when they were taken into it.
//!
//! ```text
//! 'DIRC' | version 2, 3 or 4 | count | entries, sorted by path | extensions | hash
//! entry: ctime mtime dev ino mode uid gid size (32 bits each) | id | flags | path
//! extension: name | size | content; ours is `TREE`, the ids of the folders that are as they were written
//! ```
//! See git's index-format documentation.

use super::Read;
use super::object::Id;

/// The index.
pub struct Index {
    /// Its entries, sorted by path.
    pub entries: Vec<Entry>,
    /// The folders whose trees are known, from the top on.
    pub trees: Option<Tree>,
}

/// A file.
pub struct Entry {
    /// From the top of the work tree on.
    pub path: Vec<u8>,
    /// `0o100644`, `0o100755`, `0o120000`, or a submodule's `0o160000`.
    pub mode: u32,
    /// Its content.
    pub id: Id,
    /// Seconds and nanoseconds.
    pub mtime: (u32, u32),
    /// Zero where git doubts the time: the content has to be looked at.
    pub size: u32,
    /// One side of a conflict.
    pub in_conflict: bool,
    /// The user told git not to look: assume-unchanged, skip-worktree.
    pub is_assumed: bool,
    /// Announced, without content yet.
    pub is_intended: bool,
}

/// A folder of the `TREE` extension.
pub struct Tree {
    /// Its name; the top has none.
    pub name: Vec<u8>,
    /// How many entries are below, and the tree that they were written to; none if something changed since.
    pub written: Option<(usize, Id)>,
    /// Its folders.
    pub below: Vec<Tree>,
}

/// Folders in folders, at most; a path is at most half as many bytes.
const DEEPEST: usize = 2048;

impl Index {
    /// Reads an index.
    pub fn parse(bytes: &[u8]) -> Read<Index> {
        let mut reader = Reader { bytes };
        reader.index().ok_or_else(|| "the index is malformed, or of a form that isn't read here".to_owned())
    }
}

impl Tree {
    /// A folder of this one.
    pub fn folder(&self, name: &[u8]) -> Option<&Tree> {
        self.below.iter().find(|tree| tree.name == name)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn index(&mut self) -> Option<Index> {
        if self.take(4)? != b"DIRC" {
            return None;
        }
        let version = self.number().filter(|v| (2..=4).contains(v))?;
        let count = self.number()?;
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..count {
            let entry = self.entry(version, entries.last().map_or(&[], |e: &Entry| &e.path))?;
            entries.push(entry);
        }
        Some(Index { entries, trees: self.extensions()? })
    }

    fn entry(&mut self, version: u32, before: &[u8]) -> Option<Entry> {
        let length = self.bytes.len();
        self.take(8)?;
        let mtime = (self.number()?, self.number()?);
        self.take(8)?;
        let mode = self.number()?;
        self.take(8)?;
        let size = self.number()?;
        let id = Id::of(self.take(20)?)?;
        let flags = self.short()?;
        let more = if flags & 0x4000 != 0 { self.short()? } else { 0 };
        let path = if version == 4 { self.path_after(before)? } else { self.text()? };
        if version < 4 {
            // The end was the first of one to eight zeros that make the entry's length a multiple of eight.
            let used = length - self.bytes.len() - 1;
            self.take(7 - used % 8)?;
        }
        Some(Entry {
            path,
            mode,
            id,
            mtime,
            size,
            in_conflict: flags & 0x3000 != 0,
            is_assumed: flags & 0x8000 != 0 || more & 0x4000 != 0,
            is_intended: more & 0x2000 != 0,
        })
    }

    /// How much of the path before to take off, and what to put on.
    fn path_after(&mut self, before: &[u8]) -> Option<Vec<u8>> {
        let mut byte = self.take(1)?[0];
        let mut off = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.take(1)?[0];
            off = off.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7f);
        }
        let mut path = before[..before.len().checked_sub(off)?].to_vec();
        path.extend(self.text()?);
        Some(path)
    }

    /// What stands in front of the hash. One that has to be understood (its name is in small letters) and isn't,
    /// as that of an index in two files, makes the whole unreadable.
    fn extensions(&mut self) -> Option<Option<Tree>> {
        let mut trees = None;
        while self.bytes.len() > 20 {
            let name = self.take(4)?;
            let length = self.number()?;
            let content = self.take(length as usize)?;
            match name {
                b"TREE" => trees = Reader { bytes: content }.tree(DEEPEST),
                // `sdir`: folders that aren't checked out stand as entries, and are marked as not to be looked at.
                b"sdir" => {}
                [b'A'..=b'Z', ..] => {}
                _ => return None,
            }
        }
        Some(trees)
    }

    fn tree(&mut self, deepest: usize) -> Option<Tree> {
        let name = self.text()?;
        let count: i64 = self.decimal(b' ')?;
        let folders: usize = self.decimal(b'\n')?;
        let written = match usize::try_from(count) {
            Ok(count) => Some((count, Id::of(self.take(20)?)?)),
            Err(_) => None,
        };
        let mut below = Vec::new();
        for _ in 0..folders {
            below.push(self.tree(deepest.checked_sub(1)?)?);
        }
        Some(Tree { name, written, below })
    }

    fn decimal<T: std::str::FromStr>(&mut self, end: u8) -> Option<T> {
        let at = self.bytes.iter().position(|b| *b == end)?;
        let text = std::str::from_utf8(self.take(at)?).ok()?;
        self.take(1)?;
        text.parse().ok()
    }

    /// Up to a zero, which is taken too.
    fn text(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.iter().position(|b| *b == 0)?;
        let text = self.take(end)?.to_vec();
        self.take(1)?;
        Some(text)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }
}
