//! What a walk saw and nobody has read yet: an [`Entry`](crate::Entry) without its content's digest.
//!
//! Made by `scan` (a build context) and `view` (layers), placed elsewhere by `copy`, made an entry by
//! `hash`. Walking and hashing are apart because a `COPY` of one file must not read the whole context.

use std::io;
use std::sync::Arc;

use crate::entry::{Content, Meta, Path, PathOrder, Source};
use crate::root::{Dir, Ident, Root, Stat, Type};

/// An object that a walk met.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it is.
    pub path: Path,
    /// Mode, owner, time, attributes.
    pub meta: Meta,
    /// What it is.
    pub shape: Shape,
}

/// What kind of object it is; a file's bytes are still on disk.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Shape {
    Dir,
    File(Unread),
    Symlink { target: Vec<u8> },
    Fifo,
    Char { major: u32, minor: u32 },
    Block { major: u32, minor: u32 },
}

/// A regular file that has not been read.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Where the bytes are.
    pub source: Source,
    /// What is known of them.
    pub known: Known,
    /// Which inode, where it may have other names.
    pub inode: Option<Box<Inode>>,
}

/// What is known of a file's bytes before they are read.
#[derive(Clone, Copy, Debug)]
pub enum Known {
    /// Nothing.
    Nothing,
    /// Which inode they are in, and its state.
    Inode(Ident),
    /// How many there are and their digest: somebody has read them.
    Digest(u64, Content),
}

/// Tells the names of one file from those of others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Inode {
    /// Where the number counts; a store may share equal files between layers, images don't.
    pub(crate) space: usize,
    pub(crate) dev: u64,
    pub(crate) ino: u64,
}

impl Found {
    /// A file of bytes in memory.
    pub fn bytes(path: Vec<u8>, meta: Meta, bytes: Arc<[u8]>) -> Found {
        let file = Unread { source: Source::Bytes(bytes), known: Known::Nothing, inode: None };
        Found { path: path.into(), meta, shape: Shape::File(file) }
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        matches!(self.shape, Shape::Dir)
    }
}

impl Unread {
    /// Which inode in which state, for files on disk that nobody has read.
    pub fn ident(&self) -> Option<Ident> {
        match self.known {
            Known::Inode(ident) => Some(ident),
            Known::Nothing | Known::Digest(..) => None,
        }
    }
}

/// Sorts into the canonical order: parents before children.
pub(crate) fn sort(found: &mut [Found]) {
    found.sort_by(|a, b| PathOrder(&a.path).cmp(&PathOrder(&b.path)));
}

/// What `name` in an opened directory is, or nothing for what no layer can hold: a socket, and the device
/// that is overlayfs's mark for a name that is gone.
pub(crate) fn shape(
    dir: &Dir,
    name: &[u8],
    stat: &Stat,
    root: &Arc<Root>,
    path: &Path,
) -> io::Result<Option<Shape>> {
    Ok(Some(match stat.kind {
        Type::Dir => Shape::Dir,
        Type::File => Shape::File(unread(stat, root, path)),
        Type::Symlink => Shape::Symlink { target: dir.readlink(name)? },
        Type::Fifo => Shape::Fifo,
        Type::Socket | Type::Char { major: 0, minor: 0 } => return Ok(None),
        Type::Char { major, minor } => Shape::Char { major, minor },
        Type::Block { major, minor } => Shape::Block { major, minor },
    }))
}

fn unread(stat: &Stat, root: &Arc<Root>, path: &Path) -> Unread {
    let inode = || Inode { space: Arc::as_ptr(root).addr(), dev: stat.ident.dev, ino: stat.ident.ino };
    let source = Source::Disk { root: root.clone(), path: path.clone() };
    Unread { source, known: Known::Inode(stat.ident), inode: (stat.nlink > 1).then(|| inode().into()) }
}

/// `dir/name`, and `name` in the root.
pub fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() {
        return name.to_vec();
    }
    let mut path = Vec::with_capacity(dir.len() + 1 + name.len());
    path.extend_from_slice(dir);
    path.push(b'/');
    path.extend_from_slice(name);
    path
}

/// The directory that holds `path` and its name there; the root has neither.
pub(crate) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.is_empty() {
        return None;
    }
    Some(match path.iter().rposition(|&b| b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    })
}

/// Whether `path` is `dir` or below it.
pub(crate) fn within(path: &[u8], dir: &[u8]) -> bool {
    dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// The directories above `path`, outermost first, without the root.
pub(crate) fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| &path[..i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Change, Entry};

    #[test]
    fn lists_of_a_million_fit_into_memory() {
        // A build holds a list of each of these at once.
        assert!(size_of::<Found>() <= 152, "{}", size_of::<Found>());
        assert!(size_of::<Entry>() <= 128, "{}", size_of::<Entry>());
        assert_eq!(size_of::<Change>(), size_of::<Entry>());
    }
}
