//! What a step wrote to what its layer holds: overlayfs's upper directory and the view below it to changes.
//!
//! overlayfs copies more up than a step changes: a directory to hold a child, a file that `chown` was
//! tried on. What is as it was below is dropped; a file of which only the time differs is kept, as Docker
//! keeps `touch`. Its marks become removals, an opaque directory one for each name that it hides, for that
//! is what other builders write and every reader understands. Directories above a change are put again.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::Arc;

use crate::entry::{self, Change, Meta, Path, PathOrder};
use crate::found::{self, Found, Shape, Unread, join, within};
use crate::hash::{Hashes, hash};
use crate::root::{Dir, Root, Stat, Type, at};
use crate::view::layer::Layer;
use crate::view::{Node, View, meta_of};
use crate::xattr;

/// What a step wrote.
#[derive(Debug)]
pub struct Snapshot {
    /// In canonical order; none gives a layer without entries.
    pub changes: Vec<Change>,
    /// Paths of files and links that were written and are as they were: had they been other, they would be changes.
    pub unchanged: Vec<Vec<u8>>,
}

/// The changes in `upper` against `lower`.
///
/// `created` names what the sandbox made for its mounts; these are left out unless the step used them.
/// The upper directory must be at rest.
pub fn snapshot(
    upper: &Arc<Root>,
    lower: &View,
    created: &[Vec<u8>],
    hashes: &dyn Hashes,
) -> io::Result<Snapshot> {
    let stubs = created.iter().map(Vec::as_slice).collect();
    let open = vec![(Vec::new(), false)];
    let mut walk = Walk { upper, lower, stubs, seen: Vec::new(), unchanged: Vec::new(), open };
    while let Some((path, hidden)) = walk.open.pop() {
        walk.folder(&path, hidden)?;
    }
    let (removed, put) = with_ancestors(walk.seen);
    let mut changes: Vec<Change> = hash(put, hashes)?.into_iter().map(Change::Put).collect();
    changes.extend(removed.into_iter().map(Change::Remove));
    entry::sort(&mut changes);
    walk.unchanged.sort();
    Ok(Snapshot { changes, unchanged: walk.unchanged })
}

/// What was met in the upper directory.
enum Seen {
    /// A name of the lower view that is gone.
    Gone(Vec<u8>),
    /// An object that differs from the lower view's.
    New(Found),
    /// A directory that is as it was, or a stub: needed only for what is below.
    Same(Found),
}

struct Walk<'a> {
    upper: &'a Arc<Root>,
    lower: &'a View,
    stubs: HashSet<&'a [u8]>,
    seen: Vec<Seen>,
    unchanged: Vec<Vec<u8>>,
    /// Directories to read, and whether all of the lower view is hidden there.
    open: Vec<(Vec<u8>, bool)>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &[u8], hidden: bool) -> io::Result<()> {
        let dir = self.upper.dir(path)?;
        let mut names = HashSet::new();
        for name in dir.names()? {
            let below = join(path, &name.name);
            // The upper directory is at rest, so what was listed is there.
            let Some(stat) = dir.stat(&name.name)? else { continue };
            self.object(&dir, &name.name, below, &stat, hidden)?;
            names.insert(name.name);
        }
        if hidden {
            let old = self.lower.list(path)?.into_iter().filter(|child| !names.contains(&child.name));
            self.seen.extend(old.map(|child| Seen::Gone(join(path, &child.name))));
        }
        Ok(())
    }

    fn object(&mut self, dir: &Dir, name: &[u8], path: Vec<u8>, stat: &Stat, hidden: bool) -> io::Result<()> {
        let (below, path) = (self.lower.lookup(&path)?, Path::from(path));
        let Some(shape) = found::shape(dir, name, stat, self.upper, &path)? else {
            // A whiteout, or a socket, which hides what was there but can't be in a layer.
            self.seen.extend(below.map(|_| Seen::Gone(path.to_vec())));
            return Ok(());
        };
        let meta = Meta { xattrs: xattr::of_image(dir.xattrs(name)?), ..meta_of(stat) };
        if stat.kind == Type::Dir {
            self.open.push((path.to_vec(), hidden || xattr::is_opaque(dir, name)?));
        }
        let found = Found { path, meta, shape };
        self.judge(found, stat, below)
    }

    fn judge(&mut self, found: Found, stat: &Stat, below: Option<Node>) -> io::Result<()> {
        let stub = below.is_none() && self.stubs.contains(found.path.as_slice());
        let dropped = match (stub, &below) {
            (true, _) => found.is_dir() || stat.ident.size == 0,
            (false, Some(node)) => self.is_same(&found, stat, node)?,
            (false, None) => false,
        };
        match dropped {
            false => self.seen.push(Seen::New(found)),
            true if found.is_dir() => self.seen.push(Seen::Same(found)),
            true if below.is_some() => self.unchanged.push(found.path.to_vec()),
            true => {}
        }
        Ok(())
    }

    /// Whether the object is as in the lower view. Cheap tests first: only what passes them all is read.
    fn is_same(&self, found: &Found, stat: &Stat, node: &Node) -> io::Result<bool> {
        let (new, old) = (stat, &node.stat);
        let owned = (new.kind, new.mode, new.uid, new.gid) == (old.kind, old.mode, old.uid, old.gid);
        // A directory's time tells of its children, not of itself.
        let timed = found.is_dir() || new.ident.mtime == old.ident.mtime;
        let sized = !matches!(found.shape, Shape::File(_)) || new.ident.size == old.ident.size;
        if !(owned && timed && sized) || self.lower.xattrs(&found.path)? != found.meta.xattrs {
            return Ok(false);
        }
        let Some(layer) = self.lower.layers().get(node.layer) else { return Ok(false) };
        match &found.shape {
            Shape::File(file) => same_bytes(file, layer, &found.path),
            Shape::Symlink { target } => Ok(self.lower.readlink(&found.path, node)? == *target),
            _ => Ok(true),
        }
    }
}

fn same_bytes(new: &Unread, layer: &Layer, path: &[u8]) -> io::Result<bool> {
    let mut new = new.source.open()?;
    let mut old = layer.open(path)?;
    equal(&mut new, &mut old).map_err(|e| at("read", path, e))
}

fn equal(a: &mut dyn Read, b: &mut dyn Read) -> io::Result<bool> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        a.take(64 << 10).read_to_end(&mut left)?;
        b.take(64 << 10).read_to_end(&mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}

/// What is gone, and what is put: all that is new and the directories above any change. In canonical
/// order all that is below a directory follows it, so the next change tells, seen from the end.
fn with_ancestors(mut seen: Vec<Seen>) -> (Vec<Vec<u8>>, Vec<Found>) {
    seen.sort_by(|a, b| PathOrder(a.path()).cmp(&PathOrder(b.path())));
    let (mut removed, mut put) = (Vec::new(), Vec::new());
    let mut next: Option<Vec<u8>> = None;
    for object in seen.into_iter().rev() {
        if matches!(&object, Seen::Same(dir) if !next.as_ref().is_some_and(|next| within(next, &dir.path))) {
            continue;
        }
        next = Some(object.path().to_vec());
        match object {
            Seen::Gone(path) => removed.push(path),
            Seen::New(found) | Seen::Same(found) => put.push(found),
        }
    }
    (removed, put)
}

impl Seen {
    fn path(&self) -> &[u8] {
        match self {
            Seen::Gone(path) => path,
            Seen::New(found) | Seen::Same(found) => &found.path,
        }
    }
}
