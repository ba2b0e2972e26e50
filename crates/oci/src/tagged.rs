//! What one tag points to: an image, or an index over one image a platform. See OCI image-index.md.
//!
//! Made by a build or read from a store, and handed to whatever publishes. The index's bytes depend on
//! nothing but its manifests, their platforms, their order and the annotations.

use std::collections::BTreeMap;

use crate::{Descriptor, Digest, Image, Index, Platform};

/// An image, or several with the index that names them; never none.
#[derive(Clone, Debug)]
pub struct Tagged {
    images: Vec<Image>,
    index: Option<Top>,
}

/// An index: what points to it, and itself, as bytes and parsed.
#[derive(Clone, Debug)]
struct Top {
    descriptor: Descriptor,
    bytes: Vec<u8>,
    index: Index,
}

impl Top {
    fn of(index: Index) -> Top {
        let bytes = index.to_bytes();
        Top { descriptor: Descriptor::of(crate::media::INDEX, &bytes), bytes, index }
    }
}

impl From<Image> for Tagged {
    fn from(image: Image) -> Tagged {
        Tagged { images: vec![image], index: None }
    }
}

impl Tagged {
    /// A new index over images, in their order; each is listed for the platform that was asked for, which its
    /// config may state more precisely. `annotations` are the index's own.
    pub fn index(images: Vec<(Platform, Image)>, annotations: BTreeMap<String, String>) -> Tagged {
        let entry = |(platform, image): &(Platform, Image)| Descriptor {
            platform: Some(platform.clone()),
            ..image.descriptor.clone()
        };
        let index = Index { annotations, ..Index::new(images.iter().map(entry).collect()) };
        let images = images.into_iter().map(|(_, image)| image).collect();
        Tagged { images, index: Some(Top::of(index)) }
    }

    /// The same with its images in another form; platforms, annotations and the order stay.
    #[must_use]
    pub fn with_images(self, images: Vec<Image>) -> Tagged {
        let Some(top) = self.index else { return Tagged { images, index: None } };
        let platforms = top.index.manifests.iter().map(|entry| entry.platform.clone());
        let entry = |(image, platform): (&Image, _)| Descriptor { platform, ..image.descriptor.clone() };
        let manifests = images.iter().zip(platforms).map(entry).collect();
        let index = Some(Top::of(Index { manifests, ..top.index }));
        Tagged { images, index }.described(top.descriptor.annotations)
    }

    /// The same with annotations on what points to it, which are in none of its bytes.
    #[must_use]
    pub fn described(mut self, annotations: BTreeMap<String, String>) -> Tagged {
        let descriptor = match &mut self.index {
            Some(top) => &mut top.descriptor,
            None => &mut self.images[0].descriptor,
        };
        descriptor.annotations.extend(annotations);
        self
    }

    /// An index that was written before, with its images in its order.
    ///
    /// # Errors
    /// If it isn't valid, or names others, or none.
    pub fn parse(media_type: &str, bytes: Vec<u8>, images: Vec<Image>) -> Result<Tagged, String> {
        let index: Index =
            serde_json::from_slice(&bytes).map_err(|e| format!("the index is not valid: {e}"))?;
        let named = index.manifests.iter().map(|entry| entry.digest);
        if images.is_empty() || !named.eq(images.iter().map(|image| image.descriptor.digest)) {
            return Err("the index names other images".to_owned());
        }
        let descriptor = Descriptor::of(media_type, &bytes);
        Ok(Tagged { images, index: Some(Top { descriptor, bytes, index }) })
    }

    /// Points to the index, or to the manifest of the only image.
    pub fn descriptor(&self) -> &Descriptor {
        self.index.as_ref().map_or_else(|| &self.images[0].descriptor, |top| &top.descriptor)
    }

    /// The bytes that [`Tagged::descriptor`] points to.
    pub fn bytes(&self) -> &[u8] {
        self.index.as_ref().map_or_else(|| &self.images[0].manifest_bytes, |top| &top.bytes)
    }

    /// One image, or those of the index in its order.
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// What each image is for: as the index lists it, else as its config says.
    pub fn platforms(&self) -> Vec<Platform> {
        let entries = self.index.as_ref().map_or(&[][..], |top| &top.index.manifests);
        let listed = |i: usize| entries.get(i).and_then(|entry| entry.platform.clone());
        let own = |image: &Image| image.config.platform();
        self.images.iter().enumerate().map(|(i, image)| listed(i).unwrap_or_else(|| own(image))).collect()
    }

    /// Whether there is an index, be it over one image only.
    pub fn is_index(&self) -> bool {
        self.index.is_some()
    }

    /// The image, unless there is an index.
    pub fn only(&self) -> Option<&Image> {
        self.images.first().filter(|_| !self.is_index())
    }

    /// What people call the image id: the digest of the config, of an index its own.
    pub fn id(&self) -> Digest {
        self.only().map_or(self.descriptor().digest, Image::id)
    }

