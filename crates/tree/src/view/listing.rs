//! A list of changes as one layer of a view: what a folder would hold if they were materialised.
//!
//! The bytes stay where the list says they are, so a layer that is only looked at is never copied.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use crate::entry::{Change, Entry, Kind, Path, Source, Time};
use crate::found::{Known, Shape, Unread, join, split};
use crate::root::{Ident, Stat, Type, at};

/// A list that can be looked up.
#[derive(Debug)]
pub struct Listing {
    changes: Arc<Vec<Change>>,
    nodes: HashMap<Path, Node>,
    /// What is in a directory, by number.
    children: HashMap<Vec<u8>, Vec<u32>>,
}

#[derive(Debug)]
struct Node {
    /// Which change it is; a removal is a name that is gone.
    number: u32,
    /// Nothing of the layers below shows through.
    opaque: bool,
}

impl Listing {
    /// Of a layer's canonical changes without hard links.
    ///
    /// # Errors
    /// If there is one.
    pub fn new(changes: &Arc<Vec<Change>>) -> io::Result<Arc<Listing>> {
        let mut listing =
            Listing { changes: changes.clone(), nodes: HashMap::new(), children: HashMap::new() };
        let mut gone = Vec::new();
        for (change, number) in changes.iter().zip(0..) {
            match change {
                Change::Put(Entry { path, kind: Kind::Hardlink { .. }, .. }) => {
                    return Err(at("look at", path, io::Error::other("a hard link in a list")));
                }
                Change::Put(entry) => listing.add(entry.path.clone(), number),
                Change::Opaque(path) => listing.mark(path),
                Change::Remove(path) => gone.push((path, number)),
            }
        }
        // What the same layer puts in place of what it removes hides it just as well, if it lets nothing through.
        for (path, number) in gone {
            match listing.nodes.contains_key(path.as_slice()) {
                true => listing.mark(path),
                false => listing.add(path.as_slice().into(), number),
            }
        }
        Ok(Arc::new(listing))
    }

    fn add(&mut self, path: Path, number: u32) {
        if let Some((dir, _)) = split(&path) {
            match self.children.get_mut(dir) {
                Some(children) => children.push(number),
                None => drop(self.children.insert(dir.to_vec(), vec![number])),
            }
        }
        self.nodes.insert(path, Node { number, opaque: false });
    }

    fn mark(&mut self, path: &[u8]) {
        if let Some(node) = self.nodes.get_mut(path) {
            node.opaque = true;
        }
    }

    fn change(&self, number: u32) -> &Change {
        &self.changes[number as usize]
    }

    /// The object at a path; not a name that is gone.
    fn put(&self, path: &[u8]) -> Option<&Entry> {
        match self.change(self.nodes.get(path)?.number) {
            Change::Put(entry) => Some(entry),
            Change::Opaque(_) | Change::Remove(_) => None,
        }
    }

    pub(crate) fn names(&self, dir: &[u8]) -> Vec<Vec<u8>> {
        let children = self.children.get(dir).into_iter().flatten();
        let mut names: Vec<Vec<u8>> =
            children.filter_map(|&i| Some(split(self.change(i).path())?.1.to_vec())).collect();
        names.sort();
        names
    }

    pub(crate) fn stat(&self, path: &[u8]) -> Option<Stat> {
        let number = self.nodes.get(path)?.number;
        Some(self.put(path).map_or(GONE, |entry| stat(entry, number)))
    }

    pub(crate) fn is_opaque(&self, path: &[u8]) -> bool {
        self.nodes.get(path).is_some_and(|node| node.opaque)
    }

    pub(crate) fn entry(&self, path: &[u8]) -> io::Result<&Entry> {
        self.put(path).ok_or_else(|| at("look at", path, io::Error::from(io::ErrorKind::NotFound)))
    }

    pub(crate) fn source(&self, path: &[u8]) -> io::Result<&Source> {
        match &self.entry(path)?.kind {
            Kind::File { source, .. } => Ok(source),
            _ => Err(at("open", path, io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))),
        }
    }

    pub(crate) fn shape(&self, path: &[u8]) -> io::Result<Option<Shape>> {
        let Some(entry) = self.put(path) else { return Ok(None) };
        Ok(Some(match &entry.kind {
            Kind::Dir => Shape::Dir,
            Kind::File { size, content, source } => Shape::File(Unread {
                source: source.clone(),
                known: Known::Digest(*size, *content),
                inode: None,
            }),
            Kind::Symlink { target } => Shape::Symlink { target: target.clone() },
            Kind::Fifo => Shape::Fifo,
            Kind::Char { major, minor } => Shape::Char { major: *major, minor: *minor },
            Kind::Block { major, minor } => Shape::Block { major: *major, minor: *minor },
            Kind::Hardlink { .. } => return Ok(None),
        }))
    }

    /// One directory of it.
    pub(crate) fn dir(self: &Arc<Listing>, path: &[u8]) -> ListedDir {
        ListedDir { listing: self.clone(), path: path.to_vec() }
    }
}

/// A directory of a list.
#[derive(Debug)]
pub(crate) struct ListedDir {
    pub listing: Arc<Listing>,
    pub path: Vec<u8>,
}

impl ListedDir {
    pub(crate) fn join(&self, name: &[u8]) -> Vec<u8> {
        if name == b"." { self.path.clone() } else { join(&self.path, name) }
    }
}

/// An inode that is on no device.
const NOWHERE: Ident = Ident {
    dev: u64::MAX,
    ino: 0,
    size: 0,
    mtime: Time { sec: 0, nsec: 0 },
    ctime: Time { sec: 0, nsec: 0 },
};

/// A name that is gone.
const GONE: Stat =
    Stat { kind: Type::Char { major: 0, minor: 0 }, mode: 0, uid: 0, gid: 0, nlink: 1, ident: NOWHERE };

fn stat(entry: &Entry, number: u32) -> Stat {
    let (kind, size) = match &entry.kind {
        Kind::Dir => (Type::Dir, 0),
        Kind::File { size, .. } => (Type::File, *size),
        Kind::Symlink { target } => (Type::Symlink, target.len() as u64),
        Kind::Fifo => (Type::Fifo, 0),
        Kind::Char { major, minor } => (Type::Char { major: *major, minor: *minor }, 0),
        Kind::Block { major, minor } => (Type::Block { major: *major, minor: *minor }, 0),
        Kind::Hardlink { .. } => unreachable!("a list with one is refused"),
    };
    let meta = &entry.meta;
    let ident = Ident { ino: number.into(), size, mtime: meta.mtime, ..NOWHERE };
    Stat { kind, mode: meta.mode, uid: meta.uid, gid: meta.gid, nlink: 1, ident }
}
