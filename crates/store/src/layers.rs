//! Layers: their files in overlayfs-lower form, and the compressed forms that were made of them.
//!
//! A base layer's id is its diff id. A layer that tare made has the BLAKE3 of its time-free canonical
//! changes as id: a step that is run again with the same result finds the earlier layer and keeps it, so
//! digests are stable on one store although the clock went on.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use oci::media::Compression;
use oci::{Descriptor, DiffId, Digest};
use serde::{Deserialize, Serialize};
use tree::root::Root;
use tree::{Change, Time};

use crate::file::read_json;
use crate::lock::Lock;
use crate::{Result, Store, changes};

/// Which layer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LayerId {
    /// Of an image that was pulled or imported.
    Base(DiffId),
    /// Of a step; the time-free digest of its changes.
    Made([u8; 32]),
}

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerId::Base(id) => write!(f, "sha256-{}", id.0.hex()),
            LayerId::Made(id) => write!(f, "made-{}", oci::digest::hex(id)),
        }
    }
}

impl FromStr for LayerId {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<LayerId, String> {
        let digest = |hex: &str| format!("sha256:{hex}").parse::<Digest>();
        match text.split_once('-') {
            Some(("sha256", hex)) => Ok(LayerId::Base(DiffId(digest(hex)?))),
            Some(("made", hex)) => Ok(LayerId::Made(digest(hex)?.bytes())),
            _ => Err(format!("`{text}` is not a layer id")),
        }
    }
}

impl Serialize for LayerId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LayerId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<LayerId, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What kind of step made a layer; the reproducible timestamp rule asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Maker {
    /// COPY, ADD or WORKDIR: every entry's time is arbitrary.
    Copy,
    /// RUN: times from before the step were set by what it ran.
    Run,
}

/// What is remembered of a made layer besides its changes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// What made it.
    pub maker: Maker,
    /// The file system's clock when the step started, seconds and nanoseconds.
    pub started: (i64, u32),
    /// Bytes of its regular files.
    pub bytes: u64,
    /// How many changes it is.
    #[serde(default)]
    pub entries: u64,
    /// Whether it can be served to a step, so that what the step reads of it is seen; see `trace::traceable`.
    #[serde(default)]
    pub traceable: bool,
    /// Times in a RUN layer that are those of files which COPY had brought.
    #[serde(default)]
    pub copied: Vec<(i64, u32)>,
}

/// One way to turn a layer into a blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Variant {
    /// The one time of the reproducible rule; `None` keeps the files' own.
    pub time: Option<i64>,
    /// How the tar is compressed.
    pub compression: Compression,
    /// The compressor's level, if not its default.
    pub level: Option<i32>,
}

impl Variant {
    fn name(&self) -> String {
        let time = self.time.map_or("preserve".to_owned(), |t| t.to_string());
        let level = self.level.map(|l| format!("-{l}")).unwrap_or_default();
        format!("blob-{time}-{:?}{level}.json", self.compression).to_lowercase()
    }
}

/// What one variant came out as.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BlobRecord {
    /// The uncompressed tar's digest.
    pub diff_id: DiffId,
    /// The blob.
    pub blob: Descriptor,
}

impl Store {
    pub(crate) fn layer_dir(&self, id: &LayerId) -> PathBuf {
        self.path("layers").join(id.to_string())
    }

