//! The model that every other file here speaks: an [`Entry`] is a file system object as a layer holds it,
//! a [`Change`] is what a layer does to the tree below it.
//!
//! Paths are bytes, relative to the root, without a leading or trailing slash, never with `.` or `..`;
//! the root itself is the empty path. A list of changes is canonical when it is sorted by
//! [`Change::order`]: parents before children, and what is removed before what is put.

use std::cmp::Ordering;
use std::sync::Arc;

pub use crate::path::Path;
use crate::root::Root;
pub use crate::xattr::Xattrs;

/// A time as file systems keep it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time {
    /// Seconds since 1970, before it negative.
    pub sec: i64,
    /// Nanoseconds within the second.
    pub nsec: u32,
}

/// What is true of an object besides what it holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Meta {
    /// The twelve permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner, as a process in the image sees it.
    pub uid: u32,
    /// Group, as a process in the image sees it.
    pub gid: u32,
    /// When the content last changed.
    pub mtime: Time,
    /// Extended attributes by name, without overlayfs's own.
    pub xattrs: Xattrs,
}

/// The BLAKE3 of a file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Content(pub [u8; 32]);

/// Where a file's bytes are read from when they are needed.
#[derive(Clone, Debug)]
pub enum Source {
    /// A regular file below an opened folder; links on the way are never followed.
    Disk {
        /// The opened folder.
        root: Arc<Root>,
        /// The file's path below it.
        path: Path,
    },
    /// Bytes in memory: here-documents and the like.
    Bytes(Arc<[u8]>),
}

/// What kind of object it is, with what it holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A directory.
    Dir,
    /// A regular file.
    File {
        /// Bytes.
        size: u64,
        /// Digest of the bytes.
        content: Content,
        /// Where the bytes are.
        source: Source,
    },
    /// A symbolic link.
    Symlink {
        /// The target, as written.
        target: Vec<u8>,
    },
    /// Another name of a regular file that the same layer puts.
    Hardlink {
        /// The path of the first name, in canonical order.
        target: Vec<u8>,
    },
    /// A named pipe.
    Fifo,
    /// A character device.
    Char {
        /// Device numbers.
        major: u32,
        /// Device numbers.
        minor: u32,
    },
    /// A block device.
    Block {
        /// Device numbers.
        major: u32,
        /// Device numbers.
        minor: u32,
    },
}

/// An object at a path.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it is.
    pub path: Path,
    /// Mode, owner, time, attributes.
    pub meta: Meta,
    /// What it is.
    pub kind: Kind,
}

/// What a layer does at one path.
#[derive(Clone, Debug)]
pub enum Change {
    /// Whatever the layers below have at this path is gone.
    Remove(Vec<u8>),
    /// Whatever the layers below have under this directory is gone; the directory itself is put.
    Opaque(Vec<u8>),
    /// The object is there.
    Put(Entry),
}

impl Change {
    /// The path that is changed.
    pub fn path(&self) -> &[u8] {
        match self {
            Change::Remove(path) | Change::Opaque(path) => path,
            Change::Put(entry) => &entry.path,
        }
    }

    /// The key of the canonical order: by components, so that `a/b` comes before `a-b`, and at one path
    /// the directory, then its opaque mark, then a removal. A hard link's target is the first of its names
    /// in this order.
    pub fn order(&self) -> (PathOrder<'_>, u8) {
        let rank = match self {
            Change::Put(_) => 0,
            Change::Opaque(_) => 1,
            Change::Remove(_) => 2,
        };
        (PathOrder(self.path()), rank)
    }
}

/// A path that compares by components: the slash is smaller than any byte that a name can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PathOrder<'a>(pub &'a [u8]);

impl Ord for PathOrder<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
        match self.0.iter().zip(other.0).find(|(a, b)| a != b) {
            Some((&a, &b)) => rank(a).cmp(&rank(b)),
            None => self.0.len().cmp(&other.0.len()),
        }
    }
}

impl PartialOrd for PathOrder<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Sorts into the canonical order.
pub fn sort(changes: &mut [Change]) {
    changes.sort_by(|a, b| a.order().cmp(&b.order()));
}
