//! One image, ready to go somewhere: its manifest and config as the bytes that were digested.

use std::collections::BTreeMap;

use crate::{Descriptor, Digest, ImageConfig, Manifest};

/// A manifest and a config, parsed and as bytes; the layers are elsewhere, in a [`crate::Blobs`].
#[derive(Clone, Debug)]
pub struct Image {
    /// Points to the manifest's bytes.
    pub descriptor: Descriptor,
    /// The manifest, byte for byte.
    pub manifest_bytes: Vec<u8>,
    /// The manifest, parsed.
    pub manifest: Manifest,
    /// The config, byte for byte.
    pub config_bytes: Vec<u8>,
    /// The config, parsed.
    pub config: ImageConfig,
}

impl Image {
    /// Parses both and checks that they belong together.
    ///
    /// # Errors
    /// Says which of the two is not what the spec asks for, or that the config isn't the manifest's, or
    /// that the config has more or fewer diff ids than the manifest has layers.
    pub fn parse(media_type: &str, manifest_bytes: Vec<u8>, config_bytes: Vec<u8>) -> Result<Image, String> {
        let manifest: Manifest =
            serde_json::from_slice(&manifest_bytes).map_err(|e| format!("the manifest is not valid: {e}"))?;
        let config: ImageConfig = serde_json::from_slice(&config_bytes)
            .map_err(|e| format!("the image config is not valid: {e}"))?;
        if manifest.config.digest != Digest::of(&config_bytes) {
            return Err(format!("the image config is not {}", manifest.config.digest));
        }
        let (layers, ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
        if layers != ids {
            return Err(format!("the manifest has {layers} layers, but the image config has {ids}"));
        }
        let descriptor = Descriptor::of(media_type, &manifest_bytes);
        Ok(Image { descriptor, manifest_bytes, manifest, config_bytes, config })
    }

    /// An OCI image of a config and the layers that it names.
    pub fn new(config: ImageConfig, layers: Vec<Descriptor>) -> Image {
        let config_bytes = config.to_bytes();
        let manifest = Manifest::new(Descriptor::of(crate::media::CONFIG, &config_bytes), layers);
        let manifest_bytes = manifest.to_bytes();
        let descriptor = Descriptor::of(crate::media::MANIFEST, &manifest_bytes);
        Image { descriptor, manifest_bytes, manifest, config_bytes, config }
    }

    /// The same image with annotations, in its manifest and in what points to it. Without any it is unchanged.
    #[must_use]
    pub fn annotated(
        mut self,
        manifest: BTreeMap<String, String>,
        descriptor: BTreeMap<String, String>,
    ) -> Image {
        if !manifest.is_empty() {
            self.manifest.annotations.extend(manifest);
            self.manifest_bytes = self.manifest.to_bytes();
            self.descriptor = Descriptor::of(&self.descriptor.media_type, &self.manifest_bytes);
        }
        self.descriptor.annotations.extend(descriptor);
        self
    }

    /// The same image with its layers in another form; config and annotations stay.
    #[must_use]
    pub fn with_layers(mut self, layers: Vec<Descriptor>) -> Image {
        self.manifest.layers = layers;
        self.manifest_bytes = self.manifest.to_bytes();
        let new = Descriptor::of(&self.descriptor.media_type, &self.manifest_bytes);
        self.descriptor = Descriptor { annotations: self.descriptor.annotations, ..new };
        self
    }

    /// The digest of the config: what `docker images` calls the image id.
    pub fn id(&self) -> Digest {
        self.manifest.config.digest
    }

    /// Sum of the layers' sizes in bytes, in the form that the manifest names.
    pub fn layers_size(&self) -> u64 {
        self.manifest.layers.iter().map(|l| l.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_in_another_form_make_the_image_that_has_them_from_the_start() {
        let layer = |media_type, bytes: &[u8]| vec![Descriptor::of(media_type, bytes)];
        let map = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
        let mut config = ImageConfig::default();
        config.rootfs.diff_ids = vec![crate::DiffId(Digest::of(b"tar"))];
        let made = |layers| Image::new(config.clone(), layers).annotated(map("inside"), map("outside"));
        let packed = layer(crate::media::LAYER_GZIP, b"gzip");
        let changed = made(layer(crate::media::LAYER_TAR, b"tar")).with_layers(packed.clone());
        let direct = made(packed);
        assert_eq!(changed.manifest_bytes, direct.manifest_bytes);
        assert_eq!((changed.id(), changed.descriptor), (direct.id(), direct.descriptor));
    }

    #[test]
    fn annotations_of_the_manifest_change_its_digest_and_those_of_the_descriptor_dont() {
        let plain = Image::new(ImageConfig::default(), Vec::new());
        let map = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
        let pointed = plain.clone().annotated(BTreeMap::new(), map("a"));
        assert_eq!(pointed.descriptor.digest, plain.descriptor.digest);
        assert_eq!(
            (pointed.manifest_bytes, pointed.descriptor.annotations),
            (plain.manifest_bytes.clone(), map("a"))
        );
        let inside = plain.clone().annotated(map("b"), map("a"));
        assert_eq!(inside.descriptor.digest, Digest::of(&inside.manifest_bytes));
        assert_ne!(inside.descriptor.digest, plain.descriptor.digest);
        assert_eq!((inside.id(), inside.descriptor.annotations), (plain.id(), map("a")));
        let read: Manifest = serde_json::from_slice(&inside.manifest_bytes).unwrap();
        assert_eq!(read.annotations, map("b"));
    }
}
