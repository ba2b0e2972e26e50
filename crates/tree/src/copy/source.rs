//! A path or pattern in a Dockerfile to the objects of a context or an image that it means.
//!
//! `..` and a leading slash end at the root. A path has to exist; a pattern need not match anything.
//! Patterns are matched name by name and don't follow links, but what they find is followed.

use std::borrow::Cow;
use std::io;

use dockerfile::glob::Glob;

use crate::entry::{Meta, Path, PathOrder};
use crate::found::{Found, Shape, join, within};
use crate::view::View;
use crate::view::resolve::resolve;

/// Where sources are looked for.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// A scanned build context, in canonical order.
    Context(&'a [Found]),
    /// Another stage or image.
    View(&'a View),
}

/// An object that a source means.
#[derive(Clone, Debug)]
pub struct Picked {
    /// The path that was found, whose last component names the copy.
    pub path: Vec<u8>,
    /// What is there, links followed.
    pub found: Found,
}

impl Origin<'_> {
    /// What a path or pattern as written in a Dockerfile means, in canonical order.
    pub fn select(&self, path: &[u8]) -> io::Result<Vec<Picked>> {
        let path = clean(path);
        let parts: Vec<&[u8]> = path.split(|&b| b == b'/').collect();
        match parts.iter().position(|part| is_pattern(part)) {
            None => Ok(vec![self.pick(&path)?]),
            Some(first) => {
                let base = self.resolve(&parts[..first].join(&b'/'))?;
                let matches = self.matches(base, &parts[first..])?;
                matches.iter().map(|path| self.pick(path)).collect()
            }
        }
    }

    /// The object at a path, which has to exist.
    pub(super) fn pick(&self, path: &[u8]) -> io::Result<Picked> {
        let found = self.lookup(&self.resolve(path)?)?;
        let found = found.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("\"/{}\": not found", String::from_utf8_lossy(path)),
            )
        })?;
        Ok(Picked { path: path.to_vec(), found })
    }

    /// All that is below a directory, in canonical order.
    pub(crate) fn below(&self, path: &[u8]) -> io::Result<Cow<'_, [Found]>> {
        match self {
            Origin::Context(all) => Ok(Cow::Borrowed(below(all, path))),
            Origin::View(view) => view.walk(path).map(Cow::Owned),
        }
    }

    fn matches(&self, base: Vec<u8>, patterns: &[&[u8]]) -> io::Result<Vec<Vec<u8>>> {
        let mut found = vec![base];
        for pattern in patterns {
            let pattern = String::from_utf8_lossy(pattern);
            let glob = Glob::parse(&pattern);
            let glob =
                glob.map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, format!("{e}: `{pattern}`")))?;
            let mut next = Vec::new();
            for dir in &found {
                let names = self.names(dir)?.into_iter();
                let names = names.filter(|name| glob.matches(&String::from_utf8_lossy(name)));
                next.extend(names.map(|name| join(dir, &name)));
            }
            found = next;
        }
        Ok(found)
    }

    /// The names in a directory, sorted.
    fn names(&self, dir: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        match self {
            Origin::Context(all) => {
                let start = if dir.is_empty() { 0 } else { dir.len() + 1 };
                let names = below(all, dir).iter().map(|found| &found.path[start..]);
                Ok(names.filter(|name| !name.contains(&b'/')).map(<[u8]>::to_vec).collect())
            }
            Origin::View(view) => Ok(view.list(dir)?.into_iter().map(|child| child.name).collect()),
        }
    }

    fn lookup(&self, path: &[u8]) -> io::Result<Option<Found>> {
        match self {
            Origin::Context(_) if path.is_empty() => {
                Ok(Some(Found { path: Path::default(), meta: Meta::default(), shape: Shape::Dir }))
            }
            Origin::Context(all) => Ok(find(all, path).cloned()),
            Origin::View(view) => match view.lookup(path)? {
                Some(node) => view.found(path, &node),
                None => Ok(None),
            },
        }
    }

    fn resolve(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Origin::Context(all) => resolve(path, true, |path| Ok(find(all, path).and_then(link))),
            Origin::View(view) => view.resolve(path, true),
        }
    }
}

fn link(found: &Found) -> Option<Vec<u8>> {
    match &found.shape {
        Shape::Symlink { target } => Some(target.clone()),
        _ => None,
    }
}

fn find<'a>(all: &'a [Found], path: &[u8]) -> Option<&'a Found> {
    let at = all.binary_search_by(|found| PathOrder(&found.path).cmp(&PathOrder(path)));
    at.ok().map(|i| &all[i])
}

/// In canonical order all that is below a directory stands right behind it.
fn below<'a>(all: &'a [Found], dir: &[u8]) -> &'a [Found] {
    let start = all.partition_point(|found| PathOrder(&found.path) <= PathOrder(dir));
    let rest = &all[start..];
    &rest[..rest.partition_point(|found| within(&found.path, dir))]
}

/// Whether it has a character that makes it a pattern; a backslash takes away the next one's meaning.
pub(super) fn is_pattern(path: &[u8]) -> bool {
    let mut bytes = path.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

/// The path from the root without `.`, `..`, and slashes that are too many.
pub(crate) fn clean(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join(&b'/')
}