    /// The lock of a layer is its folder, which only goes when nobody uses the store.
    pub(crate) fn lock_layer(&self, id: &LayerId) -> Result<Lock> {
        let folder = self.layer_dir(id);
        match std::fs::create_dir(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(crate::Error::at("create", &folder, e))
            }
            _ => crate::lock::of_folder(&folder),
        }
    }

    /// Where a layer's files are, or would be.
    pub fn layer_fs(&self, id: &LayerId) -> PathBuf {
        self.layer_dir(id).join("fs")
    }

    /// Whether the layer's files are on disk.
    pub fn has_fs(&self, id: &LayerId) -> bool {
        self.layer_fs(id).is_dir()
    }

    /// Moves a finished folder to a layer's place. If the layer is there already, the earlier one stays and
    /// the folder is removed.
    ///
    /// # Errors
    /// If it can't be moved.
    pub fn place_fs(&self, id: &LayerId, folder: &Path) -> Result<()> {
        let _lock = self.lock_layer(id)?;
        if self.has_fs(id) && self.doubts(id) {
            self.remove_files(id)?;
        }
        if self.has_fs(id) {
            crate::clean::remove_tree(folder);
            return Ok(());
        }
        self.place(folder, &self.layer_fs(id))
    }

    /// Remembers what a made layer consists of. The first to say so is right: later times don't count.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_layer(&self, id: &LayerId, changes: &[Change], meta: &Meta) -> Result<()> {
        let _lock = self.lock_layer(id)?;
        if self.layer_meta(id).is_some() {
            return Ok(());
        }
        let dir = self.layer_dir(id);
        self.write_with(&dir.join("changes"), |file| changes::encode(changes, file))?;
        self.write_json(&dir.join("meta.json"), meta)
    }

    /// Forgets a made layer: whoever asks for it finds none.
    pub(crate) fn forget_layer(&self, id: &LayerId) {
        let _ = std::fs::remove_file(self.layer_dir(id).join("meta.json"));
    }

    /// What is remembered of a made layer.
    pub fn layer_meta(&self, id: &LayerId) -> Option<Meta> {
        read_json(&self.layer_dir(id).join("meta.json"))
    }

    /// A made layer's canonical changes; the files' bytes are to be had only if [`Store::has_fs`].
    ///
    /// # Errors
    /// If there is no such layer, or its list can't be read.
    pub fn layer_changes(&self, id: &LayerId) -> Result<Vec<Change>> {
        let path = self.layer_dir(id).join("changes");
        // Without a folder the bytes can't be had, and nobody may ask for them.
        let fs = self.has_fs(id).then(|| self.layer_root(id)).transpose()?;
        changes::read(&path, fs.as_ref()).map_err(|e| crate::Error::at("read", &path, e))
    }

    /// A layer's files, without a descriptor for each: a stage may have a thousand layers.
    fn layer_root(&self, id: &LayerId) -> Result<Arc<Root>> {
        let path = self.path("layers");
        if self.layers.get().is_none() {
            let root = Root::open(&path).map_err(|e| crate::Error::at("open", &path, e))?;
            let _ = self.layers.set(root);
        }
        let root = self.layers.get().expect("it was set");
        Ok(root.below(&Path::new(&id.to_string()).join("fs")))
    }

    /// A made layer in one compressed form, if that form was made and its blob is here.
    pub fn layer_blob(&self, id: &LayerId, variant: &Variant) -> Option<BlobRecord> {
        let record: BlobRecord = read_json(&self.layer_dir(id).join(variant.name()))?;
        self.has_blob(&record.blob).then_some(record)
    }

    /// Any compressed form of a made layer whose blob is here.
    pub fn any_blob(&self, id: &LayerId) -> Option<BlobRecord> {
        self.records(id).find(|r| self.has_blob(&r.blob))
    }

    /// All compressed forms of a made layer that were made, whether or not their blobs are here.
    pub(crate) fn records(&self, id: &LayerId) -> impl Iterator<Item = BlobRecord> {
        self.record_paths(id).into_iter().filter_map(|path| read_json(&path))
    }

    fn record_paths(&self, id: &LayerId) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.layer_dir(id)).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|e| e.path()).filter(|p| is_record(p)).collect();
        paths.sort();
        paths
    }

    /// The form that a layer gets on its way out, made of the plain one before, if that was made and is here.
    pub fn packed(&self, id: &LayerId, plain: &Descriptor) -> Option<BlobRecord> {
        let record: BlobRecord = read_json(&self.beside(id, plain)?)?;
        self.has_blob(&record.blob).then_some(record)
    }

    /// Remembers the form that was made of a plain one on its way out: gzip at its default level.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_packed(&self, id: &LayerId, plain: &Descriptor, record: &BlobRecord) -> Result<()> {
        self.beside(id, plain).map_or(Ok(()), |path| self.write_json(&path, record))
    }

    /// Where a build that wants gzip looks, with the times that the plain blob has.
    fn beside(&self, id: &LayerId, plain: &Descriptor) -> Option<PathBuf> {
        let is_it = |path: &PathBuf| {
            read_json::<BlobRecord>(path).is_some_and(|record| record.blob.digest == plain.digest)
        };
        let path = self.record_paths(id).into_iter().find(is_it)?;
        let name = path.file_name()?.to_str()?.strip_suffix("-none.json")?;
        Some(path.with_file_name(format!("{name}-gzip.json")))
    }

    /// Remembers a compressed form.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_layer_blob(&self, id: &LayerId, variant: &Variant, record: &BlobRecord) -> Result<()> {
        self.write_json(&self.layer_dir(id).join(variant.name()), record)
    }

    /// Whether a made layer can still be used: its list is here, and its bytes in one form or another.
    pub fn has_layer(&self, id: &LayerId) -> bool {
        self.layer_dir(id).join("meta.json").exists() && (self.has_fs(id) || self.any_blob(id).is_some())
    }
}

fn is_record(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("blob-"))
}

/// A meta's start as the model's time.
impl Meta {
    /// When the step started.
    pub fn start(&self) -> Time {
        Time { sec: self.started.0, nsec: self.started.1 }
    }
}
