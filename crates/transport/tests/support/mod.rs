//! What all tests of places need: a scratch directory, an image, blobs in memory.
#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use oci::{Blobs, Config, Descriptor, DiffId, Digest, Image, ImageConfig, Platform, RootFs, Tagged, media};
use transport::{Client, Env, Limits, Options, Progress, Pull, Registries, Registry};

/// A directory that is gone at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tare-transport-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Scratch(dir)
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    pub fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// An environment whose home and `/etc` are here.
    pub fn env(&self) -> Env {
        Env::of(&[("HOME", self.0.to_str().unwrap())], &self.0)
    }

    pub fn registry(&self, options: Options) -> Registry {
        let env = self.env();
        let registries = Registries::load(&env).unwrap();
        Registry::new(Client::new(env, options.limits), registries, options)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Options without patience.
pub fn quick() -> Options {
    let limits = Limits { stall: Duration::from_secs(30), ..Limits::default() };
    Options { limits, backoff: Duration::from_millis(1), ..Options::default() }
}

/// Blobs in memory.
#[derive(Default)]
pub struct Memory {
    pub blobs: HashMap<Digest, Vec<u8>>,
    pub elsewhere: Vec<String>,
    pub opened: Mutex<Vec<Digest>>,
}

impl Blobs for Memory {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        self.opened.lock().unwrap().push(blob.digest);
        let bytes = self.blobs.get(&blob.digest).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(&bytes[..]))
    }

    fn known_in(&self, _: &Digest, _: &str) -> Vec<String> {
        self.elsewhere.clone()
    }
}

/// Bytes that don't repeat.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..size).map(|_| next()).collect()
}

/// An image whose layers are plain bytes of these sizes.
pub fn image(seed: u64, sizes: &[usize]) -> (Image, Memory) {
    image_for("amd64", seed, sizes)
}

/// The same seed gives the same layers on every architecture.
pub fn image_for(architecture: &str, seed: u64, sizes: &[usize]) -> (Image, Memory) {
    let mut memory = Memory::default();
    let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
    for (i, &size) in sizes.iter().enumerate() {
        let bytes = noise(seed * 100 + i as u64, size);
        let layer = Descriptor::of(media::LAYER_TAR, &bytes);
        diff_ids.push(DiffId(layer.digest));
        memory.blobs.insert(layer.digest, bytes);
        layers.push(layer);
    }
    let rootfs = RootFs { diff_ids, ..RootFs::default() };
    let config = Config { cmd: Some(vec![format!("{seed}")]), ..Config::default() };
    let config = ImageConfig {
        architecture: architecture.into(),
        os: "linux".into(),
        config,
        rootfs,
        ..ImageConfig::default()
    };
    (Image::new(config, layers), memory)
}

pub fn amd64() -> Platform {
    Platform::linux("amd64")
}

pub fn arm64() -> Platform {
    Platform::linux("arm64")
}

pub fn tagged(image: &Image) -> Tagged {
    image.clone().into()
}

/// An index over two images of which the second has the first's layer and one of its own.
pub fn several() -> (Tagged, Memory) {
    let ((amd, mut memory), (arm, more)) =
        (image_for("amd64", 1, &[500]), image_for("arm64", 1, &[500, 700]));
    memory.blobs.extend(more.blobs);
    (Tagged::index(vec![(amd64(), amd), (arm64(), arm)], Default::default()), memory)
}

/// Pulls everything and compares it with what was published.
pub fn check_pull(source: &dyn Pull, image: &Image, memory: &Memory) {
    let resolved = source.resolve(&amd64()).unwrap();
    assert_eq!(resolved.manifest.digest, image.descriptor.digest);
    assert_eq!(resolved.manifest_bytes, image.manifest_bytes);
    assert_eq!(source.config(&resolved).unwrap(), image.config_bytes);
    for layer in &image.manifest.layers {
        assert_eq!(read(source, layer).unwrap(), memory.blobs[&layer.digest]);
    }
}

pub fn read(source: &dyn Pull, blob: &Descriptor) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.blob(blob, &()).map_err(io::Error::from)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The furthest position that each blob got to.
#[derive(Default)]
pub struct Seen(pub Mutex<HashMap<Digest, u64>>);

impl Progress for Seen {
    fn at(&self, blob: &Descriptor, position: u64) {
        let mut seen = self.0.lock().unwrap();
        let furthest = seen.entry(blob.digest).or_default();
        *furthest = position.max(*furthest);
    }
}

pub fn files_below(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => all.extend(files_below(&entry.path()).iter().map(|below| format!("{name}/{below}"))),
            false => all.push(name),
        }
    }
    all.sort();
    all
}
