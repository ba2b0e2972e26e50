//! What a loss of power may have hurt: the last that was written before a reboot, until somebody has looked at it.
//!
//! Nothing is synced, so a file that was placed shortly before the machine went down can have its name and its size on
//! disk, and not its bytes. The first who opens the store in another boot notes whatever is that new; whoever uses a
//! noted thing for the first time compares it with its digest, and if that fails it is gone, as if it had never been
//! made. A build that uses no layer's files and no blob costs nothing more.
//!
//! ```text
//! boot                    the kernel's id of the boot in which the store was opened last
//! doubtful/blob-HEX       an empty file: nobody has read the blob since the reboot
//! doubtful/layer-ID       the same for a layer's files
//! ```
//! Tests name a boot with `TARE_BOOT_ID`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use oci::{Descriptor, Digest, Hasher};
use tree::Change;

use crate::{Error, LayerId, Result, Store};

/// Seconds. The kernel writes back what is half a minute old; a disk that is busy may lag behind.
const WRITTEN_AFTER: i64 = 300;

impl Store {
    /// Notes what is doubtful, if this is another boot than the last one.
    pub(crate) fn doubt(&self, now: &str) -> Result<()> {
        let path = self.path("boot");
        if is_same(&path, now) {
            return Ok(());
        }
        let _lock = self.lock("boot")?;
        if !is_same(&path, now) {
            self.note().map_err(|e| Error::at("write", &self.path("doubtful"), e))?;
            self.write(&path, now.as_bytes())?;
        }
        Ok(())
    }

    fn note(&self) -> io::Result<()> {
        let blobs = dated(&self.path("blobs/sha256"), |entry| entry);
        let layers = dated(&self.path("layers"), |entry| entry.join("fs"));
        let stats = dated(&self.path("stats"), |entry| entry);
        let all = || blobs.iter().chain(&layers).chain(&stats);
        let Some(newest) = all().map(|(_, changed)| *changed).max() else { return Ok(()) };
        let recent = |found: &&(String, i64)| found.1 > newest - WRITTEN_AFTER;
        fs::create_dir_all(self.path("doubtful"))?;
        for (kind, found) in [("blob", &blobs), ("layer", &layers)] {
            for (name, _) in found.iter().filter(recent) {
                File::create(self.path("doubtful").join(format!("{kind}-{name}")))?;
            }
        }
        // What files' contents were is found out again sooner than it is checked.
        stats.iter().filter(recent).try_for_each(|(name, _)| fs::remove_file(self.path("stats").join(name)))
    }

    fn blob_note(&self, digest: &Digest) -> PathBuf {
        self.path("doubtful").join(format!("blob-{}", digest.hex()))
    }

    fn layer_note(&self, id: &LayerId) -> PathBuf {
        self.path("doubtful").join(format!("layer-{id}"))
    }

