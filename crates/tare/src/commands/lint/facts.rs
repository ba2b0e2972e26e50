//! What the store knows of base images: those that were built on before, and those that were built here.
//!
//! Of an image that it doesn't know there is no fact; nobody else is asked.

use oci::{Platform, Reference};
use plan::options::Fact;
use plan::{Base, Facts};
use store::Store;

/// The store, if there is one. To look at a file makes none.
pub fn store() -> Option<Store> {
    let folder = crate::home::folder().ok()?;
    folder.is_dir().then(crate::home::store)?.ok()
}

/// What is known of these images.
pub fn known(store: &Store, images: Vec<(String, Platform)>) -> Facts {
    let fact = |(name, platform): (String, Platform)| {
        let fact = fact(store, &name, &platform)?;
        Some(((name, platform), fact))
    };
    Facts { images: images.into_iter().filter_map(fact).collect() }
}

/// An image that was built here goes before one of a registry, as in a build.
fn fact(store: &Store, name: &str, platform: &Platform) -> Option<Fact> {
    let reference: Reference = name.parse().ok()?;
    let built = store.image(&reference).and_then(|stored| stored.on(platform)).map(|stored| stored.manifest);
    let resolved = || Some(store.resolution(&reference.to_string(), platform)?.manifest);
    let image = store.load_image(&built.or_else(resolved)?).ok()?;
    let layers = image.config.rootfs.diff_ids.clone();
    let base = Base { name: name.to_owned(), manifest: image.descriptor.digest, layers };
    Some(Fact { base, config: image.config })
}
