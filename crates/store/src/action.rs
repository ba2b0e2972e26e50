//! The step cache: a key to the layer that the step made.
//!
//! What the key was made of stands in the records of builds.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use plan::Key;
use serde::{Deserialize, Serialize};

use crate::file::read_json;
use crate::{LayerId, Result, Store};

/// What a step came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Action {
    /// The layer that it made.
    pub layer: LayerId,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Caches without which there would be nothing to show for the step: it left no file behind but in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<CacheId>,
}

/// One life of a cache mount: a cache that was removed and made again has another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CacheId {
    /// Its folder's name below `mounts`.
    pub name: String,
    /// Which life.
    pub life: String,
}

impl Store {
    fn action_path(&self, key: &Key) -> PathBuf {
        let name = key.hex();
        self.path("actions").join(&name[..1]).join(format!("{name}.json"))
    }

    /// What the step of that key came to, if its layer is still here, and the caches that it lives on.
    pub fn action(&self, key: &Key) -> Option<Action> {
        let action: Action = read_json(&self.action_path(key))?;
        (self.has_layer(&action.layer) && self.all_live(&action.caches)).then_some(action)
    }

    /// The layer that the step of that key came to, whether or not its files are here.
    pub fn layer_of(&self, key: &Key) -> Option<LayerId> {
        read_json::<Action>(&self.action_path(key)).map(|action| action.layer)
    }

    /// Whether caches are still what they were.
    pub(crate) fn all_live(&self, caches: &[CacheId]) -> bool {
        caches.iter().all(|cache| self.cache_life(&cache.name).is_some_and(|life| life == cache.life))
    }

    /// Where a cache mount's files are.
    pub fn cache_path(&self, name: &str) -> PathBuf {
        self.path("mounts").join(name)
    }

    /// Which life of a cache mount this is; none if it isn't there.
    pub fn cache_life(&self, name: &str) -> Option<String> {
        let meta = std::fs::metadata(self.cache_path(name)).ok()?;
        let born = meta.created().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        // A file system may give a number again, but not in the same nanosecond.
        Some(format!("{}-{}", meta.ino(), born.map_or(0, |b| b.as_nanos())))
    }

    /// Remembers what a step came to.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_action(&self, key: &Key, layer: LayerId, millis: u64, caches: Vec<CacheId>) -> Result<()> {
        self.write_json(&self.action_path(key), &Action { layer, millis, caches })
    }
}
