//! OCI layers as bytes: changes to a tar and its blob, a blob's tar to a folder that overlayfs can stack.
//!
//! Fed by `tree` (changes) and `transport` (blobs), feeds `store` and `engine`. On disk a layer is a folder
//! in overlayfs's own form: a whiteout is the character device 0/0, an opaque directory has the attribute
//! `user.overlay.opaque` = `y`. Knows nothing of images, registries or mounts.

pub mod apply;
pub mod archive;
pub mod blob;
pub mod decode;
mod failure;
mod gzip;
pub mod header;
pub mod materialise;
pub mod pax;
mod place;
mod pump;
pub mod read;
mod resolve;
pub mod verify;
pub mod write;

pub use apply::{Applied, Skipped, apply};
pub use blob::{BlobInfo, blob, recompress};
pub use decode::{Format, decoder, layer_decoder};
pub use materialise::{materialise, materialise_unless};
pub use read::Reader;
pub use verify::Verified;
pub use write::{Times, write};

/// Prefix of a name that takes away its sibling; OCI image-spec, layer.md "Whiteouts".
pub const WHITEOUT: &[u8] = b".wh.";
/// Name of the entry that empties its directory.
pub const OPAQUE: &[u8] = b".wh..wh..opq";
