//! What layouts and archives have in common: the parts of an image as blobs, and its entries in `index.json`.
//!
//! Several images go in with an index of their own, which is what the entries then point to.

use std::io::{self, Read};

use oci::{Blobs, Descriptor, Reference, Tagged};

/// The tag of a layout's entry. See OCI annotations.md.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The full name of an image, as containerd and Docker look for it.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// What an image is called in a layout or an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A tag and nothing else, as `skopeo` and `buildah` name an image of a layout.
    Tag(String),
    /// A full name, as an image to be loaded into an engine needs it.
    Image(Reference),
}

impl Name {
    fn annotate(&self, entry: &mut Descriptor) {
        let mut set = |key: &str, value: String| entry.annotations.insert(key.to_owned(), value);
        match self {
            Name::Tag(tag) => {
                set(REF_NAME, tag.clone());
            }
            Name::Image(reference) => {
                set(IMAGE_NAME, reference.to_string());
                reference.tag.as_ref().map(|tag| set(REF_NAME, tag.clone()));
            }
        }
    }
}

/// Whether an index's entry is called `wanted`: its tag, its full name, or the tag of its full name.
pub(crate) fn is_called(entry: &Descriptor, wanted: &str) -> bool {
    let value = |key| entry.annotations.get(key).map(String::as_str);
    // Some write the full name where the tag belongs.
    let full = value(IMAGE_NAME).into_iter().chain(value(REF_NAME).filter(|name| name.contains([':', '/'])));
    let mut full = full.filter_map(|name| name.parse::<Reference>().ok());
    let as_reference = wanted.parse::<Reference>().ok();
    value(REF_NAME) == Some(wanted)
        || full.any(|name| name.tag.as_deref() == Some(wanted) || Some(name) == as_reference)
}

/// How people would call an entry.
pub(crate) fn display_name(entry: &Descriptor) -> Option<&str> {
    [REF_NAME, IMAGE_NAME].iter().find_map(|key| entry.annotations.get(*key)).map(String::as_str)
}

/// Whether two entries can't stand beside each other: the same full name, or the same tag unless both have
/// full names, which then differ.
pub(crate) fn have_same_name(a: &Descriptor, b: &Descriptor) -> bool {
    let value = |entry: &Descriptor, key: &str| entry.annotations.get(key).cloned();
    match (value(a, IMAGE_NAME), value(b, IMAGE_NAME)) {
        (Some(a), Some(b)) => a == b,
        _ => value(a, REF_NAME) == value(b, REF_NAME),
    }
}

/// The entries for an image or an index: one a name, or one without.
pub(crate) fn entries(what: &Tagged, names: &[Name]) -> Vec<Descriptor> {
    let platform = what.only().map(|image| image.config.platform());
    let bare = Descriptor { platform, ..what.descriptor().clone() };
    if names.is_empty() {
        return vec![bare];
    }
    let named = |name: &Name| {
        let mut entry = bare.clone();
        name.annotate(&mut entry);
        entry
    };
    names.iter().map(named).collect()
}

/// A blob of what is written, wherever its bytes are.
pub(crate) struct Part<'a> {
    pub blob: Descriptor,
    bytes: Option<&'a [u8]>,
}

impl Part<'_> {
    /// Opens the bytes, unverified.
    pub(crate) fn open<'b>(&'b self, blobs: &'b dyn Blobs) -> io::Result<Box<dyn Read + Send + 'b>> {
        match self.bytes {
            Some(bytes) => Ok(Box::new(bytes)),
            None => blobs.open(&self.blob),
        }
    }
}

/// Every blob once, in the order of their digests.
pub(crate) fn parts(what: &Tagged) -> Vec<Part<'_>> {
    let mut all: Vec<Part<'_>> =
        what.layers().into_iter().map(|blob| Part { blob: blob.clone(), bytes: None }).collect();
    for image in what.images() {
        all.push(Part { blob: image.manifest.config.clone(), bytes: Some(&image.config_bytes) });
        all.push(Part { blob: image.descriptor.clone(), bytes: Some(&image.manifest_bytes) });
    }
    // Without an index this is the manifest once more.
    all.push(Part { blob: what.descriptor().clone(), bytes: Some(what.bytes()) });
    all.sort_by_key(|part| part.blob.digest);
    all.dedup_by_key(|part| part.blob.digest);
    all
}

/// Where a blob is in a layout.
pub(crate) fn blob_path(blob: &Descriptor) -> String {
    format!("blobs/sha256/{}", blob.digest.hex())
}
