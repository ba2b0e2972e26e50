//! An image from where it is to the store, whole but not unpacked: what `tare pull` and `tare load` do.
//!
//! Fed by any place to pull from, feeds the store's blobs. Needs no user namespace: a layer is unpacked when
//! somebody first wants its files (see `stack`). A name is given last, to what is whole.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use oci::media::Compression;
use oci::{Descriptor, Image, Platform};
use store::{LayerId, Store, Stored};
use transport::Pull;

use crate::error::{Error, Result, doing};
use crate::event::{Ended, Task, Voice};

/// How many layers are fetched at once.
const AT_ONCE: usize = 3;

/// What to fetch.
pub struct Want<'a> {
    /// What is being done, for people: ``pull alpine:latest``.
    pub doing: &'a str,
    /// Where the image is.
    pub from: &'a dyn Pull,
    /// Which image, if there is one a platform.
    pub platform: &'a Platform,
}

/// An image whose parts are all in the store.
pub struct Fetched {
    /// Manifest and config.
    pub image: Image,
    /// The index that led to it.
    pub index: Option<Descriptor>,
    /// Bytes of layers that had to be moved.
    pub moved: u64,
    /// Layers that were there already.
    pub skipped: usize,
}

/// Brings an image's layers, config and manifest into the store's blobs.
///
/// # Errors
/// If it can't be had whole. Blobs that were finished stay, without a name.
pub fn fetch(store: &Store, want: &Want, voice: &Voice) -> Result<Fetched> {
    let (image, index) = resolve(want, voice)?;
    image.manifest.layers.iter().try_for_each(check_type)?;
    let (missing, skipped) = split(store, &image);
    skipped.iter().for_each(|blob| voice.task(layer_name(want, blob)).end(Ended::Cached));
    bring(store, want, &missing, voice)?;
    store.put_blob(&image.config_bytes)?;
    store.put_blob(&image.manifest_bytes)?;
    let (moved, skipped) = (missing.iter().map(|blob| blob.size).sum(), skipped.len());
    Ok(Fetched { image, index, moved, skipped })
}

/// Gives a fetched image a name. `origin` says why its times follow no rule of ours: `as pulled`.
///
/// # Errors
/// If the name can't be written.
pub fn name(store: &Store, image: &Image, name: &str, origin: &str) -> Result<()> {
    let layers = image.config.rootfs.diff_ids.iter().map(|id| LayerId::Base(*id)).collect();
    let what = image.clone().into();
    Ok(store.put_image(&Stored::new(name, &what, vec![layers], crate::clock::now(), origin))?)
}

fn resolve(want: &Want, voice: &Voice) -> Result<(Image, Option<Descriptor>)> {
    let task = voice.task(format!("{} manifest", want.doing));
    let result = manifest_and_config(want);
    task.close(&result);
    result
}

fn manifest_and_config(want: &Want) -> Result<(Image, Option<Descriptor>)> {
    let resolved = want.from.resolve(want.platform)?;
    let config = want.from.config(&resolved)?;
    let index = resolved.index.clone();
    Ok((resolved.image(config)?, index))
}

/// Better to be told now than when the image is run.
fn check_type(blob: &Descriptor) -> Result<()> {
    match Compression::of_layer(&blob.media_type) {
        Some(_) => Ok(()),
        None => Err(format!("layer {} has the unknown media type `{}`", blob.digest, blob.media_type).into()),
    }
}

/// The layers that have to be fetched, each once, and those that are here.
fn split<'a>(store: &Store, image: &'a Image) -> (Vec<&'a Descriptor>, Vec<&'a Descriptor>) {
    let mut all: Vec<&Descriptor> = Vec::new();
    for blob in &image.manifest.layers {
        if !all.iter().any(|known| known.digest == blob.digest) {
            all.push(blob);
        }
    }
    all.into_iter().partition(|blob| !store.has_blob(blob))
}

/// Several at once; the first failure stops what was not begun.
fn bring(store: &Store, want: &Want, missing: &[&Descriptor], voice: &Voice) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    let work = || {
        while let Some(blob) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = bring_one(store, want, blob, voice) {
                next.store(missing.len(), Ordering::Relaxed);
                failed.lock().expect("no panic while held").get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..AT_ONCE.min(missing.len())).for_each(|_| drop(scope.spawn(work)));
    });
    failed.into_inner().expect("the threads are done").map_or(Ok(()), Err)
}

fn bring_one(store: &Store, want: &Want, blob: &Descriptor, voice: &Voice) -> Result<()> {
    let task = voice.task(layer_name(want, blob));
    // Another tare may be fetching the same layer: then it is enough to wait for it.
    let _lock = store.lock(&format!("fetch-{}", blob.digest.hex()))?;
    if store.has_blob(blob) {
        task.end(Ended::Cached);
        return Ok(());
    }
    let result = copy(store, want, blob, &task);
    task.close(&result);
    result
}

