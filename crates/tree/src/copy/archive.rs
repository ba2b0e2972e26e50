//! The contents of an archive laid out below the destination, as `ADD` extracts it.
//!
//! The destination is a directory with or without a trailing slash, and stays as it is even where the
//! archive has an entry for `./`. Owners, modes and times are the archive's, but for `--chown`. Links on
//! the way to an entry are followed with the destination as root, so nothing lands outside of it; what is
//! in an entry's place is replaced.

use std::collections::HashMap;
use std::io;

use super::{Job, source};
use crate::entry::{Entry, Kind, Meta};
use crate::found::{Found, Inode, Shape, Unread, join, split};
use crate::root::text;

impl Job<'_> {
    pub(super) fn archive(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        let clean = source::clean(self.how.dest);
        let dest = self.target.resolve(&clean)?;
        self.make_archive_dirs(&dest, self.how.chown)?;
        let files = files(&entries, self.archives);
        self.archives += 1;
        for entry in entries.into_iter().filter(|entry| !entry.path.is_empty()) {
            self.entry(&dest, entry, &files)?;
        }
        Ok(())
    }

    fn entry(&mut self, dest: &[u8], entry: Entry, files: &Files) -> io::Result<()> {
        let path = source::clean(&entry.path);
        let (dir, name) = split(&path).unwrap_or_default();
        let dir = self.target.resolve_below(dest, dir)?;
        self.make_archive_dirs(&dir, self.how.chown)?;
        let mut meta = entry.meta;
        if let Some((uid, gid)) = self.how.chown {
            (meta.uid, meta.gid) = (uid, gid);
        }
        let shape = shape(entry.kind, &path, files)?;
        self.target.replace(Found { path: join(&dir, name), meta, shape });
        Ok(())
    }

    /// Directories that no entry has described (yet); `--chmod` doesn't reach into archives.
    fn make_archive_dirs(&mut self, path: &[u8], owner: Option<(u32, u32)>) -> io::Result<()> {
        let (uid, gid) = owner.unwrap_or((0, 0));
        let meta = Meta { mode: 0o755, uid, gid, mtime: self.how.created, ..Meta::default() };
        self.target.make_dirs(path, &meta)
    }
}

/// The archive's regular files by path, as one of possibly several names.
type Files = HashMap<Vec<u8>, Unread>;

fn files(entries: &[Entry], archive: usize) -> Files {
    let mut files = HashMap::new();
    for (i, entry) in entries.iter().enumerate() {
        if let Kind::File { size, content, source } = &entry.kind {
            // No device has this number, so it is no file on disk; and no two archives share one.
            let inode = Inode { space: archive, dev: u64::MAX, ino: i as u64 };
            let digest = Some((*size, *content));
            let file = Unread { source: source.clone(), ident: None, inode: Some(inode), digest };
            files.insert(source::clean(&entry.path), file);
        }
    }
    files
}

fn shape(kind: Kind, path: &[u8], files: &Files) -> io::Result<Shape> {
    Ok(match kind {
        Kind::Dir => Shape::Dir,
        Kind::File { .. } => Shape::File(linked(path, path, files)?),
        Kind::Hardlink { target } => Shape::File(linked(path, &source::clean(&target), files)?),
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
