//! The contents of an archive laid out below the destination, as `ADD` extracts it.
//!
//! The destination is a directory with or without a trailing slash, and stays as it is even where the
//! archive has an entry for `./`. Owners, modes and times are the archive's, but for `--chown`. Links on
//! the way to an entry are followed with the destination as root, so nothing lands outside of it; what is
//! in an entry's place is replaced.

use std::io;

use super::{Job, source};
use crate::entry::{Entry, Meta};
use crate::found::{Found, join, split};
use crate::listed::{Files, files, shape};

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
        self.target.replace(Found { path: join(&dir, name).into(), meta, shape });
        Ok(())
    }

    /// Directories that no entry has described (yet); `--chmod` doesn't reach into archives.
    fn make_archive_dirs(&mut self, path: &[u8], owner: Option<(u32, u32)>) -> io::Result<()> {
        let (uid, gid) = owner.unwrap_or((0, 0));
        let meta = Meta { mode: 0o755, uid, gid, mtime: self.how.created, ..Meta::default() };
        self.target.make_dirs(path, &meta)
    }
}
