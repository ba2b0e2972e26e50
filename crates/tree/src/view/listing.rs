//! A list of changes as one layer of a view: what a folder would hold if they were materialised.
//!
//! The bytes stay where the list says they are, so a layer that is only looked at is never copied.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use crate::entry::{Change, Entry, Kind, Source, Time};
use crate::found::{Inode, Shape, Unread, join, split};
use crate::root::{Ident, Stat, Type, at};

/// A list that can be looked up.
#[derive(Debug)]
pub struct Listing {
    nodes: HashMap<Vec<u8>, Node>,
    children: HashMap<Vec<u8>, Vec<Vec<u8>>>,
}

#[derive(Debug)]
struct Node {
    stat: Stat,
    /// Nothing of the layers below shows through.
    opaque: bool,
    /// None for a name that is gone.
    entry: Option<Entry>,
}

impl Listing {
    /// Of a layer's canonical changes without hard links.
    ///
    /// # Errors
    /// If there is one.
    pub fn new(changes: &[Change]) -> io::Result<Arc<Listing>> {
        let mut listing = Listing { nodes: HashMap::new(), children: HashMap::new() };
        let mut gone = Vec::new();
        for (i, change) in changes.iter().enumerate() {
            match change {
                Change::Put(entry) => listing.put(entry, i)?,
                Change::Opaque(path) => listing.mark(path),
                Change::Remove(path) => gone.push(path),
            }
        }
        // What the same layer puts in place of what it removes hides it just as well, if it lets nothing through.
        for path in gone {
            match listing.nodes.contains_key(path) {
                true => listing.mark(path),
                false => listing.add(path, whiteout()),
            }
        }
        listing.children.values_mut().for_each(|names| names.sort());
        Ok(Arc::new(listing))
    }

    fn put(&mut self, entry: &Entry, number: usize) -> io::Result<()> {
        let (kind, size) = match &entry.kind {
            Kind::Dir => (Type::Dir, 0),
            Kind::File { size, .. } => (Type::File, *size),
            Kind::Symlink { target } => (Type::Symlink, target.len() as u64),
            Kind::Fifo => (Type::Fifo, 0),
            Kind::Char { major, minor } => (Type::Char { major: *major, minor: *minor }, 0),
            Kind::Block { major, minor } => (Type::Block { major: *major, minor: *minor }, 0),
            Kind::Hardlink { .. } => {
                return Err(at("look at", &entry.path, io::Error::other("a hard link in a list")));
            }
        };
        let meta = &entry.meta;
        let ident = Ident { ino: number as u64, size, mtime: meta.mtime, ..NOWHERE };
        let stat = Stat { kind, mode: meta.mode, uid: meta.uid, gid: meta.gid, nlink: 1, ident };
        self.add(&entry.path, Node { stat, opaque: false, entry: Some(entry.clone()) });
        Ok(())
    }

    fn add(&mut self, path: &[u8], node: Node) {
        if let Some((dir, name)) = split(path) {
            self.children.entry(dir.to_vec()).or_default().push(name.to_vec());
        }
        self.nodes.insert(path.to_vec(), node);
    }

    fn mark(&mut self, path: &[u8]) {
        if let Some(node) = self.nodes.get_mut(path) {
            node.opaque = true;
        }
    }

    pub(crate) fn names(&self, dir: &[u8]) -> Vec<Vec<u8>> {
        self.children.get(dir).cloned().unwrap_or_default()
    }

    pub(crate) fn stat(&self, path: &[u8]) -> Option<Stat> {
        self.nodes.get(path).map(|node| node.stat)
    }

    pub(crate) fn is_opaque(&self, path: &[u8]) -> bool {
        self.nodes.get(path).is_some_and(|node| node.opaque)
    }

    pub(crate) fn entry(&self, path: &[u8]) -> io::Result<&Entry> {
        let entry = self.nodes.get(path).and_then(|node| node.entry.as_ref());
        entry.ok_or_else(|| at("look at", path, io::Error::from(io::ErrorKind::NotFound)))
    }

    pub(crate) fn source(&self, path: &[u8]) -> io::Result<&Source> {
        match &self.entry(path)?.kind {
            Kind::File { source, .. } => Ok(source),
            _ => Err(at("open", path, io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))),
        }
    }

    pub(crate) fn shape(&self, path: &[u8]) -> io::Result<Option<Shape>> {
        let Some(Node { entry: Some(entry), .. }) = self.nodes.get(path) else { return Ok(None) };
        Ok(Some(match &entry.kind {
            Kind::Dir => Shape::Dir,
            Kind::File { size, content, source } => Shape::File(Unread {
                source: source.clone(),
                ident: None,
                inode: None::<Inode>,
                digest: Some((*size, *content)),
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

fn whiteout() -> Node {
    let kind = Type::Char { major: 0, minor: 0 };
    let stat = Stat { kind, mode: 0, uid: 0, gid: 0, nlink: 1, ident: NOWHERE };
    Node { stat, opaque: false, entry: None }
}
