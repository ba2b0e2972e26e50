//! An archive to an image: what `docker save`, `podman save`, `skopeo` and tare itself write.
//!
//! The tar is read once for the places of its entries, and after that only where something is needed. A
//! compressed one is decompressed into a scratch file first, since there is no seeking in it.
//! Archives with an `index.json` are layouts; Docker's older ones have only `manifest.json`, whose layers are
//! mostly plain tars, so their digests are the config's diff ids.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use oci::{Descriptor, Digest, Hasher, ImageConfig, Manifest, Platform, Reference, media};
use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::layout::{self, Files, Selector};
use crate::pull::{MAX_CONFIG, MAX_MANIFEST, Progress, Pull, Resolved};
use crate::verify::Verified;

/// Opens an archive. `scratch` is a directory for a decompressed copy, which vanishes with the result.
///
/// # Errors
/// If it can't be read or is no image archive.
pub fn open(path: &Path, selector: Selector, scratch: &Path) -> Result<Box<dyn Pull>> {
    let place = path.display().to_string();
    try_open(path, selector, scratch).map_err(|e| e.during(format_args!("read `{place}`")))
}

fn try_open(path: &Path, selector: Selector, scratch: &Path) -> Result<Box<dyn Pull>> {
    let plain = |e: io::Error| Error::new(Error::io("", &e).kind, crate::error::cause(&e));
    let file = File::open(path).and_then(|file| seekable(file, scratch)).map_err(plain)?;
    let entries = Entries::read(file).map_err(plain)?;
    let place = path.display().to_string();
    if entries.places.contains_key("index.json") {
        return Ok(Box::new(layout::Source::of(Box::new(entries), place, selector)));
    }
    if entries.places.contains_key("manifest.json") {
        return Docker::open(entries, place, &selector).map(|docker| Box::new(docker) as Box<dyn Pull>);
    }
    Err(Error::new(
        Kind::Corrupt,
        "it has neither `index.json` nor `manifest.json`, so it is no image archive",
    ))
}

/// The file itself, or a decompressed copy without a name.
fn seekable(mut file: File, scratch: &Path) -> io::Result<File> {
    match compression(&file)? {
        Some(media::Compression::None) => Ok(file),
        Some(media::Compression::Gzip) => spool(&mut flate2::read::MultiGzDecoder::new(&mut file), scratch),
        Some(media::Compression::Zstd) => spool(&mut zstd::Decoder::new(&mut file)?, scratch),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "only gzip and zstd are supported, decompress it first",
        )),
    }
}

/// By the first bytes; `None` for compressions that we know but don't read.
fn compression(file: &File) -> io::Result<Option<media::Compression>> {
    let mut magic = [0; 6];
    let count = file.read_at(&mut magic, 0)?;
    Ok(magic_of(&magic[..count]))
}

fn magic_of(bytes: &[u8]) -> Option<media::Compression> {
    match bytes {
        [0x1f, 0x8b, ..] => Some(media::Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(media::Compression::Zstd),
        [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', b'X', b'Z', ..] => None,
        _ => Some(media::Compression::None),
    }
}

fn spool(from: &mut dyn Read, scratch: &Path) -> io::Result<File> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = scratch.join(format!(".tare-archive-{}-{count}", std::process::id()));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    io::copy(from, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// Where a tar's files are.
struct Entries {
    file: File,
    places: HashMap<String, Place>,
}

#[derive(Clone, Copy)]
struct Place {
    start: u64,
    size: u64,
}

impl Entries {
    fn read(file: File) -> io::Result<Entries> {
        let (mut places, mut links) = (HashMap::new(), Vec::new());
        let mut archive = tar::Archive::new(&file);
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            let path = normal(&entry.path()?);
            let kind = entry.header().entry_type();
            if kind.is_file() {
                places.insert(path, Place { start: entry.raw_file_position(), size: entry.size() });
            } else if let Some(target) = entry.link_name()? {
                // Docker's old archives name a layer that two images share by a link.
                let folder = if kind.is_symlink() { Path::new(&path).parent() } else { None };
                let target = normal(&folder.unwrap_or(Path::new("")).join(target));
                links.push((path, target));
            }
        }
        for (path, target) in links {
            if let Some(place) = places.get(&target).copied() {
                places.insert(path, place);
            }
        }
        Ok(Entries { file, places })
    }

    fn place(&self, path: &str) -> io::Result<Place> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("`{path}` is not in the archive"));
        self.places.get(&normal(Path::new(path))).copied().ok_or_else(missing)
    }

    fn read_small(&self, path: &str, max: u64) -> Result<Vec<u8>> {
        let place = self.place(path).map_err(|e| Error::new(Kind::NotFound, e.to_string()))?;
        if place.size > max {
            return Err(Error::new(Kind::Corrupt, format!("`{path}` has more than {max} bytes")));
        }
        let mut bytes = Vec::new();
        let read = self.window(place).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|e| Error::io(format_args!("`{path}`"), &e))
    }

    fn window(&self, place: Place) -> Window<'_> {
        Window { file: &self.file, at: place.start, end: place.start.saturating_add(place.size) }
    }
}

