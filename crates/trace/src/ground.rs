//! What lies below a tree: a path to the directory that a step sees there even where the tree has nothing.
//!
//! The natives are the layers that a step's key names, so they are the same whenever its facts are asked for, and what
//! else is below is traced as well. A directory that natives have is *shared*: whether a tree has it too makes no
//! difference to a step, as long as the tree has it with the same mode and owner and hides nothing. So the order of
//! two steps that put files into `/etc` is none of a third's business.
//!
//! | at the path, or for all but the last line at a directory above it | shared |
//! |---|---|
//! | a tree has a whiteout, an opaque directory, a file, a link | no: it hides what natives have |
//! | natives have a link or a file, or nothing | no |
//! | natives' directory has extended attributes | no: a tree's has none |
//! | a tree's directory has another mode or owner | no |
//!
//! "A tree" is the one above, and each between it and the lowest native: if one of those hides what natives have, it
//! is the tree above alone that makes the directory be there.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use ::tree::root::Type;
use ::tree::{Time, View};

use crate::tree::Tree;

/// The layers below a tree, and the natives above it.
#[derive(Clone, Debug)]
pub struct Ground {
    natives: Arc<Natives>,
    gaps: Vec<Arc<Tree>>,
}

/// All the natives of a step, merged. They never change, so what was looked up once is remembered, for this step and
/// for others that have the same.
#[derive(Debug)]
pub struct Natives {
    view: View,
    dirs: Mutex<HashMap<Vec<u8>, Option<Bare>>>,
}

/// A directory, itself and not what is in it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bare {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: Time,
}

impl Ground {
    /// Of natives, and the other trees that are below the one in question.
    pub fn new(natives: Arc<Natives>, gaps: Vec<Arc<Tree>>) -> Ground {
        Ground { natives, gaps }
    }

    /// The directory of natives at a path that a step sees there, with `tree` or without it.
    pub(crate) fn shared(&self, tree: &Tree, path: &[u8]) -> Option<Bare> {
        // What natives can't tell of is not known to be there.
        let dir = self.natives.dir(path).ok().flatten()?;
        let trees = self.gaps.iter().map(Arc::as_ref).chain([tree]);
        trees.into_iter().all(|tree| tree.lets_show(path, &dir)).then_some(dir)
    }

    /// Whether a file at a path has nothing below it that it could hide.
    pub(crate) fn is_empty_at(&self, path: &[u8]) -> bool {
        matches!(self.natives.view.lookup(path), Ok(None))
            && self.gaps.iter().all(|gap| gap.find(path).is_none())
    }
}

impl Natives {
    /// Of a view of them.
    pub fn new(view: View) -> Natives {
        Natives { view, dirs: Mutex::default() }
    }

    fn dir(&self, path: &[u8]) -> io::Result<Option<Bare>> {
        if let Some(known) = self.dirs.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(*known);
        }
        let found = self.find_dir(path)?;
        self.dirs.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_vec(), found);
        Ok(found)
    }

    fn find_dir(&self, path: &[u8]) -> io::Result<Option<Bare>> {
        let Some(node) = self.view.lookup(path)?.filter(|node| node.stat.kind == Type::Dir) else {
            return Ok(None);
        };
        if path.is_empty() || !self.view.xattrs(path)?.is_empty() {
            return Ok(None);
        }
        let stat = node.stat;
        Ok(Some(Bare { mode: stat.mode, uid: stat.uid, gid: stat.gid, mtime: stat.ident.mtime }))
    }
}

#[cfg(test)]
mod tests {
    use ::tree::{Change, Kind};

    use super::*;
    use crate::testing::{dir, file, link, natives, put, remove, tree};

    /// Whether `a/b` is shared.
    #[track_caller]
    fn check(expected: bool, native: &[&[Change]], gap: &[Change], top: &[Change]) {
        let ground = Ground::new(natives(native), vec![Arc::new(tree(gap))]);
        assert_eq!(ground.shared(&tree(top), b"a/b").is_some(), expected);
        // Between the two it is the same wherever it stands.
        let ground = Ground::new(natives(native), vec![Arc::new(tree(top))]);
        assert_eq!(ground.shared(&tree(gap), b"a/b").is_some(), expected);
    }

    #[test]
    fn what_hides_or_changes_is_not_shared() {
        let plain = [dir("a"), dir("a/b")];
        let native: &[&[Change]] = &[&plain];
        let opaque = |path: &str| Change::Opaque(path.into());
        check(true, native, &[], &[]);
        check(true, native, &plain, &[]);
        check(true, native, &plain, &plain);
        check(
            true,
            native,
            &[],
            &[put("a", 0o700, Kind::Dir), dir("a/b"), file("a/b/c", ""), remove("a/b/d")],
        );
        for other in [
            &[put("a", 0o755, Kind::Dir), put("a/b", 0o700, Kind::Dir)][..],
            &[dir("a"), remove("a/b")],
            &[remove("a")],
            &[dir("a"), opaque("a")],
            &[dir("a"), opaque("a"), dir("a/b")],
            &[dir("a"), dir("a/b"), opaque("a/b")],
            &[dir("a"), file("a/b", "")],
            &[dir("a"), link("a/b", "c")],
            &[file("a", "")],
        ] {
            check(false, native, &[], other);
            check(false, native, &plain, other);
        }
    }

    #[test]
    fn natives_have_a_plain_directory() {
        let attributed = |mut change: Change| {
            if let Change::Put(entry) = &mut change {
                entry.meta.xattrs.insert(b"user.a".to_vec(), Vec::new());
            }
            change
        };
        for natives in [
            &[dir("a"), file("a/b", "")][..],
            &[dir("a"), link("a/b", "c")],
            &[dir("a"), dir("c"), link("a/b", "/c")],
            &[dir("a")],
            &[dir("a"), attributed(dir("a/b"))],
        ] {
            check(false, &[natives], &[], &[]);
        }
        check(false, &[&[dir("a"), dir("a/b")], &[dir("a"), remove("a/b")]], &[], &[]);
        check(true, &[&[dir("a"), file("a/b", "")], &[dir("a"), dir("a/b")]], &[], &[]);
    }

    #[test]
    fn the_root_is_not_shared() {
        assert_eq!(Ground::new(natives(&[&[dir("a")]]), Vec::new()).shared(&tree(&[]), b""), None);
    }
}
