//! A build context to what is in it: names, modes, times, no content.
//!
//! What is ignored is decided by the caller's [`Filter`], before anything below an ignored directory is
//! looked at. What a context can't carry is dropped here: owners become 0:0, extended attributes vanish,
//! sockets are left out. A directory stays even when all that was in it is ignored.

use std::io;
use std::sync::Arc;

use dockerfile::ignore::{Patterns, State};
use rustix::fs::FileType;

use crate::entry::Meta;
use crate::found::{self, Found, join, within};
use crate::root::{Dir, Name, Root, Stat, Type};

/// Says which names of a context count, directory by directory.
pub trait Filter {
    /// What is known of a directory when its children are judged.
    type State: Clone;

    /// What is known of the context itself.
    fn start(&self) -> Self::State;

    /// Judges `path`, whose parent directory has the state `parent`.
    fn enter(&self, parent: &Self::State, path: &[u8], is_dir: bool) -> (Verdict, Self::State);
}

/// What becomes of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is part of the context.
    Keep,
    /// It isn't, nor is anything below.
    Skip,
    /// It isn't, but something below may be; then so is the directory.
    Descend,
}

/// Keeps everything.
pub struct Everything;

impl Filter for Everything {
    type State = ();

    fn start(&self) {}

    fn enter(&self, _: &(), _: &[u8], _: bool) -> (Verdict, ()) {
        (Verdict::Keep, ())
    }
}

impl Filter for Patterns {
    type State = State;

    fn start(&self) -> State {
        self.root()
    }

    fn enter(&self, parent: &State, path: &[u8], is_dir: bool) -> (Verdict, State) {
        // Patterns are text: where a name is not, it matches as it would be printed.
        let path = String::from_utf8_lossy(path);
        let (state, ignored) = self.child(parent, &path);
        let verdict = match ignored {
            false => Verdict::Keep,
            true if is_dir && self.could_reinclude_below(&path) => Verdict::Descend,
            true => Verdict::Skip,
        };
        (verdict, state)
    }
}

/// What is at and below `start` and, of the directories above it, these themselves; in canonical order.
///
/// The root itself is not among them. Where `start` or something above it is a link, ignored or absent,
/// the walk ends there.
pub fn scan<F: Filter>(root: &Arc<Root>, start: &[u8], filter: &F) -> io::Result<Vec<Found>> {
    let mut walk = Walk { root, filter, seen: Vec::new(), open: Vec::new() };
    walk.open.push((Vec::new(), filter.start()));
    while let Some((path, state)) = walk.open.pop() {
        let wanted = if within(&path, start) { None } else { next_name(start, &path) };
        walk.folder(&path, &state, wanted)?;
    }
    let mut seen = walk.seen;
    seen.sort_by(|a, b| crate::PathOrder(&a.0.path).cmp(&crate::PathOrder(&b.0.path)));
    Ok(without_barren(seen))
}

/// The next component of `start` below `path`.
fn next_name<'a>(start: &'a [u8], path: &[u8]) -> Option<&'a [u8]> {
    let rest = if path.is_empty() { start } else { start.get(path.len() + 1..)? };
    rest.split(|&b| b == b'/').next()
}

struct Walk<'a, F: Filter> {
    root: &'a Arc<Root>,
    filter: &'a F,
    seen: Vec<(Found, Verdict)>,
    open: Vec<(Vec<u8>, F::State)>,
}

impl<F: Filter> Walk<'_, F> {
    fn folder(&mut self, path: &[u8], state: &F::State, wanted: Option<&[u8]>) -> io::Result<()> {
        let dir = self.root.dir(path)?;
        for name in dir.names()? {
            if wanted.is_none_or(|wanted| wanted == name.name) {
                self.object(&dir, path, state, name)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, dir: &Dir, folder: &[u8], state: &F::State, name: Name) -> io::Result<()> {
        let path = join(folder, &name.name);
        let Some(is_dir) = is_dir(dir, &name)? else { return Ok(()) };
        let (verdict, below) = self.filter.enter(state, &path, is_dir);
        if verdict == Verdict::Skip || (verdict == Verdict::Descend && !is_dir) {
            return Ok(());
        }
        // Gone since it was listed: as if it had never been there.
        let Some(stat) = dir.stat(&name.name)? else { return Ok(()) };
        let Some(shape) = found::shape(dir, &name.name, &stat, self.root, &path)? else { return Ok(()) };
        if stat.kind == Type::Dir {
            self.open.push((path.clone(), below));
        }
        self.seen.push((Found { path, meta: context_meta(&stat), shape }, verdict));
        Ok(())
    }
}

/// Whether the name is a directory; most file systems say so in the listing.
fn is_dir(dir: &Dir, name: &Name) -> io::Result<Option<bool>> {
    Ok(match name.kind {
        FileType::Unknown => dir.stat(&name.name)?.map(|stat| stat.kind == Type::Dir),
        kind => Some(kind == FileType::Directory),
    })
}

/// The metadata that a context carries.
fn context_meta(stat: &Stat) -> Meta {
    Meta { mode: stat.mode, mtime: stat.ident.mtime, ..Meta::default() }
}

/// Drops the ignored directories in which nothing was kept. In canonical order all that is below a
/// directory follows it, so the next that is kept tells, seen from the end.
pub(crate) fn without_barren(seen: Vec<(Found, Verdict)>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::with_capacity(seen.len());
    for (found, verdict) in seen.into_iter().rev() {
        let fruitful = kept.last().is_some_and(|next| within(&next.path, &found.path));
        if verdict == Verdict::Keep || fruitful {
            kept.push(found);
        }
    }
    kept.reverse();
    kept
}
