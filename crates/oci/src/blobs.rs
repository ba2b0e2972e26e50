//! What the crates that move images agree on.

use std::io::{self, Read};

use crate::{Descriptor, Digest, Tagged};

/// Where a publisher takes layer bytes from.
pub trait Blobs: Sync {
    /// Opens a blob for one read from its start to its end.
    ///
    /// # Errors
    /// `NotFound` if there is no such blob; else whatever reading it takes.
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>>;

    /// Where else the blob is known to be: repositories of the same registry, for a cross-repository mount.
    fn known_in(&self, _blob: &Digest, _registry: &str) -> Vec<String> {
        Vec::new()
    }
}

/// A place that images go to.
pub trait Publish {
    /// Puts the image there, or all images of an index. After `Ok` a reader finds all of it; after `Err` the
    /// place holds no name that points to a part of it.
    ///
    /// # Errors
    /// With the verb, the place and the cause.
    fn publish(&self, what: &Tagged, blobs: &dyn Blobs) -> Result<Published, String>;
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Bytes that were sent or written.
    pub sent: u64,
    /// Blobs that were there already, or mounted from another repository.
    pub skipped: usize,
}
