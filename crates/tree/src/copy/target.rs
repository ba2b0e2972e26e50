//! The destination of a `COPY` as it will be: a view with what is planned so far on top.
//!
//! Links are followed only by [`Target::resolve`]. Nothing is written anywhere; the plan ends as a list of
//! changes, with the directories above each of them put again.

use std::collections::BTreeMap;
use std::io;

use crate::copy::puts::Puts;
use crate::entry::{Change, Meta};
use crate::found::{Found, Shape, ancestors, split};
use crate::hash::{Hashes, hash};
use crate::root::Type;
use crate::view::View;
use crate::view::resolve::resolve;

/// A view and what will be put on it.
pub(super) struct Target<'a> {
    view: &'a View,
    puts: Puts,
}

/// What is at a path, as far as it matters here.
enum At {
    Nothing,
    Dir,
    Link(Vec<u8>),
    Other,
}

impl<'a> Target<'a> {
    pub fn new(view: &'a View) -> Target<'a> {
        Target { view, puts: Puts::default() }
    }

    /// The changes, with contents read.
    pub fn changes(self, hashes: &dyn Hashes) -> io::Result<Vec<Change>> {
        let again = self.above()?;
        let mut found = self.puts.into_list();
        found.extend(again.into_values());
        let mut changes: Vec<Change> = hash(found, hashes)?.into_iter().map(Change::Put).collect();
        // They are in the room that the longer list had.
        changes.shrink_to_fit();
        Ok(changes)
    }

    /// Makes room for so many objects.
    pub fn expect(&mut self, count: usize) {
        self.puts.reserve(count);
    }

    /// Follows the links in a path; what doesn't exist stays as it is.
    pub fn resolve(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        self.resolve_below(b"", path)
    }

    /// As [`resolve`](Self::resolve), with `root` taken for the root.
    pub fn resolve_below(&self, root: &[u8], path: &[u8]) -> io::Result<Vec<u8>> {
        let below = resolve(path, true, |path| match self.at(&under(root, path))? {
            At::Link(target) => Ok(Some(target)),
            _ => Ok(None),
        })?;
        Ok(under(root, &below))
    }

    pub fn exists(&self, path: &[u8]) -> io::Result<bool> {
        Ok(!matches!(self.at(path)?, At::Nothing))
    }

    pub fn is_dir(&self, path: &[u8]) -> io::Result<bool> {
        Ok(matches!(self.at(path)?, At::Dir))
    }

    pub fn expect_dir(&self, path: &[u8]) -> io::Result<()> {
        match self.is_dir(path)? {
            true => Ok(()),
            false => Err(conflict("cannot copy to non-directory: ", path, "")),
        }
    }

    /// Makes the directories that are missing on the way to `path`, and it itself.
    pub fn make_dirs(&mut self, path: &[u8], meta: &Meta) -> io::Result<()> {
        for dir in ancestors(path).chain((!path.is_empty()).then_some(path)) {
            match self.at(dir)? {
                At::Dir => {}
                At::Nothing => {
                    self.puts.insert(Found { path: dir.into(), meta: meta.clone(), shape: Shape::Dir });
                }
                At::Link(_) | At::Other => return Err(conflict("mkdir ", dir, ": not a directory")),
            }
        }
        Ok(())
    }

    /// Puts a directory, new or over one that is there.
    pub fn put_dir(&mut self, dir: Found) -> io::Result<()> {
        self.expect_room_for_dir(&dir.path)?;
        self.puts.insert(dir);
        Ok(())
    }

    /// Puts anything else, new or over what is there unless that is a directory.
    pub fn put_file(&mut self, file: Found) -> io::Result<()> {
        self.expect_room_for_file(&file.path)?;
        self.puts.insert(file);
        Ok(())
    }

    /// As [`put_dir`](Self::put_dir) or [`put_file`](Self::put_file) for each of a list in canonical order.
    pub fn put_all(&mut self, all: Vec<Found>) -> io::Result<()> {
        for found in &all {
            match found.is_dir() {
                true => self.expect_room_for_dir(&found.path)?,
                false => self.expect_room_for_file(&found.path)?,
            }
        }
        if let Err(all) = self.puts.adopt(all) {
            all.into_iter().for_each(|found| self.puts.insert(found));
        }
        Ok(())
    }

    fn expect_room_for_dir(&self, path: &[u8]) -> io::Result<()> {
        if self.exists(path)? { self.expect_dir(path) } else { Ok(()) }
    }

    fn expect_room_for_file(&self, path: &[u8]) -> io::Result<()> {
        match self.is_dir(path)? {
            true => Err(conflict("cannot replace to directory ", path, " with file")),
            false => Ok(()),
        }
    }

    /// Puts anything over anything, as tar does.
    pub fn replace(&mut self, found: Found) {
        if !found.is_dir() {
            // What was planned below a directory that is none any more.
            self.puts.clear(&found.path);
        }
        self.puts.insert(found);
    }

    /// Changes the mode of a directory that exists.
    pub fn set_mode(&mut self, path: &[u8], mode: u32) -> io::Result<()> {
        if let Some(mut dir) = self.found(path)? {
            dir.meta.mode = mode;
            self.puts.insert(dir);
        }
        Ok(())
    }

    /// The existing directories above what is put.
    fn above(&self) -> io::Result<BTreeMap<Vec<u8>, Found>> {
        let mut above = BTreeMap::new();
        let mut done: &[u8] = b"";
        for found in self.puts.iter() {
            let mut path = found.path.as_slice();
            // The next object is most often in the same directory.
            let parent = split(path).map_or(path, |(dir, _)| dir);
            if std::mem::replace(&mut done, parent) == parent {
                continue;
            }
            while let Some((dir, _)) = split(path).filter(|(dir, _)| !dir.is_empty()) {
                if self.puts.get(dir).is_some() || above.contains_key(dir) {
                    break;
                }
                above.extend(self.found(dir)?.map(|found| (dir.to_vec(), found)));
                path = dir;
            }
        }
        Ok(above)
    }

    fn found(&self, path: &[u8]) -> io::Result<Option<Found>> {
        if let Some(planned) = self.puts.get(path) {
            return Ok(Some(planned.clone()));
        }
        match self.view.lookup(path)? {
            Some(node) => self.view.found(path, &node),
            None => Ok(None),
        }
    }

    fn at(&self, path: &[u8]) -> io::Result<At> {
        if let Some(planned) = self.puts.get(path) {
            return Ok(match &planned.shape {
                Shape::Dir => At::Dir,
                Shape::Symlink { target } => At::Link(target.clone()),
                _ => At::Other,
            });
        }
        let Some(node) = self.view.lookup(path)? else { return Ok(At::Nothing) };
        Ok(match node.stat.kind {
            Type::Dir => At::Dir,
            Type::Symlink => At::Link(self.view.readlink(path, &node)?),
            _ => At::Other,
        })
    }
}

/// `path` with `root` in front.
fn under(root: &[u8], path: &[u8]) -> Vec<u8> {
    if path.is_empty() { root.to_vec() } else { crate::found::join(root, path) }
}

fn conflict(before: &str, path: &[u8], after: &str) -> io::Error {
    let path = String::from_utf8_lossy(path);
    io::Error::new(io::ErrorKind::InvalidInput, format!("{before}/{path}{after}"))
}
