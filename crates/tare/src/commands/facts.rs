//! What the store knows of base images: those that were built on before, and those that were built here.
//!
//! Of an image that it doesn't know there is no fact; nobody else is asked. A name that `tare.lock` pins means what it
//! is pinned to, as in a build.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use oci::{Digest, Platform, Reference};
use plan::lock::Lock;
use plan::options::Fact;
use plan::{Base, Facts};
use store::Store;

/// The images that something is to be known of.
pub type Images = Vec<(String, Platform)>;

/// The store, if there is one. To look at a file makes none.
pub fn store() -> Option<Store> {
    let folder = crate::home::folder().ok()?;
    folder.is_dir().then(crate::home::store)?.ok()
}

/// What is known of these images.
pub fn known(store: &Store, lock: &Lock, images: Images) -> Facts {
    gathered(images, |name, platform| fact(store, lock, name, platform))
}

fn gathered(images: Images, fact: impl Fn(&str, &Platform) -> Option<Fact>) -> Facts {
    let known = images.into_iter().filter_map(|image| Some((fact(&image.0, &image.1)?, image)));
    Facts { images: known.map(|(fact, image)| (image, fact)).collect() }
}

/// What is known of one.
pub fn fact(store: &Store, lock: &Lock, name: &str, platform: &Platform) -> Option<Fact> {
    let reference: Reference = name.parse().ok()?;
    let image = match pinned(lock, &reference) {
        Some(digest) => {
            let pinned = Reference { digest: Some(digest), ..reference };
            engine::bases::remembered(store, &pinned, platform)?
        }
        // An image that was built here goes before one of a registry.
        None => match store.image(&reference).and_then(|stored| stored.on(platform)) {
            Some(built) => store.load_image(&built.manifest).ok()?,
            None => engine::bases::remembered(store, &reference, platform)?,
        },
    };
    let layers = image.config.rootfs.diff_ids.clone();
    let base = Base { name: name.to_owned(), manifest: image.descriptor.digest, layers };
    Some(Fact { base, config: image.config })
}

/// A digest in the Dockerfile goes before the lock's.
fn pinned(lock: &Lock, reference: &Reference) -> Option<Digest> {
    lock.image(reference).filter(|_| reference.digest.is_none())
}

/// A name, what that is pinned to, and for which platform.
type Key = (String, Option<Digest>, Platform);

/// What the store knows, asked once for what many Dockerfiles stand on, and opened when the first wants to know.
#[derive(Default)]
pub struct Memory {
    store: OnceCell<Option<Store>>,
    facts: RefCell<BTreeMap<Key, Option<Fact>>>,
}

impl Memory {
    /// Whether there is a store.
    pub fn is_any(&self) -> bool {
        self.store().is_some()
    }

    /// What is known of these images.
    pub fn known(&self, lock: &Lock, images: Images) -> Facts {
        gathered(images, |name, platform| self.fact(lock, name, platform))
    }

    fn store(&self) -> Option<&Store> {
        self.store.get_or_init(store).as_ref()
    }

    fn fact(&self, lock: &Lock, name: &str, platform: &Platform) -> Option<Fact> {
        let store = self.store()?;
        let digest = name.parse().ok().and_then(|reference| pinned(lock, &reference));
        let key = (name.to_owned(), digest, platform.clone());
        let mut facts = self.facts.borrow_mut();
        facts.entry(key).or_insert_with(|| fact(store, lock, name, platform)).clone()
    }
}