    /// Every layer blob once, in the order of the images.
    pub fn layers(&self) -> Vec<&Descriptor> {
        let mut all: Vec<&Descriptor> = Vec::new();
        for blob in self.images.iter().flat_map(|image| &image.manifest.layers) {
            if !all.iter().any(|known| known.digest == blob.digest) {
                all.push(blob);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DiffId, ImageConfig, media};

    fn image(architecture: &str, layers: &[&[u8]]) -> Image {
        let mut config =
            ImageConfig { os: "linux".into(), architecture: architecture.into(), ..Default::default() };
        config.rootfs.diff_ids = layers.iter().map(|l| DiffId(Digest::of(l))).collect();
        Image::new(config, layers.iter().map(|l| Descriptor::of(media::LAYER_TAR, l)).collect())
    }

    fn index(platforms: &[&str]) -> Tagged {
        let one = |p: &&str| (p.parse::<Platform>().unwrap(), image(&p[6..], &[b"shared", p.as_bytes()]));
        Tagged::index(platforms.iter().map(one).collect(), BTreeMap::new())
    }

    #[test]
    fn one_image_is_itself() {
        let image = image("amd64", &[b"a", b"a"]);
        let tagged = Tagged::from(image.clone());
        assert_eq!((tagged.descriptor(), tagged.bytes()), (&image.descriptor, &image.manifest_bytes[..]));
        assert_eq!((tagged.is_index(), tagged.id()), (false, image.id()));
        assert_eq!(tagged.platforms(), [Platform::linux("amd64")]);
        assert_eq!(tagged.layers().len(), 1);
    }

    #[test]
    fn an_index_lists_manifests_as_they_were_asked_for() {
        let tagged = index(&["linux/arm64", "linux/amd64"]);
        let read: Index = serde_json::from_slice(tagged.bytes()).unwrap();
        let listed: Vec<_> = read.manifests.iter().filter_map(|m| m.platform.clone()).collect();
        assert_eq!(listed, ["arm64", "amd64"].map(Platform::linux));
        assert_eq!(tagged.platforms(), listed);
        assert_eq!(read.manifests[1].digest, tagged.images()[1].descriptor.digest);
        assert_eq!(*tagged.descriptor(), Descriptor::of(media::INDEX, tagged.bytes()));
        assert_eq!((tagged.id(), tagged.only().is_none()), (tagged.descriptor().digest, true));
        assert_eq!(tagged.layers().len(), 3);
        assert_eq!(index(&["linux/arm64", "linux/amd64"]).bytes(), tagged.bytes());
    }

    #[test]
    fn annotations_are_in_the_index_its_entries_and_what_points_to_it() {
        let map = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
        let one = image("amd64", &[]).annotated(BTreeMap::new(), map("entry"));
        let tagged = Tagged::index(vec![(Platform::linux("amd64"), one)], map("own")).described(map("above"));
        let read: Index = serde_json::from_slice(tagged.bytes()).unwrap();
        assert_eq!((read.annotations, &read.manifests[0].annotations), (map("own"), &map("entry")));
        assert_eq!(tagged.descriptor().annotations, map("above"));
        assert_eq!(tagged.descriptor().digest, Digest::of(tagged.bytes()));
        let single = Tagged::from(image("amd64", &[])).described(map("above"));
        assert_eq!(single.only().unwrap().descriptor.annotations, map("above"));
    }

    #[test]
    fn images_in_another_form_make_the_index_that_has_them_from_the_start() {
        let map = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
        let platform = || "linux/arm64".parse::<Platform>().unwrap();
        let made = |image| Tagged::index(vec![(platform(), image)], map("own")).described(map("above"));
        let (old, new) = (image("amd64", &[b"a"]), image("amd64", &[b"b"]));
        let (changed, direct) = (made(old).with_images(vec![new.clone()]), made(new.clone()));
        assert_eq!((changed.bytes(), changed.descriptor()), (direct.bytes(), direct.descriptor()));
        let one = Tagged::from(image("amd64", &[])).with_images(vec![new.clone()]);
        assert_eq!(one.descriptor(), &new.descriptor);
    }

    #[test]
    fn what_is_read_has_to_be_what_the_index_names() {
        let tagged = index(&["linux/arm64", "linux/amd64"]);
        let parse = |images: &[Image]| Tagged::parse(media::INDEX, tagged.bytes().to_vec(), images.to_vec());
        let parsed = parse(tagged.images()).unwrap();
        assert_eq!((parsed.descriptor(), parsed.platforms()), (tagged.descriptor(), tagged.platforms()));
        assert!(parse(&tagged.images()[..1]).is_err());
        for bytes in [Index::new(Vec::new()).to_bytes(), b"{}".to_vec()] {
            assert!(Tagged::parse(media::INDEX, bytes, Vec::new()).is_err());
        }
    }
}
