//! The words of the OCI specifications as types: digests, references, descriptors, manifests, configs.
//!
//! Everything that crosses a crate boundary as "an image" is made of these. No I/O happens here; the
//! traits [`Blobs`] and [`Publish`] are what the crates that do I/O agree on.

pub mod blobs;
pub mod config;
pub mod descriptor;
pub mod digest;
pub mod image;
pub mod manifest;
pub mod media;
pub mod platform;
pub mod reference;
pub mod tagged;
pub mod time;

pub use blobs::{Blobs, Publish, Published};
pub use config::{Config, History, ImageConfig, RootFs};
pub use descriptor::Descriptor;
pub use digest::{DiffId, Digest, Hasher};
pub use image::Image;
pub use manifest::{Index, Manifest};
pub use platform::Platform;
pub use reference::Reference;
pub use tagged::Tagged;
