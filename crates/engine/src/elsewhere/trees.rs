//! Files, archives and checkouts to layers, and layers to lists that COPY selects from.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use dockerfile::Patterns;
use oci::Digest;
use plan::{Key, Part};
use store::LayerId;
use store::layers::Maker;
use tree::entry::PathOrder;
use tree::{Change, Entry, Found, Kind, Meta, Root, Time, View};

use super::Elsewhere;
use crate::error::{Error, Result, doing};

/// The key of one file: what it holds and what it is called. Its mode is always the same.
pub(super) fn file_key(file: &Digest, name: &str) -> Key {
    Key::of(vec![
        Part::plain("kind", "fetched file"),
        Part::plain("content", file.to_string()),
        Part::plain("name", name),
    ])
}

/// The key of what is in an archive.
pub(super) fn archive_key(file: &Digest) -> Key {
    Key::of(vec![Part::plain("kind", "unpacked archive"), Part::plain("content", file.to_string())])
}

impl Elsewhere<'_> {
    /// The layer with that content, if it is here.
    pub(super) fn known(&self, key: &Key) -> Option<LayerId> {
        let layer = self.store.action(key)?.layer;
        self.store.touch(&layer);
        self.store.has_trusted_fs(&layer).then_some(layer)
    }

    /// Makes a folder a layer; `entries` say what is in it.
    pub(super) fn keep(&self, key: &Key, entries: Vec<Entry>, folder: &Path) -> Result<LayerId> {
        let mut changes: Vec<Change> = entries.into_iter().map(Change::Put).collect();
        tree::entry::sort(&mut changes);
        let layer = id(&changes);
        self.store.place_fs(&layer, folder)?;
        let meta = crate::made::meta_of(&changes, Maker::Copy, now(), Vec::new());
        self.store.put_layer(&layer, &changes, &meta)?;
        self.store.put_action(key, layer, 0, Vec::new())?;
        Ok(layer)
    }

    /// Unpacks an archive into a layer. Its root stays a plain directory, whatever it says of `./`.
    pub(super) fn unpack(&self, key: &Key, archive: impl Read + Send, what: &str) -> Result<LayerId> {
        let say = || doing(format_args!("unpack {what}").to_string());
        let spilled = self.store.scratch("archive")?;
        std::fs::create_dir(&spilled).map_err(say())?;
        let entries = layer::archive::entries(archive, &spilled).map_err(say())?;
        self.check_cancel()?;
        let entries: Vec<Entry> = entries.into_iter().filter(|entry| !entry.path.is_empty()).collect();
        let all = with_parents(entries.clone(), Time::default());
        let changes: Vec<Change> = all.into_iter().map(Change::Put).collect();
        let folder = self.store.scratch("tree")?;
        for note in layer::materialise(&changes, &folder).map_err(say())? {
            self.voice.warn(format!("`{}`: {}", String::from_utf8_lossy(&note.path), note.what));
        }
        store::clean::remove_tree(&spilled);
        self.keep(key, entries, &folder)
    }

    /// What is in a layer, without what the patterns hide.
    ///
    /// # Errors
    /// If the layer is gone.
    pub fn list(&self, layer: &LayerId, hidden: &Patterns) -> Result<Vec<Found>> {
        let made = self.store.layer_meta(layer).map(|meta| meta.start()).unwrap_or_default();
        let entries = with_parents(self.entries(layer)?, made);
        tree::listed(entries, hidden).map_err(|e| Error::Other(e.to_string()))
    }

    /// What was said to be in a layer; directories that only hold what an archive names are not.
    ///
    /// # Errors
    /// If the layer is gone.
    pub fn entries(&self, layer: &LayerId) -> Result<Vec<Entry>> {
        let put = |change| match change {
            Change::Put(entry) => Some(entry),
            Change::Remove(_) | Change::Opaque(_) => None,
        };
        Ok(self.store.layer_changes(layer)?.into_iter().filter_map(put).collect())
    }

    /// A small file of a layer, links followed; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be read. [`Error::NeedsWork`] if it can't be read by this process.
    pub fn read(&self, layer: &LayerId, path: &str) -> Result<Option<Vec<u8>>> {
        let read = || {
            let view = View::new(vec![Root::open(self.store.layer_fs(layer))?]);
            view.read(path.as_bytes())
        };
        match read() {
            Ok(text) => Ok(text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            // Outside of the user namespace a file may be another user's.
            Err(_) if !self.settings.may_work => Err(Error::NeedsWork),
            Err(e) => Err(doing(format_args!("read `{path}` of the context"))(e)),
        }
    }

    /// The one file of a layer.
    pub(super) fn open(&self, layer: &LayerId, name: &str) -> Result<File> {
        File::open(self.store.layer_fs(layer).join(name)).map_err(doing(format_args!("read `{name}`")))
    }
}

/// Never that of a step's layer with the same files: a step that copies all of it would seem to be done already.
fn id(changes: &[Change]) -> LayerId {
    let parts = [b"elsewhere".as_slice(), &tree::id(changes)].concat();
    LayerId::Made(blake3::hash(&parts).into())
}

/// With a plain directory wherever an archive only has something below it.
fn with_parents(entries: Vec<Entry>, made: Time) -> Vec<Entry> {
    let mut known: BTreeSet<tree::Path> = entries.iter().map(|entry| entry.path.clone()).collect();
    let mut all = Vec::with_capacity(entries.len());
    for entry in entries {
        let slashes = entry.path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for parent in slashes.map(|at| entry.path[..at].into()).collect::<Vec<tree::Path>>() {
            if known.insert(parent.clone()) {
                let meta = Meta { mode: 0o755, mtime: made, ..Meta::default() };
                all.push(Entry { path: parent, meta, kind: Kind::Dir });
            }
        }
        all.push(entry);
    }
    all.sort_by(|a, b| PathOrder(&a.path).cmp(&PathOrder(&b.path)));
    all
}

pub(super) fn now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time { sec: now.as_secs() as i64, nsec: now.subsec_nanos() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_that_an_archive_leaves_out() {
        let entry = |path: &str| Entry { path: path.into(), meta: Meta::default(), kind: Kind::Fifo };
        let dir = Entry { kind: Kind::Dir, ..entry("a") };
        let all = with_parents(vec![dir, entry("a/b/c"), entry("d/e")], Time::default());
        let shown: Vec<_> = all.iter().map(|e| (String::from_utf8_lossy(&e.path), e.meta.mode)).collect();
        let expected = [("a", 0), ("a/b", 0o755), ("a/b/c", 0), ("d", 0o755), ("d/e", 0)];
        assert_eq!(shown, expected.map(|(path, mode)| (path.into(), mode)));
    }
}
