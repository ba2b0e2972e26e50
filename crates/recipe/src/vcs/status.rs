//! Whether tracked files of a folder differ from the commit: the commit against the index, the index against the files.
//!
//! Both as cheaply as git does it: folders whose trees the index still knows are compared by their ids, files by
//! size and time. Only where those say nothing, content is read.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Read;
use super::index::{Entry, Index, Tree};
use super::object::{Id, LARGEST, Objects};
use super::place::Place;

/// The answer.
#[derive(PartialEq, Eq, Debug)]
pub enum Status {
    /// As committed.
    Same,
    /// Something differs.
    Changed,
    /// It could not be found out.
    Unknown(String),
}

/// Compares the files below the place's folder with its tree in the commit.
pub fn of(place: &Place, objects: &mut Objects, tree: Id) -> Read<Status> {
    let path = place.own.join("index");
    let index = std::fs::read(&path).map_err(|e| format!("read the index: {e}"))?;
    let index = Index::parse(&index)?;
    let written = std::fs::metadata(&path).map_or((0, 0), |found| mtime(&found));
    let prefix = if place.below.is_empty() { Vec::new() } else { format!("{}/", place.below).into_bytes() };
    let entries = below(&index.entries, &prefix);
    let mut commit = Staged { objects, entries };
    if commit.matching(&prefix, tree, known(&index, &place.below))? != Some(entries.len()) {
        return Ok(Status::Changed);
    }
    let has_modes = place.config.get("core", None, "filemode") != Some("false");
    let mut files = Files { folder: &place.folder, skip: prefix.len(), objects, written, has_modes };
    for entry in entries {
        if files.differs(entry)? {
            return Ok(Status::Changed);
        }
    }
    Ok(Status::Same)
}

/// The entries of a folder.
fn below<'a>(entries: &'a [Entry], prefix: &[u8]) -> &'a [Entry] {
    let first = entries.partition_point(|entry| entry.path.as_slice() < prefix);
    let rest = &entries[first..];
    &rest[..rest.partition_point(|entry| entry.path.starts_with(prefix))]
}

/// What the index knows of a folder's tree.
fn known<'a>(index: &'a Index, path: &str) -> Option<&'a Tree> {
    path.split('/')
        .filter(|name| !name.is_empty())
        .try_fold(index.trees.as_ref()?, |tree, name| tree.folder(name.as_bytes()))
}

/// The index against the commit.
struct Staged<'a> {
    objects: &'a mut Objects,
    entries: &'a [Entry],
}

/// No path is longer, so no folder is deeper.
const LONGEST_PATH: usize = 4096;

const TREE: u32 = 0o040_000;

impl Staged<'_> {
    /// How many entries below a folder are as in its tree; `None` if one of the tree's isn't.
    fn matching(&mut self, prefix: &[u8], tree: Id, known: Option<&Tree>) -> Read<Option<usize>> {
        if let Some((count, id)) = known.and_then(|tree| tree.written) {
            return Ok((id == tree).then_some(count));
        }
        if prefix.len() > LONGEST_PATH {
            return Err("a tree is too deep".to_owned());
        }
        let mut count = 0;
        for entry in self.objects.tree(tree)? {
            let mut path = [prefix, &entry.name].concat();
            if entry.mode == TREE {
                path.push(b'/');
            }
            let same = match self.has(&path, entry.mode, entry.id) {
                true => Some(1),
                false if entry.mode == TREE => {
                    self.matching(&path, entry.id, known.and_then(|tree| tree.folder(&entry.name)))?
                }
                false => None,
            };
            match same {
                Some(more) => count += more,
                None => return Ok(None),
            }
        }
        Ok(Some(count))
    }

    fn has(&self, path: &[u8], mode: u32, id: Id) -> bool {
        let at = self.entries.binary_search_by(|entry| entry.path.as_slice().cmp(path));
        at.is_ok_and(|at| self.entries[at].mode == mode && self.entries[at].id == id)
    }
}

/// The files against the index.
struct Files<'a> {
    folder: &'a Path,
    /// How much of an entry's path leads to the folder.
    skip: usize,
    objects: &'a mut Objects,
    /// When the index was written: a file of that time or later may have changed since, without a trace.
    written: (i64, i64),
    has_modes: bool,
}

const LINK: u32 = 0o120_000;
const MODULE: u32 = 0o160_000;
const EXECUTABLE: u32 = 0o100;

impl Files<'_> {
    fn differs(&mut self, entry: &Entry) -> Read<bool> {
        if entry.in_conflict || entry.is_intended {
            return Ok(true);
        }
        if entry.is_assumed || matches!(entry.mode, TREE | MODULE) {
            return Ok(false);
        }
        let path = self.folder.join(OsStr::from_bytes(&entry.path[self.skip..]));
        let Ok(found) = std::fs::symlink_metadata(&path) else { return Ok(true) };
        let is_link = entry.mode == LINK;
        if found.is_symlink() != is_link || !(is_link || found.is_file()) {
            return Ok(true);
        }
        let is_executable = |mode: u32| mode & EXECUTABLE != 0;
        if self.has_modes && !is_link && is_executable(entry.mode) != is_executable(found.mode()) {
            return Ok(true);
        }
        if self.is_as_taken(entry, &found) {
            return Ok(false);
        }
        self.content_differs(entry, &path, &found)
    }

    /// Whether size and time say that the file is still what was taken into the index.
    fn is_as_taken(&self, entry: &Entry, found: &Metadata) -> bool {
        let (seconds, nanos) = mtime(found);
        let taken = (i64::from(entry.mtime.0), i64::from(entry.mtime.1));
        // Some clients write no nanoseconds.
        let same_time = seconds == taken.0 && (taken.1 == 0 || nanos == taken.1);
        entry.size != 0 && same_size(entry, found) && same_time && (seconds, nanos) < self.written
    }

    fn content_differs(&mut self, entry: &Entry, path: &Path, found: &Metadata) -> Read<bool> {
        if entry.size != 0 && !same_size(entry, found) {
            return Ok(true);
        }
        if found.len() > LARGEST {
            return Err(format!("`{}` is too large to compare", path.display()));
        }
        let content = match entry.mode {
            LINK => std::fs::read_link(path).map(|to| to.into_os_string().into_encoded_bytes()),
            _ => std::fs::read(path),
        };
        let content = content.map_err(|e| format!("read `{}`: {e}", path.display()))?;
        Ok(self.objects.blob(entry.id)? != content)
    }
}

/// The index has the lowest 32 bits of a size.
fn same_size(entry: &Entry, found: &Metadata) -> bool {
    u64::from(entry.size) == found.len() & u64::from(u32::MAX)
}

fn mtime(found: &Metadata) -> (i64, i64) {
    (found.mtime(), found.mtime_nsec())
}
