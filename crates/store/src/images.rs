//! Images by name: what `tare images` lists.
//!
//! A name of several platforms is an index: `manifest` points to it, `id` is its digest, `layers` and `size`
//! are those of all its images, and `platforms` has one entry for each. Records without `platforms`, which
//! all were once, are of a single image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oci::{Descriptor, Digest, Image, Platform, Reference, Tagged};
use serde::{Deserialize, Serialize};

use crate::file::read_json;
use crate::{Error, LayerId, Result, Store};

/// A named image of the store.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// Fully qualified, with a tag.
    pub name: String,
    /// Points to the manifest or the index; its bytes and those of what it names are in the blobs.
    pub manifest: Descriptor,
    /// The digest of the config, of an index its own.
    pub id: Digest,
    /// The layers, lowest first, as they lie in the store; of an index those of all images, each once.
    pub layers: Vec<LayerId>,
    /// When the image came here, seconds since 1970; further names keep it.
    pub at: i64,
    /// Bytes of the layers' blobs, as they lie in the store.
    pub size: u64,
    /// Whether the layers that tare made are kept plain for as long as they stay here, and are compressed on
    /// their way out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain: bool,
    /// Which timestamp rule the layers that tare made follow.
    #[serde(default)]
    pub timestamps: String,
    /// The images of an index, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Member>,
}

/// One image of an index; the fields are those of [`Stored`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// What the image is for.
    pub platform: Platform,
    /// Points to the manifest.
    pub manifest: Descriptor,
    /// The digest of the config.
    pub id: Digest,
    /// The layers, lowest first.
    pub layers: Vec<LayerId>,
    /// Bytes of the layers' blobs.
    pub size: u64,
}

impl Stored {
    /// A record of an image or an index whose images have these layers. `origin` says which timestamp rule
    /// was used.
    pub fn new(name: &str, what: &Tagged, layers: Vec<Vec<LayerId>>, at: i64, origin: &str) -> Stored {
        let platforms = if what.is_index() { members(what, &layers) } else { Vec::new() };
        let layers_size = || what.layers().iter().map(|blob| blob.size).sum();
        Stored {
            name: name.to_owned(),
            manifest: what.descriptor().clone(),
            id: what.id(),
            layers: if what.is_index() { each_once(layers) } else { layers.concat() },
            at,
            size: what.only().map_or_else(layers_size, Image::layers_size),
            plain: false,
            timestamps: origin.to_owned(),
            platforms,
        }
    }

    /// The layers of each image, in the order of the index.
    pub fn layers_of_each(&self) -> Vec<&[LayerId]> {
        if self.platforms.is_empty() {
            return vec![&self.layers];
        }
        self.platforms.iter().map(|member| &member.layers[..]).collect()
    }

    /// The image for a platform: of an index the first that runs there, a single one whatever it is for.
    pub fn on(&self, wanted: &Platform) -> Option<Stored> {
        if self.platforms.is_empty() {
            return Some(self.clone());
        }
        self.platforms.iter().find(|member| wanted.accepts(&member.platform)).map(|member| self.alone(member))
    }

    /// One image of an index, as if it had the name for itself.
    pub fn alone(&self, member: &Member) -> Stored {
        let Member { manifest, id, layers, size, .. } = member.clone();
        Stored { manifest, id, layers, size, platforms: Vec::new(), ..self.clone() }
    }

    /// Itself, or the image of the index, if that is its digest.
    fn with_digest(self, digest: Digest) -> Option<Stored> {
        if self.manifest.digest == digest {
            return Some(self);
        }
        self.platforms.iter().find(|member| member.manifest.digest == digest).map(|member| self.alone(member))
    }

    /// The manifests of all images.
    pub(crate) fn manifests(&self) -> Vec<&Descriptor> {
        if self.platforms.is_empty() {
            return vec![&self.manifest];
        }
        self.platforms.iter().map(|member| &member.manifest).collect()
    }
}

fn members(what: &Tagged, layers: &[Vec<LayerId>]) -> Vec<Member> {
    let one = |((image, platform), layers): ((&Image, Platform), &Vec<LayerId>)| Member {
        platform,
        manifest: image.descriptor.clone(),
        id: image.id(),
        layers: layers.clone(),
        size: image.layers_size(),
    };
    what.images().iter().zip(what.platforms()).zip(layers).map(one).collect()
}

fn each_once(layers: Vec<Vec<LayerId>>) -> Vec<LayerId> {
    let mut all = Vec::new();
    for layer in layers.into_iter().flatten() {
        if !all.contains(&layer) {
            all.push(layer);
        }
    }
    all
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
        stored.into_iter().chain(self.images()).find_map(|stored| stored.with_digest(digest))
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

    /// What a name points to, out of the blobs.
    ///
    /// # Errors
    /// If a part is missing or is not what it should be.
    pub fn load(&self, stored: &Stored) -> std::result::Result<Tagged, String> {
        if stored.platforms.is_empty() {
            return self.load_image(&stored.manifest).map(Tagged::from);
        }
        let Descriptor { media_type, digest, .. } = &stored.manifest;
        let bytes = self.small_blob(digest).ok_or_else(|| missing(digest))?;
        let images = stored.platforms.iter().map(|member| self.load_image(&member.manifest));
        let tagged = Tagged::parse(media_type, bytes, images.collect::<std::result::Result<_, _>>()?)?;
        Ok(tagged.described(stored.manifest.annotations.clone()))
    }

    /// An image's manifest and config, out of the blobs.
    ///
    /// # Errors
    /// If one is missing or is not what it should be.
    pub fn load_image(&self, manifest: &Descriptor) -> std::result::Result<Image, String> {
        let bytes = self.small_blob(&manifest.digest).ok_or_else(|| missing(&manifest.digest))?;
        let parsed: oci::Manifest = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        let config = self.small_blob(&parsed.config.digest).ok_or_else(|| missing(&parsed.config.digest))?;
        let image = Image::parse(&manifest.media_type, bytes, config)?;
        Ok(image.annotated(BTreeMap::new(), manifest.annotations.clone()))
    }
}

fn missing(blob: &Digest) -> String {
    format!("blob {blob} is not in the store: build or pull the image again")
}
