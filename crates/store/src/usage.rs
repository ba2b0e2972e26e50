//! How much the store holds, and making room: least recently used first, images last and only on request.
//!
//! A layer's last use is the modification time of its folder; [`Store::touch`] sets it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use oci::Digest;

use crate::clean::remove_tree;
use crate::file::{read_json, touch};
use crate::traces::Traces;
use crate::{Action, LayerId, Resolution, Result, Store, Stored};

/// Bytes on disk, by what they are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Unpacked layers.
    pub layers: u64,
    /// Manifests, configs and layers, compressed or not.
    pub blobs: u64,
    /// Cache mounts.
    pub mounts: u64,
    /// Keys, names, logs and unfinished work.
    pub other: u64,
}

impl Usage {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.layers + self.blobs + self.mounts + self.other
    }
}

/// What a prune may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// Everything that no image needs.
    Unused,
    /// The least recently used of what no image needs, until the store has at most so many bytes.
    AtMost(u64),
}

impl Store {
    /// Says that a layer was used now.
    pub fn touch(&self, id: &LayerId) {
        // One that is gone has nothing to tell.
        let _ = touch(&self.layer_dir(id));
    }

    /// Counts the bytes on disk.
    pub fn usage(&self) -> Usage {
        let size = |folder: &str| disk_size(&self.path(folder));
        let other =
            ["git", "actions", "traces", "refs", "images", "stats", "builds", "locks", "doubtful", "tmp"];
        Usage {
            layers: size("layers"),
            blobs: size("blobs"),
            mounts: size("mounts"),
            other: other.iter().map(|f| size(f)).sum(),
        }
    }

    /// Makes room and says how many bytes were freed. The caller holds [`Store::alone`].
    ///
    /// # Errors
    /// None yet; what can't be removed stays.
    pub fn prune(&self, room: Room) -> Result<u64> {
        let before = self.usage().total();
        let needed: BTreeSet<LayerId> = self.images().into_iter().flat_map(|i| i.layers).collect();
        let unneeded = self.layers_by_age().into_iter().filter(|(id, _)| !needed.contains(id));
        let mut total = before.saturating_sub(self.drop_repositories(room, before));
        for (id, path) in unneeded {
            if matches!(room, Room::AtMost(max) if total <= max) {
                break;
            }
            total = total.saturating_sub(disk_size(&path) + self.blob_sizes(&id));
            remove_tree(&path);
        }
        self.drop_dangling(room);
        Ok(before.saturating_sub(self.usage().total()))
    }

    /// Removes the objects of repositories: a fetch brings back what is wanted again.
    fn drop_repositories(&self, room: Room, total: u64) -> u64 {
        if matches!(room, Room::AtMost(max) if total <= max) {
            return 0;
        }
        let size = disk_size(&self.path("git"));
        remove_children(&self.path("git"));
        size
    }

    fn layers_by_age(&self) -> Vec<(LayerId, PathBuf)> {
        let entries = fs::read_dir(self.path("layers")).into_iter().flatten().flatten();
        let dated = |e: fs::DirEntry| {
            let id: LayerId = e.file_name().to_str()?.parse().ok()?;
            Some((e.metadata().ok()?.modified().ok()?, id, e.path()))
        };
        let mut all: Vec<_> = entries.filter_map(dated).collect();
        all.sort();
        all.into_iter().map(|(_, id, path)| (id, path)).collect()
    }

    fn blob_sizes(&self, id: &LayerId) -> u64 {
        self.records(id).map(|r| r.blob.size).sum()
    }

    /// Removes answers whose layer is gone, and blobs that nothing names any more.
    fn drop_dangling(&self, room: Room) {
        self.drop_locks();
        self.drop_notes();
        for path in files_below(&self.path("actions")) {
            if !read_json::<Action>(&path).is_some_and(|a| self.has_layer(&a.layer)) {
                let _ = fs::remove_file(path);
            }
        }
        for path in files_below(&self.path("traces")) {
            let lives = |known: &Traces| known.runs.iter().any(|run| self.has_layer(&run.layer));
            if !read_json::<Traces>(&path).as_ref().is_some_and(lives) {
                let _ = fs::remove_file(path);
            }
        }
        if room == Room::Unused {
            files_below(&self.path("refs")).iter().for_each(|path| drop(fs::remove_file(path)));
            files_below(&self.path("stats")).iter().for_each(|path| drop(fs::remove_file(path)));
            remove_children(&self.path("builds"));
            remove_children(&self.path("mounts"));
        }
        let named = self.named_blobs();
        for path in files_below(&self.path("blobs")) {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if !format!("sha256:{name}").parse::<Digest>().is_ok_and(|d| named.contains(&d)) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Every key that was ever built has left an empty lock file; nobody holds one but us.
    fn drop_locks(&self) {
        let locks = files_below(&self.path("locks"));
        locks.iter().filter(|path| !path.ends_with("store")).for_each(|path| drop(fs::remove_file(path)));
    }

    /// Blobs of images, of layers that are here, and of base images that tags resolved to.
    fn named_blobs(&self) -> BTreeSet<Digest> {
        let resolutions =
            files_below(&self.path("refs")).into_iter().filter_map(|p| read_json::<Resolution>(&p));
        let images = self.images();
        let own = images.iter().flat_map(Stored::manifests).cloned();
        let manifests = own.chain(resolutions.map(|r| r.manifest));
        let mut named: BTreeSet<Digest> = images.iter().map(|stored| stored.manifest.digest).collect();
        for manifest in manifests {
            named.insert(manifest.digest);
            let Ok(image) = self.load_image(&manifest) else { continue };
            named.insert(image.manifest.config.digest);
            named.extend(image.manifest.layers.iter().map(|l| l.digest));
        }
        for (id, _) in self.layers_by_age() {
            named.extend(self.records(&id).map(|r| r.blob.digest));
        }
        named
    }
}

fn remove_children(folder: &Path) {
    fs::read_dir(folder).into_iter().flatten().flatten().for_each(|e| remove_tree(&e.path()));
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => out.extend(files_below(&entry.path())),
            _ => out.push(entry.path()),
        }
    }
    out
}

/// Blocks on disk, a hard-linked file once.
fn disk_size(folder: &Path) -> u64 {
    fn walk(folder: &Path, seen: &mut BTreeSet<u64>) -> u64 {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|e| one(&e, seen)).sum()
    }
    fn one(entry: &fs::DirEntry, seen: &mut BTreeSet<u64>) -> u64 {
        let Ok(meta) = entry.metadata() else { return 0 };
        let counted = meta.nlink() < 2 || meta.is_dir() || seen.insert(meta.ino());
        let own = if counted { meta.blocks() * 512 } else { 0 };
        own + if meta.is_dir() { walk(&entry.path(), seen) } else { 0 }
    }
    walk(folder, &mut BTreeSet::new())
}
