//! Images by name: what `tare images` lists.

use std::path::PathBuf;

use oci::{Descriptor, Digest, Image, Reference};
use serde::{Deserialize, Serialize};

use crate::file::read_json;
use crate::{Error, LayerId, Result, Store};

/// A named image of the store.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// Fully qualified, with a tag.
    pub name: String,
    /// Points to the manifest; its bytes and its config's are in the blobs.
    pub manifest: Descriptor,
    /// The digest of the config.
    pub id: Digest,
    /// The layers, lowest first, as they lie in the store.
    pub layers: Vec<LayerId>,
    /// When the image came here, seconds since 1970; further names keep it.
    pub at: i64,
    /// Bytes of the compressed layers.
    pub size: u64,
    /// Which timestamp rule the layers that tare made follow.
    #[serde(default)]
    pub timestamps: String,
}

impl Store {
    fn image_path(&self, name: &str) -> PathBuf {
        self.path("images").join(format!("{}.json", blake3::hash(name.as_bytes()).to_hex()))
    }

    /// Gives an image a name; an older image of that name loses it.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_image(&self, stored: &Stored) -> Result<()> {
        self.write_json(&self.image_path(&stored.name), stored)
    }

    /// The image of a name.
    pub fn image(&self, name: &Reference) -> Option<Stored> {
        let tagged =
            Reference { digest: None, tag: name.tag.clone().or(Some("latest".into())), ..name.clone() };
        let stored: Option<Stored> = read_json(&self.image_path(&tagged.to_string()));
        let Some(digest) = name.digest else { return stored };
        stored
            .filter(|s| s.manifest.digest == digest)
            .or_else(|| self.image_by(|s| s.manifest.digest == digest))
    }

    fn image_by(&self, wanted: impl Fn(&Stored) -> bool) -> Option<Stored> {
        self.images().into_iter().find(|s| wanted(s))
    }

    /// Every named image, by name.
    pub fn images(&self) -> Vec<Stored> {
        let entries = std::fs::read_dir(self.path("images")).into_iter().flatten().flatten();
        let mut all: Vec<Stored> = entries.filter_map(|e| read_json(&e.path())).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Images whose id starts with these hex digits.
    pub fn images_of_id(&self, prefix: &str) -> Vec<Stored> {
        let prefix = prefix.strip_prefix("sha256:").unwrap_or(prefix);
        self.images().into_iter().filter(|s| s.id.hex().starts_with(prefix)).collect()
    }

    /// Takes a name away; the image's parts stay until a prune. `false` if there was none.
    ///
    /// # Errors
    /// If the name can't be removed.
    pub fn remove_image(&self, name: &str) -> Result<bool> {
        let path = self.image_path(name);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(Error::at("remove", &path, e)),
        }
    }

    /// An image's manifest and config, out of the blobs.
    ///
    /// # Errors
    /// If one is missing or is not what it should be.
    pub fn load_image(&self, manifest: &Descriptor) -> std::result::Result<Image, String> {
        let missing = |d: &Digest| format!("blob {d} is not in the store: build or pull the image again");
        let bytes = self.small_blob(&manifest.digest).ok_or_else(|| missing(&manifest.digest))?;
        let parsed: oci::Manifest = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        let config = self.small_blob(&parsed.config.digest).ok_or_else(|| missing(&parsed.config.digest))?;
        Image::parse(&manifest.media_type, bytes, config)
    }
}
