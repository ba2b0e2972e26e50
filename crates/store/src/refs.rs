//! What tags once resolved to, so that a second build asks no registry.

use std::path::PathBuf;

use oci::{Descriptor, Platform};
use serde::{Deserialize, Serialize};

use crate::file::read_json;
use crate::{Result, Store};

/// A name and platform, resolved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Resolution {
    /// The name as it was asked for.
    pub name: String,
    /// Points to the manifest of one image; its bytes and its config's are in the blobs.
    pub manifest: Descriptor,
    /// Points to the index that the manifest was found in; what a pin should name.
    pub index: Option<Descriptor>,
    /// Seconds since 1970.
    pub at: i64,
}

impl Store {
    fn ref_path(&self, name: &str, platform: &Platform) -> PathBuf {
        let id = blake3::hash(format!("{name}\n{platform}").as_bytes());
        self.path("refs").join(format!("{}.json", id.to_hex()))
    }

    /// What the name resolved to last time.
    pub fn resolution(&self, name: &str, platform: &Platform) -> Option<Resolution> {
        read_json(&self.ref_path(name, platform))
    }

    /// Remembers what a name resolved to.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_resolution(&self, platform: &Platform, resolution: &Resolution) -> Result<()> {
        self.write_json(&self.ref_path(&resolution.name, platform), resolution)
    }
}