impl Files for Entries {
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.window(self.place(path)?)))
    }
}

/// `./a/../b` as `b`.
fn normal(path: &Path) -> String {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => out.push(name),
            std::path::Component::ParentDir => drop(out.pop()),
            _ => {}
        }
    }
    out.to_string_lossy().into_owned()
}

/// A part of a file that many can read at once.
struct Window<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..room], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// One image of an archive with `manifest.json` alone.
struct Docker {
    entries: Entries,
    place: String,
    resolved: Resolved,
    config: Vec<u8>,
    paths: HashMap<Digest, String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

impl Docker {
    fn open(entries: Entries, place: String, selector: &Selector) -> Result<Docker> {
        let invalid = |what: &str, e: serde_json::Error| {
            Error::new(Kind::Corrupt, format!("`{what}` is not valid: {e}"))
        };
        let bytes = entries.read_small("manifest.json", MAX_MANIFEST)?;
        let items: Vec<Item> = serde_json::from_slice(&bytes).map_err(|e| invalid("manifest.json", e))?;
        let item = pick(items, selector)?;
        let config = entries.read_small(&item.config, MAX_CONFIG)?;
        let parsed: ImageConfig = serde_json::from_slice(&config).map_err(|e| invalid(&item.config, e))?;
        if parsed.rootfs.diff_ids.len() != item.layers.len() {
            let (layers, ids) = (item.layers.len(), parsed.rootfs.diff_ids.len());
            return Err(Error::new(
                Kind::Corrupt,
                format!("it lists {layers} layers, but the image config has {ids}"),
            ));
        }
        let mut layers = Vec::new();
        let mut paths = HashMap::new();
        for (path, id) in item.layers.iter().zip(&parsed.rootfs.diff_ids) {
            let layer =
                describe(&entries, path, id.0).map_err(|e| Error::io(format_args!("`{path}`"), &e))?;
            paths.insert(layer.digest, path.clone());
            layers.push(layer);
        }
        let parsed = Manifest::new(Descriptor::of(media::CONFIG, &config), layers);
        let manifest_bytes = parsed.to_bytes();
        let manifest = Descriptor::of(media::MANIFEST, &manifest_bytes);
        let (index, index_bytes, from) = (None, None, place.clone());
        let resolved = Resolved { index, index_bytes, manifest, manifest_bytes, parsed, from };
        Ok(Docker { entries, place, resolved, config, paths })
    }
}

/// A layer's descriptor. Only a compressed one has to be read for its digest.
fn describe(entries: &Entries, path: &str, id: Digest) -> io::Result<Descriptor> {
    let place = entries.place(path)?;
    let mut magic = Vec::new();
    entries.window(place).take(6).read_to_end(&mut magic)?;
    let unknown =
        || io::Error::new(io::ErrorKind::InvalidData, "it is compressed in a way that is not supported");
    let compression = magic_of(&magic).ok_or_else(unknown)?;
    let digest = match compression {
        media::Compression::None => id,
        _ => {
            let mut hasher = Hasher::default();
            io::copy(&mut entries.window(place), &mut hasher)?;
            hasher.finish()
        }
    };
    Ok(Descriptor::new(compression.layer_media_type(), digest, place.size))
}

fn pick(mut items: Vec<Item>, selector: &Selector) -> Result<Item> {
    let tags = |item: &Item| item.repo_tags.clone().unwrap_or_default();
    let at = match selector {
        Selector::Any => (items.len() == 1).then_some(0),
        Selector::Name(name) => {
            items.iter().position(|item| tags(item).iter().any(|tag| is_called(tag, name)))
        }
        Selector::Digest(_) => None,
    };
    let all: Vec<String> = items.iter().flat_map(tags).collect();
    match at {
        Some(at) => Ok(items.swap_remove(at)),
        None => Err(Error::new(
            Kind::NotFound,
            format!("it has {} images, say which one: {}", items.len(), all.join(", ")),
        )),
    }
}

fn is_called(tag: &str, wanted: &str) -> bool {
    let full = |name: &str| name.parse::<Reference>().ok();
    tag == wanted || full(tag).is_some_and(|t| t.tag.as_deref() == Some(wanted) || Some(t) == full(wanted))
}

impl Pull for Docker {
    fn resolve(&self, _: &Platform) -> Result<Resolved> {
        Ok(self.resolved.clone())
    }

    fn config(&self, _: &Resolved) -> Result<Vec<u8>> {
        Ok(self.config.clone())
    }

    fn blob<'a>(
        &'a self,
        blob: &Descriptor,
        progress: &'a dyn Progress,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        let missing =
            || Error::new(Kind::NotFound, format!("read `{}`: there is no blob {}", self.place, blob.digest));
        let path = self.paths.get(&blob.digest).ok_or_else(missing)?;
        let file =
            self.entries.open(path).map_err(|e| Error::io(format_args!("read `{}`", self.place), &e))?;
        Ok(Box::new(Verified::new(file, blob, progress)))
    }
}
