//! What every place that images come from can do, so that the engine need not know which one it has.
//!
//! `resolve` turns a name and a platform into the bytes of one manifest; `config` and `blob` fetch what
//! the manifest points to. Everything that comes out was checked against its digest.

use std::io::Read;

use oci::{Descriptor, Digest, Image, Index, Manifest, Platform, media};

use crate::error::{Error, Kind, Result};

/// A manifest or index beyond this is refused: registries themselves stop at 4 MiB.
pub const MAX_MANIFEST: u64 = 4 << 20;
/// A config beyond this is refused.
pub const MAX_CONFIG: u64 = 8 << 20;

/// One image at a place.
pub trait Pull: Send + Sync {
    /// Reads the manifest, by way of the index if there is one.
    ///
    /// # Errors
    /// `NotFound` if there is no such image, or none for the platform.
    fn resolve(&self, platform: &Platform) -> Result<Resolved>;

    /// The config's bytes, verified.
    ///
    /// # Errors
    /// If it can't be had whole.
    fn config(&self, resolved: &Resolved) -> Result<Vec<u8>>;

    /// A blob of the image. The reader gives exactly `blob.size` bytes that have `blob.digest`, or an
    /// error at the latest instead of the last byte.
    ///
    /// # Errors
    /// If it can't be opened.
    fn blob<'a>(&'a self, blob: &Descriptor, progress: &'a dyn Progress)
    -> Result<Box<dyn Read + Send + 'a>>;

    /// Manifest, config and both parsed.
    ///
    /// # Errors
    /// If either can't be had or they don't belong together.
    fn image(&self, platform: &Platform) -> Result<Image> {
        let resolved = self.resolve(platform)?;
        let config = self.config(&resolved)?;
        resolved.image(config)
    }
}

/// Hears how far blobs have got.
pub trait Progress: Send + Sync {
    /// Bytes of the blob that have been moved; goes back when a transfer has to start again.
    fn at(&self, _blob: &Descriptor, _position: u64) {}

    /// The blob needn't be moved: it is there already, or was mounted.
    fn skipped(&self, _blob: &Descriptor) {}
}

/// Nobody listens.
impl Progress for () {}

/// A name and a platform, resolved.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The index that led to the manifest; its digest is the one to pin.
    pub index: Option<Descriptor>,
    /// The index, byte for byte.
    pub index_bytes: Option<Vec<u8>>,
    /// Points to the manifest.
    pub manifest: Descriptor,
    /// The manifest, byte for byte.
    pub manifest_bytes: Vec<u8>,
    /// The manifest, parsed.
    pub parsed: Manifest,
    /// The host or the file that answered.
    pub from: String,
}

impl Resolved {
    /// The digest to pin: the index's, else the manifest's.
    pub fn pin(&self) -> Digest {
        self.index.as_ref().unwrap_or(&self.manifest).digest
    }

    /// With its config, an image.
    ///
    /// # Errors
    /// If the two don't belong together.
    pub fn image(self, config: Vec<u8>) -> Result<Image> {
        Image::parse(&self.manifest.media_type, self.manifest_bytes, config)
            .map_err(|why| Error::new(Kind::Corrupt, why))
    }
}

/// What a manifest's bytes are.
pub(crate) enum Document {
    Index(Index),
    Manifest(Box<Manifest>),
}

/// Fetches one manifest or index of at most [`MAX_MANIFEST`] bytes: by digest, verified.
pub(crate) type Fetch<'a> = &'a dyn Fn(&Descriptor) -> Result<Vec<u8>>;

/// Goes from a manifest's or index's bytes to the manifest for `platform`.
pub(crate) fn choose(
    top: Descriptor,
    bytes: Vec<u8>,
    platform: &Platform,
    from: &str,
    fetch: Fetch<'_>,
) -> Result<Resolved> {
    let index = match parse(&top.media_type, &bytes)? {
        Document::Manifest(parsed) => return Ok(resolved(None, top, bytes, *parsed, from)),
        Document::Index(index) => index,
    };
    let entry = index.select(platform).ok_or_else(|| no_platform(&index, platform))?.clone();
    let manifest_bytes = fetch(&entry)?;
    match parse(&entry.media_type, &manifest_bytes)? {
        Document::Manifest(parsed) => Ok(resolved(Some((top, bytes)), entry, manifest_bytes, *parsed, from)),
        Document::Index(_) => {
            Err(Error::new(Kind::Corrupt, format!("{} is an index in an index", entry.digest)))
        }
    }
}

