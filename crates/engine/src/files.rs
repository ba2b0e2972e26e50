//! The root file system as files in a folder, or as one tar: what `type=local` and `type=tar` give.
//!
//! Of several platforms each is in a folder of its own, `linux_amd64`, as BuildKit has it.

use std::path::Path;

use tree::{Change, Entry, Found, Kind, Meta};

use crate::build::{Part, Session};
use crate::error::{Result, doing};
use crate::export::Export;

impl Export<'_> {
    /// Writes a tar.
    ///
    /// # Errors
    /// If a layer can't be had, or the file not be written.
    pub fn root_tar(&self, dest: Option<&Path>) -> Result<Vec<String>> {
        let write = || {
            let (changes, times) = (self.root_changes()?, self.root_times());
            self.write_file(dest, |mut out| {
                layer::write(&changes, &times, &mut out).map(drop).map_err(doing("write a tar"))
            })
        };
        self.task("write root file system", |_| write())?;
        Ok(dest.map(|d| format!("wrote {}", d.display())).into_iter().collect())
    }

    /// Writes files.
    ///
    /// # Errors
    /// If a layer can't be had, or a file not be written.
    pub fn root_files(&self, dest: &Path) -> Result<Vec<String>> {
        let name = format!("copy files to {}", dest.display());
        self.task(name, |_| self.root_changes().and_then(|changes| self.local(&changes, dest)))?;
        Ok(vec![format!("wrote {}", dest.display())])
    }

    /// Files for the user: plain ones, owned by the user, added to what is in the folder.
    fn local(&self, changes: &[Change], dest: &Path) -> Result<()> {
        let staging = dest.join(format!(".tare-{}", std::process::id()));
        let say = || doing(format_args!("write to `{}`", dest.display()).to_string());
        std::fs::create_dir_all(dest).map_err(say())?;
        let owned: Vec<Change> = changes.iter().cloned().filter_map(as_own).collect();
        let made = layer::materialise_unless(self.stop(), &owned, &staging);
        let result = made.and_then(|_| merge(&staging, dest)).map_err(say());
        store::clean::remove_tree(&staging);
        result
    }

    /// The merged root file systems as changes to an empty one.
    fn root_changes(&self) -> Result<Vec<Change>> {
        if let [(session, part)] = self.parts[..] {
            return Ok(root(session, part)?.into_iter().map(Change::Put).collect());
        }
        let mut all = Vec::new();
        for (session, part) in &self.parts {
            let folder = part.platform.to_string().replace('/', "_").into_bytes();
            all.extend(root(session, part)?.into_iter().map(|entry| Change::Put(below(&folder, entry))));
            let meta = Meta { mode: 0o755, ..Meta::default() };
            all.push(Change::Put(Entry { path: folder.into(), meta, kind: Kind::Dir }));
        }
        tree::entry::sort(&mut all);
        Ok(all)
    }

    /// A merged tar has no layers whose time an entry could have: all get the newest.
    fn root_times(&self) -> layer::Times {
        let newest =
            self.parts.iter().map(|(session, _)| session.rule.epoch.unwrap_or(session.rule.base)).max();
        match newest.filter(|_| self.parts[0].0.settings.is_reproducible()) {
            Some(to) => layer::Times::All { to },
            None => layer::Times::Preserve,
        }
    }
}

fn root(session: &Session, part: &Part) -> Result<Vec<Entry>> {
    let view = session.view(&part.layers)?;
    let found: Vec<Found> = view.walk(b"").map_err(doing("read the root file system"))?;
    tree::hash(found, &tree::hash::NoHashes).map_err(doing("read the root file system"))
}

/// An entry where it is within a folder.
fn below(folder: &[u8], entry: Entry) -> Entry {
    let inside = |path: &[u8]| [folder, b"/", path].concat();
    let kind = match entry.kind {
        Kind::Hardlink { target } => Kind::Hardlink { target: inside(&target) },
        other => other,
    };
    Entry { path: inside(&entry.path).into(), kind, ..entry }
}

/// Devices can't be made by everybody, and owners and attributes of an image mean nothing outside of it.
fn as_own(change: Change) -> Option<Change> {
    let Change::Put(mut entry) = change else { return None };
    (entry.meta.uid, entry.meta.gid) = (0, 0);
    entry.meta.xattrs.clear();
    let device = matches!(entry.kind, tree::Kind::Char { .. } | tree::Kind::Block { .. });
    (!device).then_some(Change::Put(entry))
}

fn merge(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() && target.is_dir() && !target.is_symlink() {
            merge(&entry.path(), &target)?;
        } else {
            store::clean::remove_tree(&target);
            std::fs::rename(entry.path(), target)?;
        }
    }
    Ok(())
}
