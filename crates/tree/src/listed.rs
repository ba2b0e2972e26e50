//! Entries that are known already to what a walk would have [found](Found): a list in place of a folder.
//!
//! Made of an archive, or of what a layer is remembered to hold; read by `copy` as if it lay on disk. Nothing has
//! to be looked at again: sizes and digests come with the list.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::copy::source::clean;
use crate::entry::{Entry, Kind, Path};
use crate::found::{Found, Inode, Known, Shape, Unread, within};
use crate::root::text;
use crate::scan::{Filter, Verdict, without_barren};

/// Numbers the lists, so that no two of them share an inode. The archives of one copy count from 0.
static LISTS: AtomicUsize = AtomicUsize::new(usize::MAX / 2);

/// The list's regular files by path, as one of possibly several names.
pub(crate) type Files = HashMap<Vec<u8>, Unread>;

/// The entries of a whole tree, in canonical order, as a walk with `filter` would have found them. Unlike what a
/// walk of a context finds, they keep their owners and attributes.
///
/// # Errors
/// If a hard link leads to nothing.
pub fn listed<F: Filter>(entries: Vec<Entry>, filter: &F) -> io::Result<Vec<Found>> {
    let files = files(&entries, LISTS.fetch_add(1, Ordering::Relaxed));
    let mut open = vec![(Path::default(), Some(filter.start()))];
    let (mut seen, mut verdicts) = (Vec::new(), Vec::new());
    for entry in entries {
        while open.last().is_some_and(|(dir, _)| !within(&entry.path, dir)) {
            open.pop();
        }
        let parent = open.last().and_then(|(_, state)| state.clone());
        let is_dir = matches!(entry.kind, Kind::Dir);
        let judge = |parent: F::State| filter.enter(&parent, &entry.path, is_dir);
        let (verdict, state) = parent.map(judge).map_or((Verdict::Skip, None), |(v, state)| (v, Some(state)));
        if is_dir {
            open.push((entry.path.clone(), state.filter(|_| verdict != Verdict::Skip)));
        }
        if verdict == Verdict::Keep || (verdict == Verdict::Descend && is_dir) {
            let shape = shape(entry.kind, &entry.path, &files)?;
            seen.push(Found { path: entry.path, meta: entry.meta, shape });
            verdicts.push(verdict);
        }
    }
    Ok(without_barren(seen, &verdicts))
}

/// The files among entries. `list` tells this list's files from those of another.
pub(crate) fn files(entries: &[Entry], list: usize) -> Files {
    let mut files = HashMap::new();
    for (i, entry) in entries.iter().enumerate() {
        if let Kind::File { size, content, source } = &entry.kind {
            // No device has this number, so it is no file on disk; and no two lists share one.
            let inode = Inode { space: list, dev: u64::MAX, ino: i as u64 };
            let known = Known::Digest(*size, *content);
            let file = Unread { source: source.clone(), known, inode: Some(inode.into()) };
            files.insert(clean(&entry.path), file);
        }
    }
    files
}

/// What an entry's kind is to a walk.
pub(crate) fn shape(kind: Kind, path: &[u8], files: &Files) -> io::Result<Shape> {
    Ok(match kind {
        Kind::Dir => Shape::Dir,
        Kind::File { .. } => Shape::File(linked(path, path, files)?),
        Kind::Hardlink { target } => Shape::File(linked(path, &clean(&target), files)?),
        Kind::Symlink { target } => Shape::Symlink { target },
        Kind::Fifo => Shape::Fifo,
        Kind::Char { major, minor } => Shape::Char { major, minor },
        Kind::Block { major, minor } => Shape::Block { major, minor },
    })
}

fn linked(path: &[u8], target: &[u8], files: &Files) -> io::Result<Unread> {
    files.get(target).cloned().ok_or_else(|| {
        let text =
            format!("`{}` is a hard link to `{}`, which is not in the archive", text(path), text(target));
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

#[cfg(test)]
mod tests {
    use dockerfile::Patterns;

    use super::*;
    use crate::entry::{Content, Meta, Source};

    fn entries() -> Vec<Entry> {
        let file =
            || Kind::File { size: 1, content: Content([7; 32]), source: Source::Bytes(b"x"[..].into()) };
        let link = Kind::Hardlink { target: b"a/x".to_vec() };
        let all = [
            ("a", Kind::Dir),
            ("a/x", file()),
            ("a/y", link),
            ("b", Kind::Dir),
            ("b/c", Kind::Dir),
            ("b/c/z", file()),
        ];
        all.map(|(path, kind)| Entry { path: path.into(), meta: Meta { uid: 7, ..Meta::default() }, kind })
            .into()
    }

    fn check(patterns: &[&str], expected: &[&str]) {
        let patterns = Patterns::from_list(patterns).unwrap();
        let found = listed(entries(), &patterns).unwrap();
        let paths: Vec<_> = found.iter().map(|one| String::from_utf8_lossy(&one.path).into_owned()).collect();
        assert_eq!(paths, expected, "{patterns:?}");
        assert!(found.iter().all(|one| one.meta.uid == 7));
    }

    #[test]
    fn patterns_count_as_in_a_walk() {
        check(&[], &["a", "a/x", "a/y", "b", "b/c", "b/c/z"]);
        check(&["b"], &["a", "a/x", "a/y"]);
        check(&["b/c"], &["a", "a/x", "a/y", "b"]);
        check(&["**", "!b/c/z"], &["b", "b/c", "b/c/z"]);
        check(&["a/x"], &["a", "a/y", "b", "b/c", "b/c/z"]);
    }

    #[test]
    fn hard_links_are_one_file() {
        let found = listed(entries(), &Patterns::default()).unwrap();
        let inode = |i: usize| match &found[i].shape {
            Shape::File(file) => file.inode.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(inode(1), inode(2));
        assert_ne!(inode(1), inode(5));
        let dangling = Entry {
            path: "l".into(),
            meta: Meta::default(),
            kind: Kind::Hardlink { target: b"no".to_vec() },
        };
        assert!(listed(vec![dangling], &Patterns::default()).is_err());
    }
}