fn resolved(
    index: Option<(Descriptor, Vec<u8>)>,
    manifest: Descriptor,
    manifest_bytes: Vec<u8>,
    parsed: Manifest,
    from: &str,
) -> Resolved {
    let (index, index_bytes) = index.unzip();
    Resolved { index, index_bytes, manifest, manifest_bytes, parsed, from: from.to_owned() }
}

fn no_platform(index: &Index, wanted: &Platform) -> Error {
    let real = |p: &&Platform| p.os != "unknown";
    let mut offered: Vec<String> = index
        .manifests
        .iter()
        .filter_map(|d| d.platform.as_ref())
        .filter(real)
        .map(Platform::to_string)
        .collect();
    offered.dedup();
    let offered = if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") };
    Error::new(Kind::NotFound, format!("no image for {wanted}, only for {offered}"))
}

/// What the bytes say they are. `media_type` is what the place says, and is believed last.
pub(crate) fn media_type_of(bytes: &[u8], media_type: &str) -> Result<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shape {
        media_type: Option<String>,
        manifests: Option<serde::de::IgnoredAny>,
        config: Option<serde::de::IgnoredAny>,
        fs_layers: Option<serde::de::IgnoredAny>,
    }
    let shape: Shape = serde_json::from_slice(bytes).map_err(|e| syntax("manifest", &e))?;
    if shape.fs_layers.is_some() {
        return Err(Error::new(
            Kind::Corrupt,
            "the image is in Docker's schema 1, which nothing writes since 2017",
        ));
    }
    if let Some(own) = shape.media_type {
        return Ok(own);
    }
    Ok(match (shape.manifests.is_some(), shape.config.is_some()) {
        _ if media::is_index(media_type) || media::is_manifest(media_type) => media_type.to_owned(),
        (true, false) => media::INDEX.to_owned(),
        _ => media::MANIFEST.to_owned(),
    })
}

fn parse(media_type: &str, bytes: &[u8]) -> Result<Document> {
    if media::is_index(media_type) {
        return serde_json::from_slice(bytes).map(Document::Index).map_err(|e| syntax("index", &e));
    }
    if !media::is_manifest(media_type) {
        return Err(Error::new(
            Kind::Corrupt,
            format!("media type `{media_type}` is neither a manifest nor an index"),
        ));
    }
    let parsed = serde_json::from_slice(bytes).map_err(|e| syntax("manifest", &e))?;
    Ok(Document::Manifest(Box::new(parsed)))
}

fn syntax(what: &str, error: &serde_json::Error) -> Error {
    Error::new(Kind::Corrupt, format!("the {what} is not valid: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(of: &[&str]) -> Vec<u8> {
        let entry = |name: &&str| {
            let platform = Some(name.parse().unwrap());
            Descriptor { platform, ..Descriptor::of(media::MANIFEST, name.as_bytes()) }
        };
        Index::new(of.iter().map(entry).collect()).to_bytes()
    }

    #[test]
    fn the_platforms_on_offer_are_named() {
        let bytes = index(&["linux/amd64", "linux/arm64", "unknown/unknown"]);
        let top = Descriptor::of(media::INDEX, &bytes);
        let error = choose(top, bytes, &Platform::linux("s390x"), "here", &|_| unreachable!()).unwrap_err();
        assert_eq!(error.message, "no image for linux/s390x, only for linux/amd64, linux/arm64");
        assert_eq!(error.kind, Kind::NotFound);
    }

    #[test]
    fn the_bytes_decide_what_they_are() {
        let check = |bytes: &str, header: &str, expected: Option<&str>| {
            assert_eq!(media_type_of(bytes.as_bytes(), header).ok().as_deref(), expected, "{bytes}");
        };
        check(r#"{"manifests":[]}"#, "text/plain", Some(media::INDEX));
        check(r#"{"manifests":[]}"#, media::DOCKER_LIST, Some(media::DOCKER_LIST));
        check(r#"{"config":{},"layers":[]}"#, "", Some(media::MANIFEST));
        check(&format!(r#"{{"mediaType":"{}"}}"#, media::INDEX), media::MANIFEST, Some(media::INDEX));
        check(r#"{"schemaVersion":1,"fsLayers":[]}"#, "", None);
        check("<html>", "text/html", None);
    }
}