fn copy(store: &Store, want: &Want, blob: &Descriptor, task: &Task) -> Result<()> {
    let mut source = want.from.blob(blob, task)?;
    let mut target = store.new_hashed_blob()?;
    std::io::copy(&mut source, &mut target)
        .map_err(doing(format_args!("fetch layer {}", blob.digest.short())))?;
    target.commit_as(&blob.digest)?;
    Ok(())
}

fn layer_name(want: &Want, blob: &Descriptor) -> String {
    format!("{} layer {}", want.doing, blob.digest.short())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::PathBuf;
    use std::sync::atomic::AtomicUsize;

    use oci::{DiffId, Digest, ImageConfig, media};
    use transport::{Kind, Progress, Resolved};

    use super::*;

    /// An image in memory that counts what is asked of it.
    struct Memory {
        image: Image,
        layers: Vec<Vec<u8>>,
        asked: AtomicUsize,
    }

    fn memory(layers: &[&[u8]], media_type: &str) -> Memory {
        let mut config = ImageConfig::default();
        config.rootfs.diff_ids = layers.iter().map(|l| DiffId(Digest::of(l))).collect();
        let blobs = layers.iter().map(|l| Descriptor::of(media_type, l)).collect();
        let layers = layers.iter().map(|l| l.to_vec()).collect();
        Memory { image: Image::new(config, blobs), layers, asked: AtomicUsize::new(0) }
    }

    impl Pull for Memory {
        fn resolve(&self, _: &Platform) -> transport::Result<Resolved> {
            Ok(Resolved {
                index: None,
                index_bytes: None,
                manifest: self.image.descriptor.clone(),
                manifest_bytes: self.image.manifest_bytes.clone(),
                parsed: self.image.manifest.clone(),
                from: "memory".to_owned(),
            })
        }

        fn config(&self, _: &Resolved) -> transport::Result<Vec<u8>> {
            Ok(self.image.config_bytes.clone())
        }

        fn blob<'a>(
            &'a self,
            blob: &Descriptor,
            _: &'a dyn Progress,
        ) -> transport::Result<Box<dyn Read + Send + 'a>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let found = self.layers.iter().find(|l| Digest::of(l) == blob.digest);
            let bytes = found.ok_or_else(|| transport::Error::new(Kind::NotFound, "gone"))?;
            Ok(Box::new(&bytes[..]))
        }
    }

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            Scratch(std::env::temp_dir().join(format!("tare-fetch-{name}-{}", std::process::id())))
        }

        fn store(&self) -> Store {
            Store::open(&self.0).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn fetch_from(store: &Store, from: &Memory) -> Result<Fetched> {
        let want = Want { doing: "pull x", from, platform: &Platform::linux("amd64") };
        fetch(store, &want, &Voice::new(&|_| {}))
    }

    #[test]
    fn every_layer_comes_once_and_only_if_it_is_missing() {
        let scratch = Scratch::new("once");
        let (store, from) = (scratch.store(), memory(&[b"a", b"bb", b"a", b"cccc"], media::LAYER_TAR));
        let first = fetch_from(&store, &from).unwrap();
        assert_eq!((first.moved, first.skipped, from.asked.load(Ordering::Relaxed)), (7, 0, 3));
        let second = fetch_from(&store, &from).unwrap();
        assert_eq!((second.moved, second.skipped, from.asked.load(Ordering::Relaxed)), (0, 3, 3));
        name(&store, &first.image, "docker.io/library/x:1", "as pulled").unwrap();
        let stored = store.image(&"x:1".parse().unwrap()).unwrap();
        assert_eq!((stored.layers.len(), stored.size), (4, 8));
        assert_eq!(store.load_image(&stored.manifest).unwrap().id(), stored.id);
    }

    #[test]
    fn a_layer_that_is_gone_fails_the_fetch() {
        let scratch = Scratch::new("gone");
        let (store, mut from) = (scratch.store(), memory(&[b"a", b"b"], media::LAYER_TAR));
        from.layers.pop();
        assert!(fetch_from(&store, &from).is_err_and(|e| e.to_string().contains("gone")));
        assert_eq!(store.small_blob(&from.image.descriptor.digest), None);
    }

    #[test]
    fn what_is_no_layer_is_refused_before_it_is_fetched() {
        let scratch = Scratch::new("type");
        let (store, from) = (scratch.store(), memory(&[b"a"], "text/plain"));
        assert!(fetch_from(&store, &from).is_err_and(|e| e.to_string().contains("`text/plain`")));
        assert_eq!(from.asked.load(Ordering::Relaxed), 0);
    }
}
