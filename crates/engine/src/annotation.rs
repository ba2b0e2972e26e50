//! `--annotation`: keys and values to the manifests, indexes and descriptors that they belong in.
//!
//! They change no step and no layer. A map keeps them sorted, so the order they are given in doesn't show; of
//! two with the same key the later one counts.

use std::collections::BTreeMap;

use oci::Platform;

/// A key and a value, and where they belong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Annotation {
    /// Into what.
    pub place: Place,
    /// Only of this platform's image.
    pub platform: Option<Platform>,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// What can be annotated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// An image's manifest.
    Manifest,
    /// What points to it: the index's entry, or that of a layout without an index.
    ManifestDescriptor,
    /// The index over several platforms.
    Index,
    /// What points to that, in a layout.
    IndexDescriptor,
}

/// Those of a place, for an image's platform if it is an image's.
pub fn of(all: &[Annotation], place: Place, platform: Option<&Platform>) -> BTreeMap<String, String> {
    let fits =
        |a: &&Annotation| a.place == place && (a.platform.is_none() || a.platform.as_ref() == platform);
    all.iter().filter(fits).map(|a| (a.key.clone(), a.value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(place: Place, platform: Option<&str>, key: &str, value: &str) -> Annotation {
        let platform = platform.map(Platform::linux);
        Annotation { place, platform, key: key.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn each_place_and_platform_gets_its_own_and_the_last_one_counts() {
        let all = [
            given(Place::Manifest, None, "b", "1"),
            given(Place::Manifest, Some("arm64"), "a", "2"),
            given(Place::Index, None, "i", "3"),
            given(Place::Manifest, None, "b", "4"),
        ];
        let check = |place, platform: Option<&str>, expected: &[(&str, &str)]| {
            let found = of(&all, place, platform.map(Platform::linux).as_ref());
            assert_eq!(found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
        };
        check(Place::Manifest, Some("amd64"), &[("b", "4")]);
        check(Place::Manifest, Some("arm64"), &[("a", "2"), ("b", "4")]);
        check(Place::ManifestDescriptor, Some("arm64"), &[]);
        check(Place::Index, None, &[("i", "3")]);
    }
}