    /// Reads a doubtful blob. One that is damaged is removed.
    pub(crate) fn check_blob(&self, blob: &Descriptor) -> io::Result<()> {
        let note = self.blob_note(&blob.digest);
        if !note.exists() {
            return Ok(());
        }
        let path = self.blob_path(&blob.digest);
        let mut hasher = Hasher::default();
        io::copy(&mut File::open(&path)?, &mut hasher)?;
        if hasher.finish() != blob.digest {
            fs::remove_file(&path)?;
            let why = "it was damaged when the machine went down, and is removed";
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        let _ = fs::remove_file(note);
        Ok(())
    }

    /// Whether nobody has looked at the layer's files since a reboot that may have hurt them.
    pub fn doubts(&self, id: &LayerId) -> bool {
        self.layer_note(id).exists()
    }

    /// Whether the layer's files are on disk and beyond doubt.
    pub fn has_trusted_fs(&self, id: &LayerId) -> bool {
        self.has_fs(id) && !self.doubts(id)
    }

    /// Whether the layer's files are on disk and, should there be any doubt, are what they were. Else they are removed,
    /// and so is the layer, if no blob has the same: whoever made it makes it again.
    ///
    /// Must run where the files can be read and removed: as root, or in the user namespace.
    ///
    /// # Errors
    /// If what is damaged can't be moved away.
    pub fn has_whole_fs(&self, id: &LayerId) -> Result<bool> {
        if !self.doubts(id) {
            return Ok(self.has_fs(id));
        }
        let _lock = self.lock_layer(id)?;
        if self.doubts(id) && self.has_fs(id) && !self.is_whole(id) {
            self.remove_files(id)?;
            if self.any_blob(id).is_none() {
                self.forget_layer(id);
            }
        }
        let _ = fs::remove_file(self.layer_note(id));
        Ok(self.has_fs(id))
    }

    /// Only what was made here has a list to compare it with. What came with an image is unpacked again.
    fn is_whole(&self, id: &LayerId) -> bool {
        let LayerId::Made(digest) = id else { return false };
        let Ok(changes) = self.layer_changes(id) else { return false };
        let fs = self.layer_fs(id);
        let is_there = |change: &Change| {
            let path = fs.join(OsStr::from_bytes(change.path()));
            fs::symlink_metadata(path).is_ok()
        };
        // Who writes a layer reads every file and compares it with the list.
        let is_readable = || layer::write(&changes, &layer::Times::Preserve, &mut io::sink()).is_ok();
        tree::id(&changes) == *digest && changes.iter().all(is_there) && is_readable()
    }

    /// Takes a layer's files away.
    pub(crate) fn remove_files(&self, id: &LayerId) -> Result<()> {
        let gone = self.scratch("damaged")?;
        self.place(&self.layer_fs(id), &gone)?;
        crate::clean::remove_tree(&gone);
        let _ = fs::remove_file(self.layer_note(id));
        Ok(())
    }

    /// Removes notes of what is not there any more.
    pub(crate) fn drop_notes(&self) {
        for entry in fs::read_dir(self.path("doubtful")).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let there = match name.split_once('-') {
                Some(("blob", hex)) => self.path("blobs/sha256").join(hex).exists(),
                Some(("layer", id)) => self.path("layers").join(id).join("fs").exists(),
                _ => false,
            };
            if !there {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// The kernel's name for this boot.
pub(crate) fn boot_id() -> String {
    let named = std::env::var("TARE_BOOT_ID").ok();
    // A system without it is never rebooted as far as can be told.
    named.unwrap_or_else(|| fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default())
}

fn is_same(path: &Path, boot: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|last| last == boot)
}

/// Names in a folder, with the second in which what `place` says was put there.
fn dated(folder: &Path, place: fn(PathBuf) -> PathBuf) -> Vec<(String, i64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let one = |entry: fs::DirEntry| {
        let meta = fs::symlink_metadata(place(entry.path())).ok()?;
        Some((entry.file_name().into_string().ok()?, meta.ctime()))
    };
    entries.filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use oci::Blobs;
    use tree::root::Root;
    use tree::{Content, Entry, Kind, Meta, Source};

    use super::*;
    use crate::layers;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> (Scratch, Store) {
            let path = std::env::temp_dir().join(format!("tare-doubt-{name}-{}", std::process::id()));
            let store = Store::open(&path).unwrap();
            (Scratch(path), store)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            crate::clean::remove_tree(&self.0);
        }
    }

    /// A layer of one file, as a step makes it.
    fn put_layer(store: &Store, text: &str) -> LayerId {
        let folder = store.scratch("layer").unwrap();
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("file"), text).unwrap();
        let source = Source::Disk { root: Root::open(&folder).unwrap(), path: b"file".to_vec().into() };
        let content = Content(*blake3::hash(text.as_bytes()).as_bytes());
        let kind = Kind::File { size: text.len() as u64, content, source };
        let meta = Meta { mode: 0o644, ..Meta::default() };
        let changes = [Change::Put(Entry { path: b"file".to_vec().into(), meta, kind })];
        let id = LayerId::Made(tree::id(&changes));
        store.place_fs(&id, &folder).unwrap();
        let meta = layers::Meta {
            maker: layers::Maker::Run,
            started: (1, 2),
            bytes: 4,
            entries: 1,
            traceable: true,
            copied: Vec::new(),
        };
        store.put_layer(&id, &changes, &meta).unwrap();
        id
    }

    #[test]
    fn what_survived_a_reboot_is_looked_at_once() {
        let (_scratch, store) = Scratch::new("whole");
        let id = put_layer(&store, "text");
        assert!(!store.doubts(&id), "the same boot");
        store.doubt("next").unwrap();
        assert!(store.doubts(&id) && store.has_layer(&id));
        assert!(store.has_whole_fs(&id).unwrap() && !store.doubts(&id));
        store.doubt("next").unwrap();
        assert!(!store.doubts(&id));
    }

    #[test]
    fn a_made_layer_that_was_hurt_is_as_if_it_had_never_been() {
        for hurt in
            [|file: &Path| fs::write(file, "\0\0\0\0").unwrap(), |file: &Path| fs::remove_file(file).unwrap()]
        {
            let (_scratch, store) = Scratch::new("hurt");
            let id = put_layer(&store, "text");
            hurt(&store.layer_fs(&id).join("file"));
            store.doubt("next").unwrap();
            assert!(!store.has_whole_fs(&id).unwrap());
            assert!(!store.has_layer(&id) && !store.doubts(&id));
            put_layer(&store, "text");
            assert!(store.has_layer(&id) && store.has_whole_fs(&id).unwrap());
        }
    }

    #[test]
    fn a_step_that_runs_again_replaces_what_is_doubtful() {
        let (_scratch, store) = Scratch::new("replaced");
        let id = put_layer(&store, "text");
        fs::write(store.layer_fs(&id).join("file"), "\0\0\0\0").unwrap();
        store.doubt("next").unwrap();
        assert_eq!(put_layer(&store, "text"), id);
        assert_eq!(fs::read_to_string(store.layer_fs(&id).join("file")).unwrap(), "text");
        assert!(!store.doubts(&id));
    }

    #[test]
    fn a_damaged_blob_is_gone_when_it_is_read() {
        let (_scratch, store) = Scratch::new("blob");
        let blob = Descriptor::of("x", b"bytes");
        store.put_blob(b"bytes").unwrap();
        store.doubt("next").unwrap();
        assert!(store.open(&blob).is_ok() && store.open(&blob).is_ok());
        fs::write(store.blob_path(&blob.digest), "bytez").unwrap();
        assert!(store.open(&blob).is_ok(), "it was looked at in this boot");
        store.doubt("third").unwrap();
        assert!(store.open(&blob).is_err_and(|e| e.kind() == io::ErrorKind::NotFound));
        assert!(!store.has_blob(&blob));
        store.drop_notes();
        assert_eq!(fs::read_dir(store.path("doubtful")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_old_is_on_disk() {
        let (_scratch, store) = Scratch::new("old");
        assert_eq!(dated(&store.path("blobs/sha256"), |entry| entry), []);
        store.put_blob(b"bytes").unwrap();
        let found = dated(&store.path("blobs/sha256"), |entry| entry);
        let recent = |newest: i64| found.iter().filter(|f| f.1 > newest - WRITTEN_AFTER).count();
        let at = found[0].1;
        assert_eq!((recent(at), recent(at + WRITTEN_AFTER - 1), recent(at + WRITTEN_AFTER)), (1, 1, 0));
    }
}
